//! Creates table `provider_session`: the sessions that sign-in providers vouch for. A row goes with its session.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("provider_session")
                    .col(ColumnDef::new("session_id").uuid().not_null().primary_key())
                    .col(ColumnDef::new("provider").text().not_null())
                    .col(ColumnDef::new("issuer").text().not_null())
                    .col(ColumnDef::new("subject").text().not_null())
                    .col(ColumnDef::new("sid").text())
                    .col(ColumnDef::new("tokens").binary().not_null())
                    .col(ColumnDef::new("refresh_at").big_integer())
                    .foreign_key(
                        ForeignKey::create()
                            .name("provider_session_session_fkey")
                            .from("provider_session", "session_id")
                            .to("session", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        for (name, column) in
            [("provider_session_subject_idx", "subject"), ("provider_session_refresh_idx", "refresh_at")]
        {
            manager
                .create_index(Index::create().name(name).table("provider_session").col(column).to_owned())
                .await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("provider_session").to_owned()).await
    }
}
