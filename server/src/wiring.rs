//! From a configuration to the surroundings of the work: one place that opens what is outside.

use std::sync::Arc;

use anyhow::Context;
use takedown::{
    clock::Clock,
    db::{self, DatabaseConnection},
    env::Env,
    ids::Ids,
    outside::{Outside, mail::Mail},
};

use crate::config::{Config, SecretUrl};

/// How much of the surroundings a command needs: benign lists and routing tables take a moment to load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// The store alone.
    Store,
    /// The key that seals and signs, too.
    Key,
    /// What intake knows, too.
    Intake,
    /// The ports to what is outside, too.
    Everything,
    /// What people need who sign in, too.
    Serving,
}

/// Opens the database with its schema up to date, and what else is needed.
///
/// # Errors
/// The database cannot be reached, its schema is not up to date and may not be brought so, or a file that a setting
/// names cannot be used.
pub async fn open(config: &Config, clock: Clock, needs: Needs) -> anyhow::Result<Env> {
    let url = config.database.url()?;
    let db = connect(&url, config).await?;
    bring_up(&db, config).await?;
    let ids = Ids::system().context("the system gives no random numbers")?;
    let mut env = Env::new(db, clock, ids, config.settings()?);
    if needs >= Needs::Intake {
        let intake = config.intake.clone();
        env.intake = Arc::new(tokio::task::spawn_blocking(move || intake.context()).await??);
    }
    if matches!(needs, Needs::Key | Needs::Serving) {
        env.seal = Some(config.auth.seal(&env.ids)?);
    }
    if needs == Needs::Serving {
        env.providers = config.auth.providers(&config.http)?;
    }
    if needs >= Needs::Everything {
        let observe = config.observe.clone();
        let outside =
            move || Ok::<_, crate::config::Problems>((observe.dns(), observe.rdap()?, observe.asn()?));
        let (dns, rdap, asn) = tokio::task::spawn_blocking(outside).await??;
        env.outside = Outside { dns, rdap, asn, mail: Mail::open(&env.settings.mail)? };
    }
    Ok(env)
}

async fn bring_up(db: &DatabaseConnection, config: &Config) -> anyhow::Result<()> {
    if config.database.migrate {
        let changes = migrations::up(db).await.context("cannot bring the schema up to date")?;
        if !changes.is_empty() {
            tracing::info!(changes = changes.len(), "the schema was brought up to date");
        }
        return Ok(());
    }
    let status = migrations::status(db).await.context("cannot read the state of the schema")?;
    let pending = status.iter().filter(|(_, applied)| !applied).count();
    anyhow::ensure!(pending == 0, "the schema lacks {pending} changes: run `lockstep migrate`");
    Ok(())
}

/// Connects to the database as it is.
///
/// # Errors
/// It cannot be reached.
pub async fn connect(url: &SecretUrl, config: &Config) -> anyhow::Result<DatabaseConnection> {
    db::connect(url.expose(), config.database.connections.get())
        .await
        .with_context(|| format!("cannot open the database {url}"))
}
