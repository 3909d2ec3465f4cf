//! Table `notice_task`.

use sea_orm::entity::prelude::*;

use crate::{NoticeId, TaskId};

/// Which tasks a notice speaks for.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "notice_task")]
pub struct Model {
    /// The notice.
    #[sea_orm(primary_key, auto_increment = false)]
    pub notice_id: NoticeId,
    /// The task.
    #[sea_orm(primary_key, auto_increment = false)]
    pub task_id: TaskId,
}

impl ActiveModelBehavior for ActiveModel {}
