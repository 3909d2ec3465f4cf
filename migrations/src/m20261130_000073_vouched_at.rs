//! Adds to table `identity` when its provider last vouched for the person: of those that are there, when they first came.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut column = ColumnDef::new("vouched_at");
        column.big_integer().not_null().default(0);
        manager.alter_table(Table::alter().table("identity").add_column(column).to_owned()).await?;
        manager.get_connection().execute_unprepared("UPDATE identity SET vouched_at = created_at").await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("identity").drop_column("vouched_at").to_owned()).await
    }
}
