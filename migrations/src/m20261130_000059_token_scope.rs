//! Adds to table `token` whose it is, what it may, from where, and when it was last used.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const COLUMNS: [&str; 6] = ["person_id", "label", "actions", "networks", "last_used_at", "last_used_from"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in COLUMNS {
            let mut column = ColumnDef::new(name);
            match name {
                "person_id" => column.uuid(),
                "last_used_at" => column.big_integer(),
                _ => column.text(),
            };
            // SQLite adds one column a statement.
            manager
                .alter_table(Table::alter().table("token").add_column(column.to_owned()).to_owned())
                .await?;
        }
        manager
            .create_index(Index::create().name("token_person_idx").table("token").col("person_id").to_owned())
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name("token_person_idx").table("token").to_owned()).await?;
        for name in COLUMNS {
            manager.alter_table(Table::alter().table("token").drop_column(name).to_owned()).await?;
        }
        Ok(())
    }
}
