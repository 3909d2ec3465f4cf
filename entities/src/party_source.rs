//! Table `party_source`.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A list that the directory was read from, as it was last read.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "party_source")]
pub struct Model {
    /// Its unique name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// The shape it was read as.
    pub shape: String,
    /// SHA-256 of the bytes, lower-case hex.
    pub sha256: String,
    /// How many entries it had.
    pub entries: i64,
    /// The actor.
    pub read_by: String,
    /// When.
    pub read_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
