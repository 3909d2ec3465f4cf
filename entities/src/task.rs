//! Table `task`.

use sea_orm::entity::prelude::*;

use crate::{
    Authority, Channel, ClusterId, DeskId, ObservableId, OperationId, TaskId, TaskState, Timestamp, Verdict,
};

/// Work on target × channel × authority.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "task")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TaskId,
    /// The observable to act on.
    pub target_id: ObservableId,
    /// Who is asked.
    pub channel: Channel,
    /// The legal basis.
    pub authority: Authority,
    /// The cluster it was opened for.
    pub cluster_id: Option<ClusterId>,
    /// The desk; none means that a person must find one.
    pub desk_id: Option<DeskId>,
    /// The playbook and its version.
    pub playbook: String,
    /// Where it stands.
    pub state: TaskState,
    /// Why it is held, refused or failed; why acting on a listed thing is right.
    pub reason: Option<String>,
    /// The last verdict.
    pub verdict: Option<Verdict>,
    /// Who opened it.
    pub opened_by: String,
    /// Who approved it; never who opened it.
    pub approved_by: Option<String>,
    /// t_detected.
    pub opened_at: Timestamp,
    /// When it was approved.
    pub approved_at: Option<Timestamp>,
    /// t_first_notice.
    pub first_notice_at: Option<Timestamp>,
    /// t_ack.
    pub ack_at: Option<Timestamp>,
    /// t_claimed.
    pub claimed_at: Option<Timestamp>,
    /// t_first_seen_down.
    pub first_seen_down_at: Option<Timestamp>,
    /// t_confirmed.
    pub confirmed_at: Option<Timestamp>,
    /// t_reemerged.
    pub reemerged_at: Option<Timestamp>,
    /// When to verify next.
    pub next_check_at: Option<Timestamp>,
    /// Counts changes, for optimistic locking.
    pub version: i32,
    /// The operation that it belongs to; none if it belongs to none.
    pub operation_id: Option<OperationId>,
}

impl ActiveModelBehavior for ActiveModel {}
