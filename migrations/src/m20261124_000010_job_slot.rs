//! Creates table `job_slot`.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("job_slot")
                    .col(ColumnDef::new("name").text().not_null())
                    .col(ColumnDef::new("slot").big_integer().not_null())
                    .primary_key(Index::create().col("name").col("slot"))
                    .to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("job_slot").to_owned()).await
    }
}
