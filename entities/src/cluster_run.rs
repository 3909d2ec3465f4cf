//! Table `cluster_run`.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// What the last run of grouping knew: one row.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "cluster_run")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// Every ledger event up to this number is in the clusters.
    pub seq: i64,
    /// When it began.
    pub ran_at: Timestamp,
    /// When the last run over everything began.
    pub full_at: Timestamp,
    /// How many names that one grouped.
    pub names: i64,
}

impl ActiveModelBehavior for ActiveModel {}
