//! Table `import`.

use sea_orm::entity::prelude::*;

use crate::{ImportId, OperationId, SourceId, Timestamp};

/// A batch that arrived, with its figures.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "import")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ImportId,
    /// Whose it is.
    pub source_id: SourceId,
    /// The file’s name, `-` for standard input.
    pub name: String,
    /// The format it was read as.
    pub format: String,
    /// SHA-256 of the bytes, lower-case hex.
    pub sha256: String,
    /// Lines or objects.
    pub total: i64,
    /// New sightings.
    pub accepted: i64,
    /// Known already.
    pub duplicate: i64,
    /// Refused.
    pub rejected: i64,
    /// SHA-256 over the verdicts in order, lower-case hex.
    pub lines_digest: String,
    /// The actor.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// The operation that it belongs to; none if it belongs to none.
    pub operation_id: Option<OperationId>,
}

impl ActiveModelBehavior for ActiveModel {}
