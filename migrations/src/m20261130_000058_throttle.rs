//! Creates table `throttle`: how often signing in failed of late, by whom and from where.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("throttle")
                    .col(ColumnDef::new("key").text().not_null().primary_key())
                    .col(ColumnDef::new("failures").integer().not_null())
                    .col(ColumnDef::new("last_at").big_integer().not_null())
                    .col(ColumnDef::new("until").big_integer().not_null())
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("throttle").to_owned()).await
    }
}
