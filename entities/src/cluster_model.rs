//! Table `cluster_model`.

use sea_orm::entity::prelude::*;

use crate::{ClusterModelId, Timestamp};

/// What was learned of families from labelled names. A version is never changed; the newest is used.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "cluster_model")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ClusterModelId,
    /// Counted from 1.
    pub version: i64,
    /// The model and its figures, as JSON text.
    pub model: String,
    /// Who had it trained.
    pub trained_by: String,
    /// When.
    pub trained_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
