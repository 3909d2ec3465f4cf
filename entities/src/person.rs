//! Table `person`.

use sea_orm::entity::prelude::*;

use crate::{ActorRole, PartyId, PersonId, Secret, Timestamp, Tlp};

/// Somebody who may sign in.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "person")]
pub struct Model {
    /// Its id: what the ledger and the rows keep of who acted, so that a name can be erased.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PersonId,
    /// The name to sign in with, lower case.
    pub name: String,
    /// What the person is called.
    pub full_name: Option<String>,
    /// What the person may be.
    pub role: ActorRole,
    /// Whose person it is; a liaison and a partner have one.
    pub party_id: Option<PartyId>,
    /// The most restrictive label that the person reads, if that is less than the role’s.
    pub clearance: Option<Tlp>,
    /// The password’s hash, PHC string form.
    pub password: Option<Secret>,
    /// The secret of the second factor, sealed.
    pub second_factor: Option<Vec<u8>>,
    /// When the second factor was confirmed: from then on it is asked for.
    pub second_factor_at: Option<Timestamp>,
    /// The last step of the second factor that was used.
    pub second_factor_step: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it may not sign in.
    pub disabled_at: Option<Timestamp>,
    /// Counts changes.
    pub version: i32,
}

impl ActiveModelBehavior for ActiveModel {}
