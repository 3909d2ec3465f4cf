//! Table `import_line`.

use sea_orm::entity::prelude::*;

use crate::{ImportId, LineVerdict};

/// A line that brought no new sighting, and why. Accepted lines are the import’s sightings.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "import_line")]
pub struct Model {
    /// The import.
    #[sea_orm(primary_key, auto_increment = false)]
    pub import_id: ImportId,
    /// The line or object number, from 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub line: i64,
    /// Duplicate or rejected.
    pub verdict: LineVerdict,
    /// Why.
    pub reason: String,
    /// The line, cut to 200 characters.
    pub text: String,
}

impl ActiveModelBehavior for ActiveModel {}
