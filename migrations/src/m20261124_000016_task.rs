//! Creates table `task`.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("task")
                    .col(ColumnDef::new("id").uuid().not_null())
                    .col(ColumnDef::new("target_id").uuid().not_null())
                    .col(ColumnDef::new("channel").text().not_null())
                    .col(ColumnDef::new("authority").text().not_null())
                    .col(ColumnDef::new("cluster_id").uuid())
                    .col(ColumnDef::new("desk_id").uuid())
                    .col(ColumnDef::new("playbook").text().not_null())
                    .col(ColumnDef::new("state").text().not_null())
                    .col(ColumnDef::new("reason").text())
                    .col(ColumnDef::new("verdict").text())
                    .col(ColumnDef::new("opened_by").text().not_null())
                    .col(ColumnDef::new("approved_by").text())
                    .col(ColumnDef::new("opened_at").big_integer().not_null())
                    .col(ColumnDef::new("approved_at").big_integer())
                    .col(ColumnDef::new("first_notice_at").big_integer())
                    .col(ColumnDef::new("ack_at").big_integer())
                    .col(ColumnDef::new("claimed_at").big_integer())
                    .col(ColumnDef::new("first_seen_down_at").big_integer())
                    .col(ColumnDef::new("confirmed_at").big_integer())
                    .col(ColumnDef::new("reemerged_at").big_integer())
                    .col(ColumnDef::new("next_check_at").big_integer())
                    .col(ColumnDef::new("version").integer().not_null())
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("task", "target_id").to("observable", "id"))
                    .foreign_key(ForeignKey::create().from("task", "cluster_id").to("cluster", "id"))
                    .foreign_key(ForeignKey::create().from("task", "desk_id").to("desk", "id"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("task_target_id_channel_authority_key")
                    .table("task")
                    .col("target_id")
                    .col("channel")
                    .col("authority")
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create().name("task_cluster_id_idx").table("task").col("cluster_id").to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("task_state_next_check_at_idx")
                    .table("task")
                    .col("state")
                    .col("next_check_at")
                    .to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("task").to_owned()).await
    }
}
