//! Table `identity`.

use sea_orm::entity::prelude::*;

use crate::{IdentityId, PersonId, Timestamp};

/// Whom a sign-in provider knows by which of our accounts.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "identity")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: IdentityId,
    /// The provider’s issuer identifier.
    pub issuer: String,
    /// Whom the provider means by it, for ever (`sub`).
    pub subject: String,
    /// The account.
    pub person_id: PersonId,
    /// When the person first came from there.
    pub created_at: Timestamp,
    /// When the provider last vouched for the person.
    pub vouched_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
