//! Table `link`.

use sea_orm::entity::prelude::*;

use crate::{LinkId, LinkKind, ObservableId, SourceId, Timestamp, Tlp};

/// A dated relation between two observables, by source. Unique by from, kind, to and source.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "link")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LinkId,
    /// The observable it starts at.
    pub from_id: ObservableId,
    /// What the relation is.
    pub kind: LinkKind,
    /// The observable it ends at.
    pub to_id: ObservableId,
    /// Who says so.
    pub source_id: SourceId,
    /// First time it held.
    pub first_seen: Timestamp,
    /// Last time it held.
    pub last_seen: Timestamp,
    /// How often it was seen.
    pub count: i64,
    /// Who may read it.
    pub tlp: Tlp,
}

impl ActiveModelBehavior for ActiveModel {}
