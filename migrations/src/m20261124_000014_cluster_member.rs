//! Creates table `cluster_member`.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("cluster_member")
                    .col(ColumnDef::new("cluster_id").uuid().not_null())
                    .col(ColumnDef::new("observable_id").uuid().not_null())
                    .col(ColumnDef::new("reasons").json_binary().not_null())
                    .col(ColumnDef::new("joined_at").big_integer().not_null())
                    .primary_key(Index::create().col("cluster_id").col("observable_id"))
                    .foreign_key(
                        ForeignKey::create().from("cluster_member", "cluster_id").to("cluster", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create().from("cluster_member", "observable_id").to("observable", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("cluster_member_observable_id_idx")
                    .table("cluster_member")
                    .col("observable_id")
                    .to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("cluster_member").to_owned()).await
    }
}
