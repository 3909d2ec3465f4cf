//! From a configuration to the surroundings of the work: one place that opens what is outside.

use std::sync::Arc;

use anyhow::Context;
use takedown::{
    clock::Clock,
    db::{self, DatabaseConnection},
    env::Env,
    ids::Ids,
};

use crate::config::{Config, DatabaseUrl};

/// Opens the database with its schema up to date, and everything else the work needs.
///
/// # Errors
/// The database cannot be reached, its schema is not up to date and may not be brought so, or a file that a setting
/// names cannot be used.
pub async fn open(config: &Config, clock: Clock) -> anyhow::Result<Arc<Env>> {
    let url = config.database.url()?;
    let db = connect(&url, config).await?;
    if config.database.migrate {
        let changes = migrations::up(&db).await.context("cannot bring the schema up to date")?;
        if !changes.is_empty() {
            tracing::info!(changes = changes.len(), "the schema was brought up to date");
        }
    } else {
        let status = migrations::status(&db).await.context("cannot read the state of the schema")?;
        let pending = status.iter().filter(|(_, applied)| !applied).count();
        anyhow::ensure!(pending == 0, "the schema lacks {pending} changes: run `lockstep migrate`");
    }
    let ids = Ids::system().context("the system gives no random numbers")?;
    Ok(Arc::new(Env::new(db, clock, ids, config.settings()?)))
}

/// Connects to the database as it is.
///
/// # Errors
/// It cannot be reached.
pub async fn connect(url: &DatabaseUrl, config: &Config) -> anyhow::Result<DatabaseConnection> {
    db::connect(url.expose(), config.database.connections.get())
        .await
        .with_context(|| format!("cannot open the database {url}"))
}
