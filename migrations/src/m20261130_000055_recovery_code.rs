//! Creates table `recovery_code`: codes that each stand in for a second factor once.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("recovery_code")
                    .col(ColumnDef::new("person_id").uuid().not_null())
                    .col(ColumnDef::new("hash").binary().not_null())
                    .col(ColumnDef::new("used_at").big_integer())
                    .primary_key(Index::create().col("person_id").col("hash"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("recovery_code_person_fkey")
                            .from("recovery_code", "person_id")
                            .to("person", "id"),
                    )
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("recovery_code").to_owned()).await
    }
}
