//! Creates table `observation`.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("observation")
                    .col(ColumnDef::new("id").uuid().not_null())
                    .col(ColumnDef::new("observable_id").uuid().not_null())
                    .col(ColumnDef::new("probe").text().not_null())
                    .col(ColumnDef::new("server").text().not_null())
                    .col(ColumnDef::new("reading").json_binary().not_null())
                    .col(ColumnDef::new("raw").text().not_null())
                    .col(ColumnDef::new("digest").blob().not_null())
                    .col(ColumnDef::new("first_seen").big_integer().not_null())
                    .col(ColumnDef::new("last_seen").big_integer().not_null())
                    .col(ColumnDef::new("count").big_integer().not_null())
                    .primary_key(Index::create().col("id"))
                    .foreign_key(
                        ForeignKey::create().from("observation", "observable_id").to("observable", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("observation_observable_id_probe_server_last_seen_idx")
                    .table("observation")
                    .col("observable_id")
                    .col("probe")
                    .col("server")
                    .col("last_seen")
                    .to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("observation").to_owned()).await
    }
}
