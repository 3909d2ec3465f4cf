//! Creates table `party_source`: the lists that the directory was read from.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("party_source")
                    .col(ColumnDef::new("name").text().not_null().primary_key())
                    .col(ColumnDef::new("shape").text().not_null())
                    .col(ColumnDef::new("sha256").text().not_null())
                    .col(ColumnDef::new("entries").big_integer().not_null())
                    .col(ColumnDef::new("read_by").text().not_null())
                    .col(ColumnDef::new("read_at").big_integer().not_null())
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("party_source").to_owned()).await
    }
}
