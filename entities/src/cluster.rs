//! Table `cluster`.

use sea_orm::entity::prelude::*;

use crate::{ClusterId, OperationId, Timestamp};

/// Observables that belong together, with the reason.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "cluster")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ClusterId,
    /// What people call it.
    pub name: String,
    /// The family most of its sightings name; empty if none.
    pub family: String,
    /// How many members.
    pub size: i64,
    /// When it was found.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts changes, for optimistic locking.
    pub version: i32,
    /// The operation that it belongs to; none if it belongs to none.
    pub operation_id: Option<OperationId>,
}

impl ActiveModelBehavior for ActiveModel {}
