//! Creates table `import_line`.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("import_line")
                    .col(ColumnDef::new("import_id").uuid().not_null())
                    .col(ColumnDef::new("line").big_integer().not_null())
                    .col(ColumnDef::new("verdict").text().not_null())
                    .col(ColumnDef::new("reason").text().not_null())
                    .col(ColumnDef::new("text").text().not_null())
                    .primary_key(Index::create().col("import_id").col("line"))
                    .foreign_key(ForeignKey::create().from("import_line", "import_id").to("import", "id"))
                    .to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("import_line").to_owned()).await
    }
}
