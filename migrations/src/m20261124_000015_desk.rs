//! Creates table `desk`.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("desk")
                    .col(ColumnDef::new("id").uuid().not_null())
                    .col(ColumnDef::new("channel").text().not_null())
                    .col(ColumnDef::new("party").text().not_null())
                    .col(ColumnDef::new("scope").text().not_null())
                    .col(ColumnDef::new("email").text())
                    .col(ColumnDef::new("source").text().not_null())
                    .col(ColumnDef::new("verified_at").big_integer())
                    .col(ColumnDef::new("created_at").big_integer().not_null())
                    .col(ColumnDef::new("version").integer().not_null())
                    .primary_key(Index::create().col("id"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("desk_channel_scope_key")
                    .table("desk")
                    .col("channel")
                    .col("scope")
                    .unique()
                    .to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("desk").to_owned()).await
    }
}
