//! Table `observation`.

use sea_orm::entity::prelude::*;

use crate::{ObservableId, ObservationId, Probe, Timestamp};

/// What a look-up returned, from when to when: a new row only when the answer changed.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "observation")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ObservationId,
    /// What was looked at.
    pub observable_id: ObservableId,
    /// What was asked.
    pub probe: Probe,
    /// Who answered: a resolver, a parent’s server, an RDAP host, a table.
    pub server: String,
    /// Our reading of the answer.
    #[sea_orm(column_type = "JsonBinary")]
    pub reading: Json,
    /// The answer as it came, bounded.
    pub raw: String,
    /// SHA-256 of the canonical reading; a change makes a new row.
    pub digest: Vec<u8>,
    /// First time this was the answer.
    pub first_seen: Timestamp,
    /// Last time this was the answer.
    pub last_seen: Timestamp,
    /// How often it was the answer.
    pub count: i64,
}

impl ActiveModelBehavior for ActiveModel {}
