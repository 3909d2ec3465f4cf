//! `lockstep config`.

use clap::Args;

use super::Context;
use crate::{exit::Exit, output};

#[derive(Debug, Args)]
pub struct Words {}

pub fn run(context: &Context, _: &Words) -> anyhow::Result<Exit> {
    if context.json {
        output::json(&context.loaded.to_json()?)?;
    } else {
        output::text(context.loaded.to_toml()?)?;
    }
    Ok(Exit::Done)
}
