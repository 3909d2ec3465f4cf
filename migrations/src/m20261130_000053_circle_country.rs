//! Creates table `circle_country`: what people decided about the countries that receive a share.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("circle_country")
                    .col(ColumnDef::new("country").text().not_null().primary_key())
                    .col(ColumnDef::new("standing").text().not_null())
                    .col(ColumnDef::new("party_id").uuid())
                    .col(ColumnDef::new("set_by").text().not_null())
                    .col(ColumnDef::new("set_at").big_integer().not_null())
                    .foreign_key(
                        ForeignKey::create()
                            .name("circle_country_party_fkey")
                            .from("circle_country", "party_id")
                            .to("party", "id"),
                    )
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("circle_country").to_owned()).await
    }
}
