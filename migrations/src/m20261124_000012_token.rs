//! Creates table `token`.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("token")
                    .col(ColumnDef::new("id").uuid().not_null())
                    .col(ColumnDef::new("hash").blob().not_null())
                    .col(ColumnDef::new("name").text().not_null())
                    .col(ColumnDef::new("role").text().not_null())
                    .col(ColumnDef::new("agency").text())
                    .col(ColumnDef::new("created_at").big_integer().not_null())
                    .col(ColumnDef::new("expires_at").big_integer())
                    .col(ColumnDef::new("revoked_at").big_integer())
                    .primary_key(Index::create().col("id"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create().name("token_hash_key").table("token").col("hash").unique().to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("token").to_owned()).await
    }
}
