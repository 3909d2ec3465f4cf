//! Table `fact`.

use sea_orm::entity::prelude::*;

use crate::{FactId, FactKind, ObservableId, Timestamp};

/// Something known of an observable that is no link: a benign list it is on, fast flux, a wildcard.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "fact")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: FactId,
    /// Of what.
    pub observable_id: ObservableId,
    /// What is known.
    pub kind: FactKind,
    /// The list, operator or field that says so; empty for our own findings.
    pub list: String,
    /// The matching entry or the figures behind it.
    pub detail: String,
    /// First time it held.
    pub first_seen: Timestamp,
    /// Last time it held.
    pub last_seen: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
