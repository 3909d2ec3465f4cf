//! The schema's history: one change a file, frozen once it has landed. Never imports entities.

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

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
        ]
    }
}
