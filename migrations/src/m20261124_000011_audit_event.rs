//! Creates table `audit_event`.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("audit_event")
                    .col(ColumnDef::new("seq").big_integer().not_null())
                    .col(ColumnDef::new("at").big_integer().not_null())
                    .col(ColumnDef::new("actor").text().not_null())
                    .col(ColumnDef::new("verb").text().not_null())
                    .col(ColumnDef::new("subject").text().not_null())
                    .col(ColumnDef::new("detail").text().not_null())
                    .col(ColumnDef::new("prev_hash").blob().not_null())
                    .col(ColumnDef::new("hash").blob().not_null())
                    .col(ColumnDef::new("trace_id").text())
                    .primary_key(Index::create().col("seq"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("audit_event_subject_seq_idx")
                    .table("audit_event")
                    .col("subject")
                    .col("seq")
                    .to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("audit_event").to_owned()).await
    }
}
