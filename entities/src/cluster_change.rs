//! Table `cluster_change`.

use sea_orm::entity::prelude::*;

use crate::{ClusterChangeId, ClusterChangeKind, ClusterId, Timestamp};

/// What became of a cluster in one run.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "cluster_change")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ClusterChangeId,
    /// The cluster.
    pub cluster_id: ClusterId,
    /// What became of it.
    pub kind: ClusterChangeKind,
    /// The cluster that it split from or merged into.
    pub other_id: Option<ClusterId>,
    /// How many joined.
    pub joined: i64,
    /// How many departed.
    pub departed: i64,
    /// How many members it has since.
    pub size: i64,
    /// When.
    pub changed_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
