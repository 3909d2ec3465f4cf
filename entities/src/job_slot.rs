//! Table `job_slot`.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A schedule’s turn that some worker has taken: the unique pair is what makes a leader needless.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "job_slot")]
pub struct Model {
    /// The schedule.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// The turn’s start.
    #[sea_orm(primary_key, auto_increment = false)]
    pub slot: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
