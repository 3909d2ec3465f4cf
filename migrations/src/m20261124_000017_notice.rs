//! Creates table `notice`.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("notice")
                    .col(ColumnDef::new("id").uuid().not_null())
                    .col(ColumnDef::new("desk_id").uuid().not_null())
                    .col(ColumnDef::new("recipient").text().not_null())
                    .col(ColumnDef::new("subject").text().not_null())
                    .col(ColumnDef::new("body").text().not_null())
                    .col(ColumnDef::new("xarf").json_binary().not_null())
                    .col(ColumnDef::new("sha256").text().not_null())
                    .col(ColumnDef::new("tlp").text().not_null())
                    .col(ColumnDef::new("state").text().not_null())
                    .col(ColumnDef::new("reason").text())
                    .col(ColumnDef::new("message_id").text().not_null())
                    .col(ColumnDef::new("drafted_by").text().not_null())
                    .col(ColumnDef::new("approved_by").text())
                    .col(ColumnDef::new("smtp_reply").text())
                    .col(ColumnDef::new("created_at").big_integer().not_null())
                    .col(ColumnDef::new("approved_at").big_integer())
                    .col(ColumnDef::new("sent_at").big_integer())
                    .col(ColumnDef::new("version").integer().not_null())
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("notice", "desk_id").to("desk", "id"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(Index::create().name("notice_state_idx").table("notice").col("state").to_owned())
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("notice").to_owned()).await
    }
}
