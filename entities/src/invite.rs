//! Table `invite`.

use sea_orm::entity::prelude::*;

use crate::{InviteId, PersonId, Timestamp};

/// A one-time link with which a person chooses a password.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "invite")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: InviteId,
    /// For whom.
    pub person_id: PersonId,
    /// SHA-256 of the secret in the link.
    pub hash: Vec<u8>,
    /// The actor.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was used or replaced.
    pub used_at: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}
