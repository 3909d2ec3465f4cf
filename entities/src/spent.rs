//! Table `spent`.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// Something that counts once, and did.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "spent")]
pub struct Model {
    /// What it was for, and its SHA-256.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// When it would have counted no longer anyway.
    pub expires_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
