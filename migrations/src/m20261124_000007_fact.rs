//! Creates table `fact`.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("fact")
                    .col(ColumnDef::new("id").uuid().not_null())
                    .col(ColumnDef::new("observable_id").uuid().not_null())
                    .col(ColumnDef::new("kind").text().not_null())
                    .col(ColumnDef::new("list").text().not_null())
                    .col(ColumnDef::new("detail").text().not_null())
                    .col(ColumnDef::new("first_seen").big_integer().not_null())
                    .col(ColumnDef::new("last_seen").big_integer().not_null())
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("fact", "observable_id").to("observable", "id"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("fact_observable_id_kind_list_detail_key")
                    .table("fact")
                    .col("observable_id")
                    .col("kind")
                    .col("list")
                    .col("detail")
                    .unique()
                    .to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("fact").to_owned()).await
    }
}
