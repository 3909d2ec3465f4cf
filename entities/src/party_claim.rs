//! Table `party_claim`.

use sea_orm::entity::prelude::*;

use crate::{ClaimField, PartyClaimId, PartyId, Timestamp};

/// What one source says about a party. Sources that disagree stand side by side.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "party_claim")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PartyClaimId,
    /// About whom.
    pub party_id: PartyId,
    /// The list or person that says it.
    pub source: String,
    /// Whom the list has it from; empty if it does not say.
    pub origin: String,
    /// About what.
    pub field: ClaimField,
    /// What it says.
    pub value: String,
    /// When it was so, as the source dates it.
    pub as_of: Option<Timestamp>,
    /// When we first read it.
    pub first_read_at: Timestamp,
    /// Since when the source no longer says it.
    pub withdrawn_at: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}
