//! Lets rows belong to an operation, and keeps the things of each operation apart: a name that two of them hold is two
//! rows, so that neither is told from a name that is new.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// What belongs to an operation by a column of its own. Everything else hangs on one of these.
const TABLES: [&str; 9] =
    ["observable", "sighting", "import", "holding", "cluster", "task", "notice", "pivot", "audit_event"];

/// Unique keys that hold within an operation, and within what belongs to none: name, table, columns.
const KEYS: [(&str, &str, &str); 2] = [
    ("observable_value_kind_key", "observable", "value, kind"),
    ("pivot_kind_value_key", "pivot", "kind, value"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            let mut column = ColumnDef::new("operation_id");
            column.uuid();
            manager.alter_table(Table::alter().table(table).add_column(column).to_owned()).await?;
        }
        // NULL counts as a value of its own; of the two, no operation has this one.
        let none = match manager.get_database_backend() {
            DbBackend::Postgres => "'00000000-0000-0000-0000-000000000000'::uuid",
            _ => "x''",
        };
        // An operation's things are few among all.
        let own = "CREATE INDEX observable_operation_idx ON observable (operation_id, id) \
                   WHERE operation_id IS NOT NULL";
        manager.get_connection().execute_unprepared(own).await?;
        for (key, table, columns) in KEYS {
            let made = format!(
                "DROP INDEX {key}; \
                 CREATE UNIQUE INDEX {key} ON {table} ({columns}, (COALESCE(operation_id, {none})))"
            );
            // In one call, so that it is one connection's: another of the pool may still believe in what is gone.
            manager.get_connection().execute_unprepared(&made).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("DROP INDEX observable_operation_idx").await?;
        for (key, table, columns) in KEYS {
            let made = format!("DROP INDEX {key}; CREATE UNIQUE INDEX {key} ON {table} ({columns})");
            manager.get_connection().execute_unprepared(&made).await?;
        }
        for table in TABLES {
            let drop = Table::alter().table(table).drop_column("operation_id").to_owned();
            manager.alter_table(drop).await?;
        }
        Ok(())
    }
}
