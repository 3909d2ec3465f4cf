//! Creates table `import`.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("import")
                    .col(ColumnDef::new("id").uuid().not_null())
                    .col(ColumnDef::new("source_id").uuid().not_null())
                    .col(ColumnDef::new("name").text().not_null())
                    .col(ColumnDef::new("format").text().not_null())
                    .col(ColumnDef::new("sha256").text().not_null())
                    .col(ColumnDef::new("total").big_integer().not_null())
                    .col(ColumnDef::new("accepted").big_integer().not_null())
                    .col(ColumnDef::new("duplicate").big_integer().not_null())
                    .col(ColumnDef::new("rejected").big_integer().not_null())
                    .col(ColumnDef::new("lines_digest").text().not_null())
                    .col(ColumnDef::new("created_by").text().not_null())
                    .col(ColumnDef::new("created_at").big_integer().not_null())
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("import", "source_id").to("source", "id"))
                    .to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("import").to_owned()).await
    }
}
