//! Table `collision`.

use sea_orm::entity::prelude::*;

use crate::{CollisionId, OperationId, Timestamp};

/// That somebody holds something that a sealed operation holds too, and is told whom to speak to: not about what, and not
/// which operation. Unique by who is told and the contact.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "collision")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CollisionId,
    /// The operation whose members are told; none for who imported what belongs to none.
    pub operation_id: Option<OperationId>,
    /// Who is told: the operation’s id, or the actor.
    pub told_to: String,
    /// The desk that wants to be spoken to.
    pub contact: String,
    /// When that was first so.
    pub at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
