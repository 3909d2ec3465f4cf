//! Creates table `verification`.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("verification")
                    .col(ColumnDef::new("id").uuid().not_null())
                    .col(ColumnDef::new("task_id").uuid().not_null())
                    .col(ColumnDef::new("at").big_integer().not_null())
                    .col(ColumnDef::new("verdict").text().not_null())
                    .col(ColumnDef::new("evidence").json_binary().not_null())
                    .col(ColumnDef::new("agreeing").small_integer().not_null())
                    .col(ColumnDef::new("rounds").small_integer().not_null())
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("verification", "task_id").to("task", "id"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("verification_task_id_at_idx")
                    .table("verification")
                    .col("task_id")
                    .col("at")
                    .to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("verification").to_owned()).await
    }
}
