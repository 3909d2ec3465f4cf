//! Indexes by which the newest links of an observable are read without reading all of them, in either direction.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Name and columns. The last ones make the order total; `kind` serves who asks for some kinds only, of a hub.
const INDEXES: [(&str, &[&str]); 3] = [
    ("link_from_id_first_seen_id_idx", &["from_id", "first_seen", "id"]),
    ("link_to_id_first_seen_id_idx", &["to_id", "first_seen", "id"]),
    ("link_to_id_kind_first_seen_id_idx", &["to_id", "kind", "first_seen", "id"]),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, columns) in INDEXES {
            let mut index = Index::create().name(name).table("link").to_owned();
            for column in columns {
                index.col(*column);
            }
            manager.create_index(index).await?;
        }
        // The last of them begins with its columns.
        manager.drop_index(Index::drop().name("link_to_id_kind_idx").table("link").to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index =
            Index::create().name("link_to_id_kind_idx").table("link").col("to_id").col("kind").to_owned();
        manager.create_index(index).await?;
        for (name, _) in INDEXES {
            manager.drop_index(Index::drop().name(name).table("link").to_owned()).await?;
        }
        Ok(())
    }
}
