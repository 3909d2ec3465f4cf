//! Makes the ledger and the verifications append-only: the database itself refuses UPDATE and DELETE.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: [&str; 2] = ["audit_event", "verification"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let postgres = manager.get_database_backend() == DbBackend::Postgres;
        if postgres {
            db.execute_unprepared(
                "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$",
            )
            .await?;
        }
        for table in TABLES {
            if postgres {
                db.execute_unprepared(&format!(
                    "CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} \
                     FOR EACH ROW EXECUTE FUNCTION refuse_change()"
                ))
                .await?;
                db.execute_unprepared(&format!(
                    "CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} \
                     FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
                ))
                .await?;
            } else {
                for verb in ["UPDATE", "DELETE"] {
                    let name = verb.to_lowercase();
                    db.execute_unprepared(&format!(
                        "CREATE TRIGGER {table}_no_{name} BEFORE {verb} ON {table} \
                         BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                    ))
                    .await?;
                }
            }
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let postgres = manager.get_database_backend() == DbBackend::Postgres;
        for table in TABLES {
            let (names, on) = if postgres {
                (["append_only", "no_truncate"], format!(" ON {table}"))
            } else {
                (["no_update", "no_delete"], String::new())
            };
            for name in names {
                db.execute_unprepared(&format!("DROP TRIGGER {table}_{name}{on}")).await?;
            }
        }
        if postgres {
            db.execute_unprepared("DROP FUNCTION refuse_change()").await?;
        }
        Ok(())
    }
}
