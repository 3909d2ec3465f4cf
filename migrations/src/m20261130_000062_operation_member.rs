//! Creates table `operation_member`.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// A member is a person or a party, once an operation. What somebody is a member of is asked for with every list.
const INDEXES: [&str; 3] = [
    "CREATE UNIQUE INDEX operation_member_key ON operation_member \
     (operation_id, (COALESCE(person_id, party_id)))",
    "CREATE INDEX operation_member_person_idx ON operation_member (person_id, operation_id) \
     WHERE person_id IS NOT NULL",
    "CREATE INDEX operation_member_party_idx ON operation_member (party_id, operation_id) \
     WHERE party_id IS NOT NULL",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("operation_member")
                    .col(ColumnDef::new("id").uuid().not_null())
                    .col(ColumnDef::new("operation_id").uuid().not_null())
                    .col(ColumnDef::new("person_id").uuid())
                    .col(ColumnDef::new("party_id").uuid())
                    .col(ColumnDef::new("added_by").text().not_null())
                    .col(ColumnDef::new("added_at").big_integer().not_null())
                    .primary_key(Index::create().col("id"))
                    .foreign_key(
                        ForeignKey::create().from("operation_member", "operation_id").to("operation", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create().from("operation_member", "person_id").to("person", "id"),
                    )
                    .foreign_key(ForeignKey::create().from("operation_member", "party_id").to("party", "id"))
                    .check(Expr::cust("(person_id IS NULL) <> (party_id IS NULL)"))
                    .to_owned(),
            )
            .await?;
        for index in INDEXES {
            manager.get_connection().execute_unprepared(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("operation_member").to_owned()).await
    }
}
