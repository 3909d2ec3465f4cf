//! Creates table `job`.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("job")
                    .col(ColumnDef::new("id").uuid().not_null())
                    .col(ColumnDef::new("name").text().not_null())
                    .col(ColumnDef::new("payload").json_binary().not_null())
                    .col(ColumnDef::new("dedupe_key").text())
                    .col(ColumnDef::new("priority").small_integer().not_null())
                    .col(ColumnDef::new("run_at").big_integer().not_null())
                    .col(ColumnDef::new("attempts").integer().not_null())
                    .col(ColumnDef::new("leased_until").big_integer())
                    .col(ColumnDef::new("leased_by").text())
                    .col(ColumnDef::new("last_error").text())
                    .col(ColumnDef::new("dead_at").big_integer())
                    .col(ColumnDef::new("trace_id").text())
                    .col(ColumnDef::new("created_at").big_integer().not_null())
                    .primary_key(Index::create().col("id"))
                    .to_owned(),
            )
            .await?;
        // One waiting job per key; a running or dead one does not stop the next.
        let db = manager.get_connection();
        db.execute_unprepared(
            "CREATE UNIQUE INDEX job_name_dedupe_key ON job (name, dedupe_key) \
             WHERE dedupe_key IS NOT NULL AND leased_until IS NULL AND dead_at IS NULL",
        )
        .await?;
        db.execute_unprepared(
            "CREATE INDEX job_claim_idx ON job (priority DESC, run_at, id) WHERE dead_at IS NULL",
        )
        .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("job").to_owned()).await
    }
}
