//! Table `desk`.

use sea_orm::entity::prelude::*;

use crate::{Channel, DeskId, OperationId, Timestamp};

/// Where a provider takes notices, from a recorded source. Never a registrant.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "desk")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DeskId,
    /// What kind of provider.
    pub channel: Channel,
    /// The provider’s name.
    pub party: String,
    /// What it answers for: `iana:146`, `AS64496`, `tld:com`.
    pub scope: String,
    /// The mailbox of the abuse desk.
    pub email: Option<String>,
    /// Where the address is from: `rdap:host`, `directory:list`, `manual`.
    pub source: String,
    /// When the source was last read.
    pub verified_at: Option<Timestamp>,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// Counts changes.
    pub version: i32,
    /// The operation by whose names alone it was found; none if it is for everybody.
    pub operation_id: Option<OperationId>,
}

impl ActiveModelBehavior for ActiveModel {}
