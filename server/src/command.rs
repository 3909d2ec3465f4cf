//! The command line: one file a subcommand.

mod access;
mod audit;
mod cluster;
mod config;
mod demo;
mod doctor;
mod import;
mod jobs;
mod migrate;
mod observe;
mod operation;
mod party;
mod range;
mod sdl;
mod serve;
mod token;
mod user;

use std::{path::PathBuf, sync::Arc};

use clap::{Args, Parser, Subcommand};
use entities::ActorRole;
use takedown::{actor::Actor, clock::Clock, db, env::Env, error::Error};

pub use range::configuration;

use crate::{
    config::{Loaded, Origin, Surroundings, load},
    exit::{self, Exit},
    telemetry,
    wiring::{self, Needs},
};

/// Takes an infostealer's infrastructure down: from a list of indicators to verified dark.
///
/// Whoever can open the database is trusted: commands act as a local lead who knows of every operation
/// (`token`, `user`, `party` and `jobs` as the administrator) under the login name or the one given with --as, and the
/// ledger keeps that name.
#[derive(Debug, Parser)]
#[command(name = "lockstep", version, after_help = exit::HELP)]
pub struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
struct Globals {
    /// The configuration file; without it lockstep.toml in the working directory, if it is there
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Who acts, for the ledger; without it the login name
    #[arg(long = "as", global = true, value_name = "NAME")]
    actor: Option<String>,
    /// Print JSON, one object a line
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API and work on jobs
    Serve(serve::Words),
    /// Bring the database's schema up to date
    Migrate(migrate::Words),
    /// Bring indicators in: each line or object gets a verdict
    Import(import::Words),
    /// Look observables up now
    Observe(observe::Words),
    /// Group names anew by what they share
    Cluster(cluster::Words),
    /// Play the whole road on a synthetic internet
    Demo(demo::Words),
    /// Serve a synthetic internet on loopback, for rehearsals
    Range(range::Words),
    /// Make, list and revoke access tokens
    #[command(subcommand)]
    Token(token::Words),
    /// Make people who can sign in, and change what they are
    #[command(subcommand)]
    User(user::Words),
    /// Make operations, say who works in them, seal them
    #[command(subcommand)]
    Operation(operation::Words),
    /// Load and read the directory of organisations, and the circle of countries
    #[command(subcommand)]
    Party(party::Words),
    /// Check or read the ledger
    #[command(subcommand)]
    Audit(audit::Words),
    /// See the job queue, let dead jobs run again
    #[command(subcommand)]
    Jobs(jobs::Words),
    /// Check configuration, database, clock and what is outside, and say how to mend
    Doctor(doctor::Words),
    /// Print the effective configuration, each value with where it came from, secrets redacted
    Config(config::Words),
    /// Print the GraphQL schema
    Sdl(sdl::Words),
    /// Print who may do what, as the rules answer
    Access(access::Words),
}

impl Command {
    /// Whether the command runs until it is told to stop, and logs like it. The demo tells its own story.
    const fn stays(&self) -> bool {
        matches!(self, Self::Serve(_) | Self::Range(_))
    }
}

/// What a command works with.
#[derive(Debug)]
pub struct Context {
    /// The configuration and its origins.
    pub loaded: Loaded,
    /// Who acts.
    pub name: String,
    /// Whether a program reads the output.
    pub json: bool,
}

impl Context {
    /// The local operator.
    pub fn operator(&self) -> Actor {
        Actor::operator(self.name.clone(), ActorRole::Lead)
    }

    /// The local operator running the system.
    pub fn administrator(&self) -> Actor {
        Actor::operator(self.name.clone(), ActorRole::Admin)
    }

    /// Opens what the command needs.
    ///
    /// # Errors
    /// See [`wiring::open`].
    pub async fn env(&self, needs: Needs) -> anyhow::Result<Arc<Env>> {
        if let Some(file) = db::to_be_made(self.loaded.config.database.url()?.expose()) {
            anyhow::bail!(
                "there is no database {} here: is this the right folder? `lockstep migrate` makes a new one",
                file.display()
            );
        }
        self.new_env(needs).await
    }

    /// The same, for commands that begin something: a database that is not there yet is made.
    ///
    /// # Errors
    /// As [`Context::env`], but for that.
    pub async fn new_env(&self, needs: Needs) -> anyhow::Result<Arc<Env>> {
        Ok(Arc::new(wiring::open(&self.loaded.config, Clock::System, needs).await?))
    }
}

/// Does what the words say and says how it went.
pub async fn run(cli: Cli, surroundings: Surroundings) -> Exit {
    let json = cli.globals.json;
    let result = match cli.command {
        Command::Sdl(words) => sdl::run(&words),
        Command::Access(words) => access::run(&words),
        Command::Doctor(words) => {
            let loaded = load(&surroundings, cli.globals.config.as_deref());
            doctor::run(loaded, json, &words).await
        }
        command => with_configuration(command, &cli.globals, &surroundings).await,
    };
    result.unwrap_or_else(|error| exit::failed(&error, json))
}

async fn with_configuration(
    command: Command,
    globals: &Globals,
    surroundings: &Surroundings,
) -> anyhow::Result<Exit> {
    let loaded = load(surroundings, globals.config.as_deref())?;
    let chosen = loaded.layers.origin("log", "level") != Origin::BuiltIn;
    let level = (!command.stays() && !chosen).then_some("warn");
    let _telemetry = telemetry::init(&loaded.config, level)?;
    let context = Context { loaded, name: name(globals, surroundings)?, json: globals.json };
    match command {
        Command::Serve(words) => serve::run(&context, words).await,
        Command::Import(words) => import::run(&context, words).await,
        Command::Observe(words) => observe::run(&context, words).await,
        Command::Cluster(words) => cluster::run(&context, &words).await,
        Command::Demo(words) => demo::run(&context, words).await,
        Command::Range(words) => range::run(&context, words).await,
        Command::Migrate(words) => migrate::run(&context, &words).await,
        Command::Token(words) => token::run(&context, words).await,
        Command::User(words) => user::run(&context, words).await,
        Command::Operation(words) => operation::run(&context, words).await,
        Command::Party(words) => party::run(&context, words).await,
        Command::Audit(words) => audit::run(&context, words).await,
        Command::Jobs(words) => jobs::run(&context, words).await,
        Command::Config(words) => config::run(&context, &words),
        // These need no configuration and were done before.
        Command::Doctor(_) | Command::Sdl(_) | Command::Access(_) => Ok(Exit::Done),
    }
}

/// Who acts: the name given, else the login name, else `operator`.
fn name(globals: &Globals, surroundings: &Surroundings) -> Result<String, Error> {
    let given = globals.actor.as_deref().or_else(|| surroundings.login()).unwrap_or("operator").trim();
    // `system:…` and `nobody` are how the ledger writes who is no person.
    let plain =
        !given.is_empty() && given.len() <= 64 && !given.contains(|c: char| c == ':' || c.is_control());
    if !plain || given == "nobody" {
        return Err(Error::invalid("--as", "must be a person's name of at most 64 bytes, without `:`"));
    }
    Ok(given.to_owned())
}
