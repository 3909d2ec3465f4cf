//! PostgreSQL databases for tests: one migrated template per cluster, one copy of it per test.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    thread,
};

use anyhow::{Context, Result};
use migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};

/// The advisory lock under which the template is made, so that concurrent tests make it once.
const TEMPLATE_LOCK: i64 = 0x4c6f_636b_7374_6570;

/// A copy is left over when it is this old, in seconds, and nobody is connected.
const LEFT_OVER_AFTER: u32 = 3600;

/// A database of the cluster that is dropped with this value.
#[derive(Debug)]
pub struct Copy {
    admin: String,
    name: String,
    url: String,
}

impl Copy {
    /// Copies the template into a database of its own, making the template first if the cluster has none.
    pub async fn create(admin: &str) -> Result<Self> {
        let control = takedown::db::connect(admin, 1).await.context("opening the tests' PostgreSQL")?;
        let template = template(admin, &control).await?;
        // Unique in the cluster: the server's clock, in µs, and this connection's process there.
        let name = text(
            &control,
            "SELECT 'lockstep_test_' || (extract(epoch FROM clock_timestamp()) * 1000000)::bigint \
             || '_' || pg_backend_pid()",
        )
        .await?
        .context("PostgreSQL gave no name")?;
        control.execute_unprepared(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await?;
        control.close().await?;
        Ok(Self { url: with_database(admin, &name), admin: admin.to_owned(), name })
    }

    /// The copy's address.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Copy {
    /// Drops the database, whoever is still connected. A thread with its own runtime, because a test's runtime may
    /// be inside this very call.
    fn drop(&mut self) {
        let (admin, name) = (self.admin.clone(), self.name.clone());
        let dropped = thread::spawn(move || -> Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let control = takedown::db::connect(&admin, 1).await?;
                control.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
                control.close().await?;
                Ok(())
            })
        });
        match dropped.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => eprintln!("could not drop the test database {}: {error:#}", self.name),
            Err(_) => eprintln!("could not drop the test database {}", self.name),
        }
    }
}

/// The name of the cluster's template for this schema history; made, and leftovers swept, under a lock.
async fn template(admin: &str, control: &DatabaseConnection) -> Result<String> {
    let name = template_name();
    control.execute_unprepared(&format!("SELECT pg_advisory_lock({TEMPLATE_LOCK})")).await?;
    let made = make_template(admin, control, &name).await;
    control.execute_unprepared(&format!("SELECT pg_advisory_unlock({TEMPLATE_LOCK})")).await?;
    made?;
    Ok(name)
}

/// Migrations are frozen, so their names tell the schema. While one is being written on a cluster that outlives the
/// run, drop the template by hand.
fn template_name() -> String {
    let mut hasher = DefaultHasher::new();
    for migration in Migrator::migrations() {
        migration.name().hash(&mut hasher);
    }
    format!("lockstep_template_{:016x}", hasher.finish())
}

async fn make_template(admin: &str, control: &DatabaseConnection, name: &str) -> Result<()> {
    let existing = format!("SELECT datname::text FROM pg_database WHERE datname = '{name}'");
    if text(control, &existing).await?.is_some() {
        return Ok(());
    }
    sweep(control).await?;
    // It gets its name when it is whole: a run killed half-way leaves none behind that is not.
    let unfinished = format!("{name}_unfinished");
    control.execute_unprepared(&format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)")).await?;
    control.execute_unprepared(&format!("CREATE DATABASE {unfinished}")).await?;
    let db = takedown::db::connect(&with_database(admin, &unfinished), 1).await?;
    Migrator::up(&db, None).await.context("migrating the template")?;
    db.close().await?;
    control.execute_unprepared(&format!("ALTER DATABASE {unfinished} RENAME TO {name}")).await?;
    Ok(())
}

/// Drops copies that killed runs left behind.
async fn sweep(control: &DatabaseConnection) -> Result<()> {
    let left_over = format!(
        "SELECT datname::text FROM pg_database \
         WHERE datname ~ '^lockstep_test_[0-9]+_[0-9]+$' \
         AND split_part(datname, '_', 3)::bigint / 1000000 < extract(epoch FROM now()) - {LEFT_OVER_AFTER} \
         AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.datname = pg_database.datname)"
    );
    let rows =
        control.query_all_raw(Statement::from_string(control.get_database_backend(), left_over)).await?;
    for row in rows {
        let name: String = row.try_get_by_index(0)?;
        control.execute_unprepared(&format!("DROP DATABASE IF EXISTS {name}")).await?;
    }
    Ok(())
}

async fn text(control: &DatabaseConnection, sql: &str) -> Result<Option<String>> {
    let statement = Statement::from_string(control.get_database_backend(), sql);
    let row = control.query_one_raw(statement).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?)
}

/// The address of another database of the same cluster.
fn with_database(admin: &str, name: &str) -> String {
    let (address, options) = admin.split_once('?').map_or((admin, None), |(a, o)| (a, Some(o)));
    let authority = address.find("://").map_or(0, |at| at + 3);
    let end = address[authority..].find('/').map_or(address.len(), |at| authority + at);
    let options = options.map_or(String::new(), |options| format!("?{options}"));
    format!("{}/{name}{options}", &address[..end])
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn another_database_of_the_same_cluster() {
        for (admin, expected) in [
            ("postgres://u@127.0.0.1:1/postgres", "postgres://u@127.0.0.1:1/x"),
            ("postgres://u:p@127.0.0.1:1", "postgres://u:p@127.0.0.1:1/x"),
            ("postgres://u@h/db?host=/run/pg", "postgres://u@h/x?host=/run/pg"),
        ] {
            assert_eq!(with_database(admin, "x"), expected);
        }
    }
}
