//! Lets a desk belong to an operation by whose names alone it was found: what two find is two rows, as with names.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut column = ColumnDef::new("operation_id");
        column.uuid();
        manager.alter_table(Table::alter().table("desk").add_column(column).to_owned()).await?;
        // NULL counts as a value of its own; of the two, no operation has this one.
        let none = match manager.get_database_backend() {
            DbBackend::Postgres => "'00000000-0000-0000-0000-000000000000'::uuid",
            _ => "x''",
        };
        let made = format!(
            "DROP INDEX desk_channel_scope_key; \
             CREATE UNIQUE INDEX desk_channel_scope_key ON desk (channel, scope, (COALESCE(operation_id, {none})))"
        );
        // In one call, so that it is one connection's: another of the pool may still believe in what is gone.
        manager.get_connection().execute_unprepared(&made).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let made = "DROP INDEX desk_channel_scope_key; \
                    CREATE UNIQUE INDEX desk_channel_scope_key ON desk (channel, scope)";
        manager.get_connection().execute_unprepared(made).await?;
        manager.alter_table(Table::alter().table("desk").drop_column("operation_id").to_owned()).await
    }
}
