//! Adds to table `operation` the desk that who holds the same is told to speak to, and creates table `collision`.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut column = ColumnDef::new("contact");
        column.text();
        manager.alter_table(Table::alter().table("operation").add_column(column).to_owned()).await?;
        manager
            .create_table(
                Table::create()
                    .table("collision")
                    .col(ColumnDef::new("id").uuid().not_null())
                    .col(ColumnDef::new("operation_id").uuid())
                    .col(ColumnDef::new("told_to").text().not_null())
                    .col(ColumnDef::new("contact").text().not_null())
                    .col(ColumnDef::new("at").big_integer().not_null())
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("collision", "operation_id").to("operation", "id"))
                    .to_owned(),
            )
            .await?;
        // Who is told once is not told again: how often two meet says how much they share.
        manager
            .create_index(
                Index::create()
                    .name("collision_key")
                    .table("collision")
                    .col("told_to")
                    .col("contact")
                    .unique()
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("collision").to_owned()).await?;
        manager.alter_table(Table::alter().table("operation").drop_column("contact").to_owned()).await
    }
}
