//! A database of its own for each test, brought to the present schema, of either kind.

use anyhow::Result;
use migrations::{Migrator, MigratorTrait};
use sea_orm::DatabaseConnection;
use tempfile::TempDir;

use crate::{postgres, services};

/// Connections in a test's pool: enough that two workers and a reader can collide.
const CONNECTIONS: u32 = 8;

/// A fresh, migrated database that is removed when this is dropped.
#[derive(Debug)]
pub struct Database {
    url: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Sqlite(#[expect(dead_code, reason = "held for its Drop, which removes the file")] TempDir),
    Postgres(#[expect(dead_code, reason = "held for its Drop, which drops the database")] postgres::Copy),
}

impl Database {
    /// A SQLite database in a temporary file.
    ///
    /// # Errors
    /// The file could not be made, or a migration failed.
    pub async fn sqlite() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("lockstep.sqlite").display());
        let db = takedown::db::connect(&url, 1).await?;
        Migrator::up(&db, None).await?;
        db.close().await?;
        Ok(Self { url, kind: Kind::Sqlite(folder) })
    }

    /// A PostgreSQL database, copied from a migrated template that is made once per cluster. `None`, said loudly,
    /// when the run has no PostgreSQL.
    ///
    /// # Errors
    /// PostgreSQL refused, a migration failed, or there is none and the run demands it.
    pub async fn postgres() -> Result<Option<Self>> {
        let Some(admin) = services::variable(services::POSTGRES) else {
            let what = format!("the PostgreSQL half of this test: {} is not set", services::POSTGRES);
            services::skip(&what)?;
            return Ok(None);
        };
        let copy = postgres::Copy::create(&admin).await?;
        Ok(Some(Self { url: copy.url().to_owned(), kind: Kind::Postgres(copy) }))
    }

    /// One database of each kind that this run has: SQLite always.
    ///
    /// # Errors
    /// As [`Database::sqlite`] and [`Database::postgres`].
    pub async fn each() -> Result<Vec<Self>> {
        let mut databases = vec![Self::sqlite().await?];
        databases.extend(Self::postgres().await?);
        Ok(databases)
    }

    /// The address that `lockstep` would be configured with.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `SQLite` or `PostgreSQL`, for messages.
    pub fn name(&self) -> &'static str {
        match self.kind {
            Kind::Sqlite(_) => "SQLite",
            Kind::Postgres(_) => "PostgreSQL",
        }
    }

    /// Opens it as the program does. Each call is a pool of its own, as another process would have.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn connect(&self) -> Result<DatabaseConnection> {
        Ok(takedown::db::connect(&self.url, CONNECTIONS).await?)
    }
}

/// Runs a test's body on each kind of database that this run has, one after the other, each fresh.
///
/// ```no_run
/// # async fn example() -> anyhow::Result<()> {
/// tests::on_each_database(async |database| {
///     let db = database.connect().await?;
///     db.ping().await?;
///     Ok(())
/// })
/// .await
/// # }
/// ```
///
/// # Errors
/// The body's, with the database's name before it.
pub async fn on_each_database(body: impl AsyncFn(&Database) -> Result<()>) -> Result<()> {
    for database in Database::each().await? {
        body(&database).await.map_err(|error| error.context(format!("on {}", database.name())))?;
    }
    Ok(())
}
