//! Table `operation`.

use sea_orm::entity::prelude::*;

use crate::{Handling, OperationId, Pap, PartyId, Timestamp, Tlp};

/// Work of some people and parties on some things, which are kept apart from everything else.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "operation")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OperationId,
    /// What people call it.
    pub name: String,
    /// How far what belongs to it may be shared at most.
    pub tlp: Tlp,
    /// What may be done at most with what belongs to it.
    pub pap: Pap,
    /// What its provider permits at most to be done with what belongs to it.
    pub handling: Handling,
    /// The party that owns it: who may lift its seal. None if who made it is of no party.
    pub owner_id: Option<PartyId>,
    /// Since when only its members may know of it; none if everybody who reads cases may.
    pub sealed_at: Option<Timestamp>,
    /// The desk that who holds the same is told to speak to; none if nobody is told anything.
    pub contact: Option<String>,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// Counts changes, for optimistic locking.
    pub version: i32,
}

impl ActiveModelBehavior for ActiveModel {}
