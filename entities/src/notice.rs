//! Table `notice`.

use sea_orm::entity::prelude::*;

use crate::{DeskId, Handling, NoticeId, NoticeState, OperationId, Timestamp, Tlp};

/// A message to a desk, stored verbatim as it was rendered.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "notice")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: NoticeId,
    /// To whom.
    pub desk_id: DeskId,
    /// The mailbox it goes to.
    pub recipient: String,
    /// The subject line.
    pub subject: String,
    /// The text part.
    pub body: String,
    /// The XARF v4 reports, one per target.
    #[sea_orm(column_type = "JsonBinary")]
    pub xarf: Json,
    /// SHA-256 over recipient, subject, body and reports, lower-case hex.
    pub sha256: String,
    /// The marking of what it says.
    pub tlp: Tlp,
    /// The most restrictive code of what it is drawn from.
    pub handling: Handling,
    /// Where it stands.
    pub state: NoticeState,
    /// Why it failed or was withdrawn.
    pub reason: Option<String>,
    /// Its RFC 5322 Message-ID, from its id.
    pub message_id: String,
    /// Who drafted it.
    pub drafted_by: String,
    /// Who approved it; never who drafted it.
    pub approved_by: Option<String>,
    /// What the recipient’s server said.
    pub smtp_reply: Option<String>,
    /// When it was rendered.
    pub created_at: Timestamp,
    /// When it was approved.
    pub approved_at: Option<Timestamp>,
    /// When it went out.
    pub sent_at: Option<Timestamp>,
    /// Counts changes.
    pub version: i32,
    /// The operation that it belongs to; none if it belongs to none.
    pub operation_id: Option<OperationId>,
}

impl ActiveModelBehavior for ActiveModel {}
