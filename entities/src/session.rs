//! Table `session`.

use sea_orm::entity::prelude::*;

use crate::{PersonId, SessionId, Timestamp};

/// A browser that is signed in.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SessionId,
    /// Who is signed in.
    pub person_id: PersonId,
    /// SHA-256 of the secret in the cookie.
    pub hash: Vec<u8>,
    /// From where; empty if that is not known.
    pub address: String,
    /// What the browser calls itself, cut to 200 characters.
    pub agent: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub seen_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}
