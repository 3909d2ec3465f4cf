//! The schema's history: one change a file, frozen once it has landed. Never imports entities.

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::{
    MigrationStatus,
    prelude::*,
    sea_orm::{DatabaseConnection, DbBackend, SqliteTransactionMode, TransactionOptions, TransactionTrait},
};

mod m20261124_000001_source;
mod m20261124_000002_observable;
mod m20261124_000003_import;
mod m20261124_000004_import_line;
mod m20261124_000005_sighting;
mod m20261124_000006_link;
mod m20261124_000007_fact;
mod m20261124_000008_observation;
mod m20261124_000009_job;
mod m20261124_000010_job_slot;
mod m20261124_000011_audit_event;
mod m20261124_000012_token;
mod m20261124_000013_cluster;
mod m20261124_000014_cluster_member;
mod m20261124_000015_desk;
mod m20261124_000016_task;
mod m20261124_000017_notice;
mod m20261124_000018_notice_task;
mod m20261124_000019_verification;
mod m20261124_000020_append_only;
mod m20261124_000021_bulk_references;
mod m20261124_000022_cluster_ruling;
mod m20261124_000023_pivot;
mod m20261124_000024_cluster_change;
mod m20261124_000025_observable_indexes;
mod m20261124_000030_link_order;
mod m20261130_000040_holding;
mod m20261130_000041_cluster_run;
mod m20261130_000042_cluster_model;
mod m20261130_000050_party_source;
mod m20261130_000051_party;
mod m20261130_000052_party_claim;
mod m20261130_000053_circle_country;
mod m20261130_000054_person;
mod m20261130_000055_recovery_code;
mod m20261130_000056_session;
mod m20261130_000057_invite;
mod m20261130_000058_throttle;
mod m20261130_000059_token_scope;
mod m20261130_000060_audit_checkpoint;
mod m20261130_000061_operation;
mod m20261130_000062_operation_member;
mod m20261130_000063_of_operation;
mod m20261130_000064_token_operations;
mod m20261130_000065_collision;
mod m20261130_000066_handling;
mod m20261130_000070_identity;
mod m20261130_000071_provider_session;
mod m20261130_000072_spent;
mod m20261130_000073_vouched_at;
mod m20261130_000074_desk_operation;

/// The key of the PostgreSQL advisory lock under which one process at a time changes the schema.
const SCHEMA_LOCK: i64 = 0x6c6f_636b_7363_6865;

/// Brings a database to the present schema, all of it or nothing, and returns the names of the changes made.
/// Processes that start together wait for each other.
///
/// # Errors
/// The database refused, or is newer than this version.
pub async fn up(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let txn = db.begin_with_options(options).await?;
    if txn.get_database_backend() == DbBackend::Postgres {
        txn.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({SCHEMA_LOCK})")).await?;
    }
    let pending = Migrator::get_pending_migrations_read_only(&txn).await?;
    let pending: Vec<_> = pending.iter().map(|change| change.name().to_owned()).collect();
    if !pending.is_empty() {
        Migrator::up(&txn, None).await?;
    }
    txn.commit().await?;
    Ok(pending)
}

/// The schema's changes in order, each with whether this database has it. Changes nothing.
///
/// # Errors
/// The database refused, or is newer than this version.
pub async fn status(db: &DatabaseConnection) -> Result<Vec<(String, bool)>, DbErr> {
    let known = Migrator::get_migration_with_status_read_only(db).await?;
    Ok(known.iter().map(|m| (m.name().to_owned(), m.status() == MigrationStatus::Applied)).collect())
}

/// Brings a database to the present schema.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261124_000001_source::Migration),
            Box::new(m20261124_000002_observable::Migration),
            Box::new(m20261124_000003_import::Migration),
            Box::new(m20261124_000004_import_line::Migration),
            Box::new(m20261124_000005_sighting::Migration),
            Box::new(m20261124_000006_link::Migration),
            Box::new(m20261124_000007_fact::Migration),
            Box::new(m20261124_000008_observation::Migration),
            Box::new(m20261124_000009_job::Migration),
            Box::new(m20261124_000010_job_slot::Migration),
            Box::new(m20261124_000011_audit_event::Migration),
            Box::new(m20261124_000012_token::Migration),
            Box::new(m20261124_000013_cluster::Migration),
            Box::new(m20261124_000014_cluster_member::Migration),
            Box::new(m20261124_000015_desk::Migration),
            Box::new(m20261124_000016_task::Migration),
            Box::new(m20261124_000017_notice::Migration),
            Box::new(m20261124_000018_notice_task::Migration),
            Box::new(m20261124_000019_verification::Migration),
            Box::new(m20261124_000020_append_only::Migration),
            Box::new(m20261124_000021_bulk_references::Migration),
            Box::new(m20261124_000022_cluster_ruling::Migration),
            Box::new(m20261124_000023_pivot::Migration),
            Box::new(m20261124_000024_cluster_change::Migration),
            Box::new(m20261124_000025_observable_indexes::Migration),
            Box::new(m20261124_000030_link_order::Migration),
            Box::new(m20261130_000040_holding::Migration),
            Box::new(m20261130_000041_cluster_run::Migration),
            Box::new(m20261130_000042_cluster_model::Migration),
            Box::new(m20261130_000050_party_source::Migration),
            Box::new(m20261130_000051_party::Migration),
            Box::new(m20261130_000052_party_claim::Migration),
            Box::new(m20261130_000053_circle_country::Migration),
            Box::new(m20261130_000054_person::Migration),
            Box::new(m20261130_000055_recovery_code::Migration),
            Box::new(m20261130_000056_session::Migration),
            Box::new(m20261130_000057_invite::Migration),
            Box::new(m20261130_000058_throttle::Migration),
            Box::new(m20261130_000059_token_scope::Migration),
            Box::new(m20261130_000060_audit_checkpoint::Migration),
            Box::new(m20261130_000061_operation::Migration),
            Box::new(m20261130_000062_operation_member::Migration),
            Box::new(m20261130_000063_of_operation::Migration),
            Box::new(m20261130_000064_token_operations::Migration),
            Box::new(m20261130_000065_collision::Migration),
            Box::new(m20261130_000066_handling::Migration),
            Box::new(m20261130_000070_identity::Migration),
            Box::new(m20261130_000071_provider_session::Migration),
            Box::new(m20261130_000072_spent::Migration),
            Box::new(m20261130_000073_vouched_at::Migration),
            Box::new(m20261130_000074_desk_operation::Migration),
        ]
    }
}
