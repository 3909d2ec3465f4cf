//! Table `job`.

use sea_orm::entity::prelude::*;

use crate::{JobId, Timestamp};

/// Machine work that waits, runs or has died.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "job")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: JobId,
    /// Which work.
    pub name: String,
    /// Its arguments: ids only.
    #[sea_orm(column_type = "JsonBinary")]
    pub payload: Json,
    /// At most one waiting job of a name has this key.
    pub dedupe_key: Option<String>,
    /// Higher goes first.
    pub priority: i16,
    /// Not before.
    pub run_at: Timestamp,
    /// How often it was begun.
    pub attempts: i32,
    /// A worker has it until then.
    pub leased_until: Option<Timestamp>,
    /// The worker that has it.
    pub leased_by: Option<String>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it was given up.
    pub dead_at: Option<Timestamp>,
    /// The trace that enqueued it.
    pub trace_id: Option<String>,
    /// When it was enqueued.
    pub created_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
