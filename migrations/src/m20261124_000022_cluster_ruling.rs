//! Creates table `cluster_ruling`.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("cluster_ruling")
                    .col(ColumnDef::new("id").uuid().not_null().primary_key())
                    .col(ColumnDef::new("kind").text().not_null())
                    .col(ColumnDef::new("cluster_id").uuid().not_null())
                    .col(ColumnDef::new("observable_id").uuid())
                    .col(ColumnDef::new("reason").text().not_null())
                    .col(ColumnDef::new("ruled_by").text().not_null())
                    .col(ColumnDef::new("ruled_at").big_integer().not_null())
                    .foreign_key(
                        ForeignKey::create().from("cluster_ruling", "cluster_id").to("cluster", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create().from("cluster_ruling", "observable_id").to("observable", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        for (name, column) in [
            ("cluster_ruling_cluster_id_idx", "cluster_id"),
            ("cluster_ruling_observable_id_idx", "observable_id"),
        ] {
            let index = Index::create().name(name).table("cluster_ruling").col(column).to_owned();
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("cluster_ruling").to_owned()).await
    }
}
