//! Creates table `pivot`: values that are parked as hubs, and values that people ruled about.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("pivot")
                    .col(ColumnDef::new("id").uuid().not_null().primary_key())
                    .col(ColumnDef::new("kind").text().not_null())
                    .col(ColumnDef::new("value").text().not_null())
                    .col(ColumnDef::new("shared_by").big_integer().not_null())
                    .col(ColumnDef::new("parked_at").big_integer())
                    .col(ColumnDef::new("ruling").text().not_null())
                    .col(ColumnDef::new("reason").text().not_null())
                    .col(ColumnDef::new("ruled_by").text().not_null())
                    .col(ColumnDef::new("ruled_at").big_integer())
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("pivot_kind_value_key")
                    .table("pivot")
                    .col("kind")
                    .col("value")
                    .unique()
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("pivot").to_owned()).await
    }
}
