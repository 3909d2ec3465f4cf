//! Table `source`.

use sea_orm::entity::prelude::*;

use crate::{SourceId, Timestamp};

/// Who says what sightings say: a feed, a report, a person.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "source")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SourceId,
    /// Its unique name.
    pub name: String,
    /// When it was first named.
    pub created_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
