//! Table `token`.

use sea_orm::entity::prelude::*;

use crate::{ActorRole, Timestamp, TokenId};

/// A bearer token, by its hash.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "token")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TokenId,
    /// SHA-256 of the secret.
    pub hash: Vec<u8>,
    /// Whose it is: the actor’s name.
    pub name: String,
    /// What the actor may be.
    pub role: ActorRole,
    /// The agency of a liaison.
    pub agency: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}
