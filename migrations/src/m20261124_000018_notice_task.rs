//! Creates table `notice_task`.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("notice_task")
                    .col(ColumnDef::new("notice_id").uuid().not_null())
                    .col(ColumnDef::new("task_id").uuid().not_null())
                    .primary_key(Index::create().col("notice_id").col("task_id"))
                    .foreign_key(ForeignKey::create().from("notice_task", "notice_id").to("notice", "id"))
                    .foreign_key(ForeignKey::create().from("notice_task", "task_id").to("task", "id"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("notice_task_task_id_idx")
                    .table("notice_task")
                    .col("task_id")
                    .to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("notice_task").to_owned()).await
    }
}
