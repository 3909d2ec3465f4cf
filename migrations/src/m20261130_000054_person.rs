//! Creates table `person`: who may sign in.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("person")
                    .col(ColumnDef::new("id").uuid().not_null().primary_key())
                    .col(ColumnDef::new("name").text().not_null())
                    .col(ColumnDef::new("full_name").text())
                    .col(ColumnDef::new("role").text().not_null())
                    .col(ColumnDef::new("party_id").uuid())
                    .col(ColumnDef::new("clearance").text())
                    .col(ColumnDef::new("password").text())
                    .col(ColumnDef::new("second_factor").binary())
                    .col(ColumnDef::new("second_factor_at").big_integer())
                    .col(ColumnDef::new("second_factor_step").big_integer().not_null())
                    .col(ColumnDef::new("created_at").big_integer().not_null())
                    .col(ColumnDef::new("disabled_at").big_integer())
                    .col(ColumnDef::new("version").integer().not_null())
                    .foreign_key(
                        ForeignKey::create()
                            .name("person_party_fkey")
                            .from("person", "party_id")
                            .to("party", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create().name("person_name_key").table("person").col("name").unique().to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("person").to_owned()).await
    }
}
