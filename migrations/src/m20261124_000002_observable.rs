//! Creates table `observable`.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("observable")
                    .col(ColumnDef::new("id").uuid().not_null())
                    .col(ColumnDef::new("kind").text().not_null())
                    .col(ColumnDef::new("value").text().not_null())
                    .col(ColumnDef::new("display").text())
                    .col(ColumnDef::new("registrable").text())
                    .col(ColumnDef::new("state").text().not_null())
                    .col(ColumnDef::new("next_due_at").big_integer())
                    .col(ColumnDef::new("observed_at").big_integer())
                    .col(ColumnDef::new("created_at").big_integer().not_null())
                    .col(ColumnDef::new("version").integer().not_null())
                    .primary_key(Index::create().col("id"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("observable_kind_value_key")
                    .table("observable")
                    .col("kind")
                    .col("value")
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("observable_next_due_at_id_idx")
                    .table("observable")
                    .col("next_due_at")
                    .col("id")
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("observable_registrable_idx")
                    .table("observable")
                    .col("registrable")
                    .to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("observable").to_owned()).await
    }
}
