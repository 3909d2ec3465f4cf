//! Table `audit_event`.

use sea_orm::entity::prelude::*;

use crate::{OperationId, Timestamp};

/// One link of the ledger’s hash chain. The database refuses UPDATE and DELETE.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_event")]
pub struct Model {
    /// Its place in the chain, from 1, without gaps.
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// Did what.
    pub verb: String,
    /// To what: a prefixed id.
    pub subject: String,
    /// The facts of the change as JSON text, hashed as it stands.
    pub detail: String,
    /// The hash of the event before; 32 zeros for the first.
    pub prev_hash: Vec<u8>,
    /// SHA-256 over this event and `prev_hash`.
    pub hash: Vec<u8>,
    /// The trace it was written in; outside the hash.
    pub trace_id: Option<String>,
    /// The operation that it tells of; none if it tells of none.
    pub operation_id: Option<OperationId>,
}

impl ActiveModelBehavior for ActiveModel {}
