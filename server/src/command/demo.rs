//! `lockstep demo`.

use std::path::PathBuf;

use clap::Args;

use super::Context;
use crate::exit::Exit;

#[derive(Debug, Args)]
pub struct Words {
    /// The scenario: lumma, small, or a file
    #[arg(long, default_value = "lumma")]
    scenario: PathBuf,
    /// How many seconds of the story pass in one of the wall's
    #[arg(long, default_value_t = 3_600.0)]
    speed: f64,
    /// End when the slice has played instead of staying up
    #[arg(long)]
    once: bool,
}

pub async fn run(_: &Context, words: Words) -> anyhow::Result<Exit> {
    anyhow::bail!(
        "the demo of {} is not there yet (asked for at speed {}, once: {})",
        words.scenario.display(),
        words.speed,
        words.once
    )
}
