//! Table `throttle`.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// How often signing in failed of late.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "throttle")]
pub struct Model {
    /// By whom or from where.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// Failures in a row.
    pub failures: i32,
    /// When the last was.
    pub last_at: Timestamp,
    /// Until when the next attempt waits.
    pub until: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
