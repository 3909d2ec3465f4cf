//! Table `recovery_code`.

use sea_orm::entity::prelude::*;

use crate::{PersonId, Timestamp};

/// A code that stands in for a second factor, once.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "recovery_code")]
pub struct Model {
    /// Whose it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub person_id: PersonId,
    /// SHA-256 of the code.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hash: Vec<u8>,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}
