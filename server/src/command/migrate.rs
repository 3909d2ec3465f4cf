//! `lockstep migrate`.

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::Context;
use crate::{exit::Exit, output, wiring};

#[derive(Debug, Args)]
pub struct Words {
    /// Only say which changes the database has
    #[arg(long)]
    status: bool,
}

pub async fn run(context: &Context, words: &Words) -> anyhow::Result<Exit> {
    let config = &context.loaded.config;
    let db = wiring::connect(&config.database.url()?, config).await?;
    if words.status {
        let status = migrations::status(&db).await.context("cannot read the state of the schema")?;
        if context.json {
            let changes = status.iter().map(|(name, applied)| json!({ "name": name, "applied": applied }));
            output::json(&json!({ "changes": changes.collect::<Vec<_>>() }))?;
        } else {
            for (name, applied) in status {
                output::line(format!("{}  {name}", if applied { "applied" } else { "pending" }))?;
            }
        }
        return Ok(Exit::Done);
    }
    let changes = migrations::up(&db).await.context("cannot bring the schema up to date")?;
    if context.json {
        output::json(&json!({ "applied": changes }))?;
    } else if changes.is_empty() {
        output::line("The schema is up to date.")?;
    } else {
        output::line(format!("The schema is up to date: {} changes made.", changes.len()))?;
    }
    Ok(Exit::Done)
}
