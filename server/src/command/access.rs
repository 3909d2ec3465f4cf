//! `lockstep access`.

use clap::Args;
use takedown::access::matrix;

use crate::{exit::Exit, output};

#[derive(Debug, Args)]
pub struct Words {}

pub fn run(_: &Words) -> anyhow::Result<Exit> {
    output::text(matrix::markdown())?;
    Ok(Exit::Done)
}
