//! Table `party`.

use sea_orm::entity::prelude::*;

use crate::{PartyId, PartyKind, Timestamp};

/// An organisation that acts, is asked to act, or is told.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "party")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PartyId,
    /// What identifies it: `iana:146`, `tld:com`, `csirt:at:cert.at`, `agency:de:bka`.
    pub key: String,
    /// What kind of organisation it is.
    pub kind: PartyKind,
    /// What the source that named it first calls it.
    pub name: String,
    /// Where the source that named it first says it is, ISO 3166-1 alpha-2 or `EU`.
    pub country: Option<String>,
    /// When it was first named.
    pub created_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
