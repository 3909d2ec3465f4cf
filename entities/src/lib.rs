//! SeaORM rows, typed ids and stored enums. One file a table; no queries and no rules.
#![expect(
    clippy::disallowed_methods,
    reason = "`sea_orm::model` expands to the finders that are banned elsewhere"
)]

pub mod audit_checkpoint;
pub mod audit_event;
pub mod circle_country;
pub mod cluster;
pub mod cluster_change;
pub mod cluster_member;
pub mod cluster_model;
pub mod cluster_ruling;
pub mod cluster_run;
pub mod collision;
pub mod desk;
pub mod fact;
pub mod holding;
mod id;
pub mod identity;
pub mod import;
pub mod import_line;
pub mod invite;
pub mod job;
pub mod job_slot;
pub mod link;
pub mod notice;
pub mod notice_task;
pub mod observable;
pub mod observation;
pub mod operation;
pub mod operation_member;
pub mod party;
pub mod party_claim;
pub mod party_source;
pub mod person;
pub mod pivot;
pub mod provider_session;
pub mod recovery_code;
mod secret;
pub mod session;
pub mod sighting;
pub mod source;
pub mod spent;
mod stored;
pub mod task;
pub mod throttle;
mod timestamp;
pub mod token;
pub mod verification;

pub use id::*;
pub use secret::Secret;
pub use stored::*;
pub use timestamp::Timestamp;
