//! Table `pivot`.

use sea_orm::entity::prelude::*;

use crate::{OperationId, PivotId, PivotRuling, Timestamp};

/// A shared value that is parked as a hub, or that a person ruled about. Unique by kind and value
/// within an operation, and within what belongs to none.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "pivot")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PivotId,
    /// Of what kind.
    pub kind: String,
    /// Which.
    pub value: String,
    /// How many names shared it in the last run.
    pub shared_by: i64,
    /// Since when it is parked as a hub; none if it is not.
    pub parked_at: Option<Timestamp>,
    /// What a person decided.
    pub ruling: PivotRuling,
    /// Why; empty without a ruling.
    pub reason: String,
    /// Who; empty without a ruling.
    pub ruled_by: String,
    /// When.
    pub ruled_at: Option<Timestamp>,
    /// The operation that it belongs to; none if it belongs to none.
    pub operation_id: Option<OperationId>,
}

impl ActiveModelBehavior for ActiveModel {}
