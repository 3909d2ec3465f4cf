//! Table `cluster_member`.

use sea_orm::entity::prelude::*;

use crate::{ClusterId, ObservableId, Timestamp};

/// That an observable belongs to a cluster, and why.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "cluster_member")]
pub struct Model {
    /// The cluster.
    #[sea_orm(primary_key, auto_increment = false)]
    pub cluster_id: ClusterId,
    /// The member.
    #[sea_orm(primary_key, auto_increment = false)]
    pub observable_id: ObservableId,
    /// The strongest shared pivots: kind, value, how many share it, weight.
    #[sea_orm(column_type = "JsonBinary")]
    pub reasons: Json,
    /// When it joined.
    pub joined_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
