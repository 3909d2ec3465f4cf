//! Creates table `operation`.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("operation")
                    .col(ColumnDef::new("id").uuid().not_null())
                    .col(ColumnDef::new("name").text().not_null())
                    .col(ColumnDef::new("tlp").text().not_null())
                    .col(ColumnDef::new("pap").text().not_null())
                    .col(ColumnDef::new("owner_id").uuid())
                    .col(ColumnDef::new("sealed_at").big_integer())
                    .col(ColumnDef::new("created_by").text().not_null())
                    .col(ColumnDef::new("created_at").big_integer().not_null())
                    .col(ColumnDef::new("version").integer().not_null())
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("operation", "owner_id").to("party", "id"))
                    .to_owned(),
            )
            .await?;
        // Who everybody may know of is asked for with every list; what is sealed is not read for it.
        manager
            .get_connection()
            .execute_unprepared("CREATE INDEX operation_open_idx ON operation (id) WHERE sealed_at IS NULL")
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("operation").to_owned()).await
    }
}
