//! Creates table `holding`: which name holds which value that others may hold, as grouping counts them.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Nothing deletes an observable, and a run looks each up before it writes: no reference is checked.
        manager
            .create_table(
                Table::create()
                    .table("holding")
                    .col(ColumnDef::new("observable_id").uuid().not_null())
                    .col(ColumnDef::new("kind").text().not_null())
                    .col(ColumnDef::new("value").text().not_null())
                    .primary_key(Index::create().col("observable_id").col("kind").col("value"))
                    .to_owned(),
            )
            .await?;
        // Who else holds a value, and how many, is read from the index alone.
        manager
            .create_index(
                Index::create()
                    .name("holding_value_kind_observable_id_idx")
                    .table("holding")
                    .col("value")
                    .col("kind")
                    .col("observable_id")
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("holding").to_owned()).await
    }
}
