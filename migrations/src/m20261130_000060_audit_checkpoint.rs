//! Creates table `audit_checkpoint`: signed heads of the ledger. Append-only, as the ledger is.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("audit_checkpoint")
                    .col(ColumnDef::new("seq").big_integer().not_null().primary_key())
                    .col(ColumnDef::new("hash").binary().not_null())
                    .col(ColumnDef::new("at").big_integer().not_null())
                    .col(ColumnDef::new("public_key").binary().not_null())
                    .col(ColumnDef::new("signature").binary().not_null())
                    .to_owned(),
            )
            .await?;
        let db = manager.get_connection();
        let guards: &[&str] = if manager.get_database_backend() == DbBackend::Postgres {
            &[
                "CREATE TRIGGER audit_checkpoint_append_only BEFORE UPDATE OR DELETE ON audit_checkpoint \
                 FOR EACH ROW EXECUTE FUNCTION refuse_change()",
                "CREATE TRIGGER audit_checkpoint_no_truncate BEFORE TRUNCATE ON audit_checkpoint \
                 FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
            ]
        } else {
            &[
                "CREATE TRIGGER audit_checkpoint_no_update BEFORE UPDATE ON audit_checkpoint \
                 BEGIN SELECT RAISE(ABORT, 'audit_checkpoint is append-only'); END",
                "CREATE TRIGGER audit_checkpoint_no_delete BEFORE DELETE ON audit_checkpoint \
                 BEGIN SELECT RAISE(ABORT, 'audit_checkpoint is append-only'); END",
            ]
        };
        for guard in guards {
            db.execute_unprepared(guard).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("audit_checkpoint").to_owned()).await
    }
}
