//! `lockstep sdl`.

use clap::Args;

use crate::{exit::Exit, output};

#[derive(Debug, Args)]
pub struct Words {}

pub fn run(_: &Words) -> anyhow::Result<Exit> {
    let sdl = graphql::sdl();
    output::line(sdl.trim_end())?;
    Ok(Exit::Done)
}
