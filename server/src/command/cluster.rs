//! `lockstep cluster`.

use clap::Args;
use serde_json::json;
use takedown::cluster::{group::Hub, recluster};

use super::Context;
use crate::{exit::Exit, output, wiring::Needs};

#[derive(Debug, Args)]
pub struct Words {}

pub async fn run(context: &Context, _: &Words) -> anyhow::Result<Exit> {
    let env = context.env(Needs::Store).await?;
    let report = recluster(&env, &context.operator()).await?;
    if context.json {
        output::json(&json!({ "summary": report }))?;
        return Ok(Exit::Done);
    }
    output::line(format!("{}; {} clusters are new.", report.text(), report.new))?;
    if !report.hubs.is_empty() {
        let row = |hub: &Hub| vec![hub.shared_by.to_string(), kind(hub), hub.value.clone()];
        let rows: Vec<_> = report.hubs.iter().map(row).collect();
        output::text(output::table(&["names", "kind", "hub that was left out"], &rows))?;
    }
    Ok(Exit::Done)
}

/// The pivot's kind as `--json` spells it.
fn kind(hub: &Hub) -> String {
    serde_json::to_value(hub.kind).ok().and_then(|kind| kind.as_str().map(str::to_owned)).unwrap_or_default()
}
