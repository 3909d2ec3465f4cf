//! Table `sighting`.

use sea_orm::entity::prelude::*;

use crate::{
    GradingScale, Handling, ImportId, ObservableId, OperationId, Pap, Role, SightingId, SourceId, Timestamp,
    Tlp,
};

/// One source said it saw one observable. Unique by observable, source, family, role and time.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sighting")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SightingId,
    /// What was seen.
    pub observable_id: ObservableId,
    /// Who says so.
    pub source_id: SourceId,
    /// The import that brought it.
    pub import_id: ImportId,
    /// The line or object number in that import, from 1.
    pub line: i64,
    /// The malware family’s canonical name; empty if not told.
    pub family: String,
    /// What it did.
    pub role: Role,
    /// When the source saw it, if it says.
    pub seen_at: Option<Timestamp>,
    /// The end of the validity window, if the source gives one.
    pub valid_until: Option<Timestamp>,
    /// 0–100, as in STIX.
    pub confidence: Option<i16>,
    /// The scale of the grading.
    pub grading_scale: Option<GradingScale>,
    /// Source letter and information digit on that scale: `B2`.
    pub grading: Option<String>,
    /// Who may read it.
    pub tlp: Tlp,
    /// What may be done with it.
    pub pap: Pap,
    /// What its provider permits.
    pub handling: Handling,
    /// When it was stored.
    pub created_at: Timestamp,
    /// The operation that it belongs to; none if it belongs to none.
    pub operation_id: Option<OperationId>,
}

impl ActiveModelBehavior for ActiveModel {}
