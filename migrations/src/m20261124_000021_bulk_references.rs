//! On PostgreSQL, rows that imports write in bulk are no longer checked one by one against what they refer to.
//!
//! Each check locks the row referred to; together they were four fifths of the time of an import. The one writer
//! of these rows (takedown's intake/store) has looked every id up, or made it, in the same transaction, and
//! nothing deletes an observable, a source or an import. SQLite, where the check is one look into an index,
//! keeps it, and every test of the store runs there too.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Table, column, and the table whose `id` it names.
const REFERENCES: [(&str, &str, &str); 7] = [
    ("sighting", "observable_id", "observable"),
    ("sighting", "source_id", "source"),
    ("sighting", "import_id", "import"),
    ("link", "from_id", "observable"),
    ("link", "to_id", "observable"),
    ("link", "source_id", "source"),
    ("import_line", "import_id", "import"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        for (table, column, _) in REFERENCES {
            let drop = format!("ALTER TABLE {table} DROP CONSTRAINT {table}_{column}_fkey");
            manager.get_connection().execute_unprepared(&drop).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        for (table, column, to) in REFERENCES {
            let add = format!(
                "ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_fkey \
                 FOREIGN KEY ({column}) REFERENCES {to} (id)"
            );
            manager.get_connection().execute_unprepared(&add).await?;
        }
        Ok(())
    }
}
