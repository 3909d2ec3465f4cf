//! Table `cluster_ruling`.

use sea_orm::entity::prelude::*;

use crate::{ClusterId, ClusterRulingId, ClusterRulingKind, ObservableId, Timestamp};

/// What a person decided about a cluster or a membership. Later rulings on the same thing replace earlier ones.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "cluster_ruling")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ClusterRulingId,
    /// What was decided.
    pub kind: ClusterRulingKind,
    /// About which cluster.
    pub cluster_id: ClusterId,
    /// About which member; none for the whole.
    pub observable_id: Option<ObservableId>,
    /// Why.
    pub reason: String,
    /// Who.
    pub ruled_by: String,
    /// When.
    pub ruled_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
