//! Table `token`.

use sea_orm::entity::prelude::*;

use crate::{ActorRole, PersonId, Timestamp, TokenId};

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
    /// The person for whom it acts, with that person’s role and clearance of the moment; none for a token that an
    /// administrator made for a program.
    pub person_id: Option<PersonId>,
    /// What its person calls it.
    pub label: Option<String>,
    /// The only acts it may, separated by blanks; all that its role may, if not set.
    pub actions: Option<String>,
    /// The only networks it may come from, separated by blanks; all, if not set.
    pub networks: Option<String>,
    /// The only operations whose things it reads and adds to, separated by blanks; not limited, if not set.
    pub operations: Option<String>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// From where.
    pub last_used_from: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
