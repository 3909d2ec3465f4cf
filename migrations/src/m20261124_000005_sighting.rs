//! Creates table `sighting`.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("sighting")
                    .col(ColumnDef::new("id").uuid().not_null())
                    .col(ColumnDef::new("observable_id").uuid().not_null())
                    .col(ColumnDef::new("source_id").uuid().not_null())
                    .col(ColumnDef::new("import_id").uuid().not_null())
                    .col(ColumnDef::new("line").big_integer().not_null())
                    .col(ColumnDef::new("family").text().not_null())
                    .col(ColumnDef::new("role").text().not_null())
                    .col(ColumnDef::new("seen_at").big_integer())
                    .col(ColumnDef::new("valid_until").big_integer())
                    .col(ColumnDef::new("confidence").small_integer())
                    .col(ColumnDef::new("grading_scale").text())
                    .col(ColumnDef::new("grading").text())
                    .col(ColumnDef::new("tlp").text().not_null())
                    .col(ColumnDef::new("pap").text().not_null())
                    .col(ColumnDef::new("created_at").big_integer().not_null())
                    .primary_key(Index::create().col("id"))
                    .foreign_key(
                        ForeignKey::create().from("sighting", "observable_id").to("observable", "id"),
                    )
                    .foreign_key(ForeignKey::create().from("sighting", "source_id").to("source", "id"))
                    .foreign_key(ForeignKey::create().from("sighting", "import_id").to("import", "id"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("sighting_import_id_line_idx")
                    .table("sighting")
                    .col("import_id")
                    .col("line")
                    .to_owned(),
            )
            .await?;
        // An undated sighting of the same thing by the same source is one sighting, so NULL counts as a value.
        manager
            .get_connection()
            .execute_unprepared(
                "CREATE UNIQUE INDEX sighting_claim_key ON sighting \
                 (observable_id, source_id, family, role, (COALESCE(seen_at, 0)))",
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("sighting").to_owned()).await
    }
}
