//! Creates table `party_claim`: what each source says about a party, side by side.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("party_claim")
                    .col(ColumnDef::new("id").uuid().not_null().primary_key())
                    .col(ColumnDef::new("party_id").uuid().not_null())
                    .col(ColumnDef::new("source").text().not_null())
                    .col(ColumnDef::new("origin").text().not_null())
                    .col(ColumnDef::new("field").text().not_null())
                    .col(ColumnDef::new("value").text().not_null())
                    .col(ColumnDef::new("as_of").big_integer())
                    .col(ColumnDef::new("first_read_at").big_integer().not_null())
                    .col(ColumnDef::new("withdrawn_at").big_integer())
                    .foreign_key(
                        ForeignKey::create()
                            .name("party_claim_party_fkey")
                            .from("party_claim", "party_id")
                            .to("party", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        let index = |name: &str, columns: &[&'static str]| {
            let mut index = Index::create().name(name).table("party_claim").to_owned();
            for column in columns {
                index.col(*column);
            }
            index
        };
        let once = &["party_id", "source", "origin", "field", "value"];
        manager.create_index(index("party_claim_key", once).unique().to_owned()).await?;
        manager.create_index(index("party_claim_source_idx", &["source"])).await?;
        manager.create_index(index("party_claim_field_value_idx", &["field", "value"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("party_claim").to_owned()).await
    }
}
