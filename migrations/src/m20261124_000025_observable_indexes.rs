//! Cheaper indexes for what imports write most.
//!
//! Few observables of different kinds have the same value, and many have the same kind: with the value first, a
//! comparison ends at its first column. What is never due and what has no registrable domain is not looked up by
//! them, so it needs no entry.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: [&str; 6] = [
    "DROP INDEX observable_kind_value_key",
    "CREATE UNIQUE INDEX observable_value_kind_key ON observable (value, kind)",
    "DROP INDEX observable_next_due_at_id_idx",
    "CREATE INDEX observable_next_due_at_id_idx ON observable (next_due_at, id) WHERE next_due_at IS NOT NULL",
    "DROP INDEX observable_registrable_idx",
    "CREATE INDEX observable_registrable_idx ON observable (registrable) WHERE registrable IS NOT NULL",
];

const DOWN: [&str; 6] = [
    "DROP INDEX observable_value_kind_key",
    "CREATE UNIQUE INDEX observable_kind_value_key ON observable (kind, value)",
    "DROP INDEX observable_next_due_at_id_idx",
    "CREATE INDEX observable_next_due_at_id_idx ON observable (next_due_at, id)",
    "DROP INDEX observable_registrable_idx",
    "CREATE INDEX observable_registrable_idx ON observable (registrable)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, DOWN).await
    }
}

/// In one call, so that it is one connection's: another of the pool may still believe in an index that is gone.
async fn run(manager: &SchemaManager<'_>, statements: [&str; 6]) -> Result<(), DbErr> {
    manager.get_connection().execute_unprepared(&statements.join("; ")).await?;
    Ok(())
}
