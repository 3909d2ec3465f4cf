//! Table `audit_checkpoint`.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A head of the ledger, signed with a key that is not in the database. The database refuses UPDATE and DELETE.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_checkpoint")]
pub struct Model {
    /// The event that was the newest.
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: i64,
    /// That event’s hash.
    pub hash: Vec<u8>,
    /// When it was signed.
    pub at: Timestamp,
    /// The Ed25519 key that verifies it.
    pub public_key: Vec<u8>,
    /// The Ed25519 signature.
    pub signature: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
