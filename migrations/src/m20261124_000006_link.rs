//! Creates table `link`.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("link")
                    .col(ColumnDef::new("id").uuid().not_null())
                    .col(ColumnDef::new("from_id").uuid().not_null())
                    .col(ColumnDef::new("kind").text().not_null())
                    .col(ColumnDef::new("to_id").uuid().not_null())
                    .col(ColumnDef::new("source_id").uuid().not_null())
                    .col(ColumnDef::new("first_seen").big_integer().not_null())
                    .col(ColumnDef::new("last_seen").big_integer().not_null())
                    .col(ColumnDef::new("count").big_integer().not_null())
                    .col(ColumnDef::new("tlp").text().not_null())
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("link", "from_id").to("observable", "id"))
                    .foreign_key(ForeignKey::create().from("link", "to_id").to("observable", "id"))
                    .foreign_key(ForeignKey::create().from("link", "source_id").to("source", "id"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("link_from_id_kind_to_id_source_id_key")
                    .table("link")
                    .col("from_id")
                    .col("kind")
                    .col("to_id")
                    .col("source_id")
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create().name("link_to_id_kind_idx").table("link").col("to_id").col("kind").to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("link").to_owned()).await
    }
}
