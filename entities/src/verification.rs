//! Table `verification`.

use sea_orm::entity::prelude::*;

use crate::{TaskId, Timestamp, Verdict, VerificationId};

/// One round of looking whether a target is down, with its evidence. Append only.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "verification")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: VerificationId,
    /// The task.
    pub task_id: TaskId,
    /// When.
    pub at: Timestamp,
    /// What this round says.
    pub verdict: Verdict,
    /// What each resolver, the parent and RDAP said.
    #[sea_orm(column_type = "JsonBinary")]
    pub evidence: Json,
    /// Rounds of the last that say the same.
    pub agreeing: i16,
    /// Rounds that count.
    pub rounds: i16,
}

impl ActiveModelBehavior for ActiveModel {}
