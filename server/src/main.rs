//! `lockstep`: reads its words, does one command, says how it went.

use std::process::ExitCode;

use clap::Parser;
use server::{
    command::{self, Cli},
    config::Surroundings,
    exit::Exit,
};

fn main() -> ExitCode {
    // Before anything speaks TLS: the one provider that is compiled in.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("lockstep: a second TLS provider is installed");
        return Exit::Failed.into();
    }
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("lockstep: cannot start: {error}");
            return Exit::Failed.into();
        }
    };
    let exit = runtime.block_on(command::run(cli, Surroundings::of_process()));
    // A blocking read of the terminal or a slow name look-up does not hold the exit up.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    exit.into()
}
