//! The two databases behind one connection type.

use std::{os::unix::fs::OpenOptionsExt as _, path::PathBuf, time::Duration};

pub use sea_orm::DatabaseConnection;
use sea_orm::{
    ConnectOptions, Database, DatabaseTransaction, DbErr, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
    sqlx::{
        Connection as _, Executor as _, PgConnection,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
    },
};

use crate::error::Error;

/// What each connection keeps of an SQLite file, in KiB: several of them stay within the memory of a small machine.
const CACHE_KIB: u32 = 24 * 1024;

/// How long a database may take to answer a first time.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection that rested so long is asked whether it is still there before it is used; one in use tells by itself.
const RESTED: Duration = Duration::from_secs(1);

/// How long a statement that nobody waits for any more may go on before its connection is closed.
const LET_GO: Duration = Duration::from_millis(250);

/// How often a PostgreSQL looks, while it works, whether the connection is still there (milliseconds; 14 and later, see
/// `client_connection_check_interval`): it ends the work if not.
const STILL_THERE: &str = "SET client_connection_check_interval = 250";

/// Opens `sqlite://FILE?mode=rwc` or `postgres://…` with at most `connections` connections.
///
/// # Errors
/// The URL is of neither kind, or the database cannot be reached.
pub async fn connect(url: &str, connections: u32) -> Result<DatabaseConnection, Error> {
    if !["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(Error::invalid("database.url", "must begin with `sqlite://` or `postgres://`"));
    }
    // An in-memory database lives in its one connection.
    let connections = if url.contains(":memory:") { 1 } else { connections };
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(30))
        .sqlx_logging(false)
        .test_before_acquire_if_idle_for(RESTED)
        .map_sqlx_postgres_pool_opts(|pool| {
            pool.after_connect(|connection, _| {
                Box::pin(async move { connection.execute(STILL_THERE).await.map(|_| ()) })
            })
            // A statement whose answer nobody takes any more (a client left, a deadline passed) would go on to its end and
            // keep its connection so long.
            .after_release(|connection, _| {
                Box::pin(async move {
                    let rests = tokio::time::timeout(LET_GO, connection.ping()).await;
                    Ok(matches!(rests, Ok(Ok(()))))
                })
            })
        })
        .map_sqlx_sqlite_opts(|sqlite| {
            sqlite
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Normal)
                .busy_timeout(Duration::from_secs(30))
                .foreign_keys(true)
                // Bulk imports dirty many pages: a larger log keeps checkpoints from rewriting the tree.
                .pragma("wal_autocheckpoint", "10000")
                .pragma("cache_size", format!("-{CACHE_KIB}"))
                .pragma("temp_store", "memory")
        });
    if let Some(file) = to_be_made(url) {
        // Whoever can read it reads everything: nobody but its owner. SQLite gives its log the same mode.
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file).map_err(
            |error| Error::Unavailable {
                what: format!("{} cannot be made ({error}): the database", file.display()),
            },
        )?;
    }
    if let Some(file) = sqlite_file(url).filter(|file| !file.exists()) {
        let why =
            format!("{} is not there: add ?mode=rwc to have it made, or correct the path", file.display());
        return Err(Error::invalid("database.url", why));
    }
    if !url.starts_with("sqlite:") {
        answers(url).await?;
    }
    Database::connect(options).await.map_err(|error| match error {
        DbErr::Conn(why) => unreachable(why),
        other => other.into(),
    })
}

/// Whether a PostgreSQL answers at all: a pool takes a refused connection for a server that is only just starting, and
/// tries for as long as somebody may wait.
async fn answers(url: &str) -> Result<(), Error> {
    let connection = tokio::time::timeout(PATIENCE, PgConnection::connect(url)).await;
    let connection = connection.map_err(|_| unreachable("no answer"))?.map_err(unreachable)?;
    connection.close().await.map_err(unreachable)
}

/// Told to who starts the program, never to a client: requests find the database open.
fn unreachable(why: impl std::fmt::Display) -> Error {
    Error::Unavailable { what: format!("the database ({why})") }
}

/// The SQLite file that opening `url` would make: none if it is there, if it may not be made, or of PostgreSQL.
pub fn to_be_made(url: &str) -> Option<PathBuf> {
    let (_, words) = url.split_once('?')?;
    let file = sqlite_file(url)?;
    (words.split('&').any(|word| word == "mode=rwc") && !file.exists()).then_some(file)
}

/// The file that an SQLite URL names, as the driver reads it (`%20` is a space); none of PostgreSQL, or in memory.
pub fn sqlite_file(url: &str) -> Option<PathBuf> {
    if !url.starts_with("sqlite:") || url.contains(":memory:") || url.contains("mode=memory") {
        return None;
    }
    let options: SqliteConnectOptions = url.parse().ok()?;
    let file = options.get_filename();
    (!file.as_os_str().is_empty()).then(|| file.to_owned())
}

/// Begins a write. On SQLite the write lock is taken at once, so that two writers queue instead of failing
/// half-way.
///
/// # Errors
/// The database refused.
pub async fn begin(db: &DatabaseConnection) -> Result<DatabaseTransaction, Error> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    Ok(db.begin_with_options(options).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_an_sqlite_database_is_known() {
        for (url, file) in [
            ("sqlite://lockstep.sqlite?mode=rwc", Some("lockstep.sqlite")),
            ("sqlite:///var/lib/lockstep.sqlite", Some("/var/lib/lockstep.sqlite")),
            ("sqlite:///var/lib/a%20case.sqlite", Some("/var/lib/a case.sqlite")),
            ("sqlite::memory:", None),
            ("sqlite://lockstep.sqlite?mode=memory", None),
            ("postgres://localhost/lockstep", None),
        ] {
            assert_eq!(sqlite_file(url), file.map(PathBuf::from), "{url}");
        }
        assert_eq!(to_be_made("sqlite://not-there.sqlite?mode=rwc"), Some("not-there.sqlite".into()));
        assert_eq!(to_be_made("sqlite://not-there.sqlite"), None);
    }
}
