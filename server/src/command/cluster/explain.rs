//! `lockstep cluster --explain`.

use serde_json::{Value, json};
use takedown::{cluster::tell, env::Env, error::Error, intake::refang::refang, reads::observables};

use super::super::Context;
use crate::{exit::Exit, output};

pub async fn run(context: &Context, env: &Env, name: &str) -> anyhow::Result<Exit> {
    let actor = context.operator();
    let name = refang(name.trim()).to_ascii_lowercase();
    let found = observables::named(env, &actor, &name).await?;
    let row = found.into_iter().next().ok_or_else(|| Error::not_found("observable", &name))?;
    let told = tell::explain(env, &actor, row.id, None).await?;
    if context.json {
        output::json(&json!({
            "observable": row.id, "cluster": told.cluster, "name": told.cluster_name,
            "reasons": told.reasons, "path": told.path,
        }))?;
        return Ok(Exit::Done);
    }
    output::line(format!("{name} is in {} ({}).", told.cluster_name, told.cluster))?;
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let rows: Vec<_> = told
        .reasons
        .as_array()
        .into_iter()
        .flatten()
        .map(|reason| {
            let day = |at: &str| {
                reason["seen"][at].as_str().unwrap_or_default().get(..10).unwrap_or("-").to_owned()
            };
            let told = ["weight", "shared_by", "kind", "value"].iter().map(|key| text(&reason[*key]));
            told.chain([day("first"), day("last")]).collect()
        })
        .collect::<Vec<Vec<String>>>();
    output::text(output::table(
        &["weight", "names", "kind", "what it shares", "first seen", "last seen"],
        &rows,
    ))?;
    for step in &told.path {
        let by =
            step.by.as_ref().map_or_else(String::new, |by| format!(", by {} {}", by.kind.as_str(), by.value));
        output::line(format!("  {} → {}{by}", step.from, step.to))?;
    }
    Ok(Exit::Done)
}
