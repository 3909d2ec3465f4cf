//! Notices, and the desks that take them.

use async_graphql::{Context, ID, Object};
use entities::{desk, notice};
use time::OffsetDateTime;

use super::Task;
use crate::{
    enums::{Channel, Handling, NoticeState, Tlp},
    error::Result,
    load::{load, load_many},
    loaders::{DeskOf, TaskOf, TasksOf},
    operation::{self, Operation},
    rows::{Listed, Row},
    viewer::{self, Action},
    who::Who,
};

/// Where a provider takes notices.
pub struct Desk(pub desk::Model);

/// Where a provider takes notices.
#[Object]
impl Desk {
    /// Its id, `dsk_…`.
    pub async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// What kind of provider it is.
    async fn channel(&self) -> Channel {
        self.0.channel.into()
    }

    /// The provider's name.
    async fn party(&self) -> &str {
        &self.0.party
    }

    /// What it answers for: `iana:146`, `AS64496`, `tld:com`.
    async fn scope(&self) -> &str {
        &self.0.scope
    }

    /// The mailbox of the abuse desk.
    async fn email(&self) -> Option<&str> {
        self.0.email.as_deref()
    }

    /// Where the address is from.
    async fn source(&self) -> &str {
        &self.0.source
    }

    /// When the source was last read.
    async fn verified_at(&self) -> Option<OffsetDateTime> {
        self.0.verified_at.map(|at| at.datetime())
    }
}

/// A message to a desk, as it was rendered.
pub struct Notice(pub notice::Model);

/// A message to a desk, as it was rendered.
#[Object]
impl Notice {
    /// Whether who asks may do this to it.
    async fn viewer_can(&self, ctx: &Context<'_>, #[graphql(desc = "The act.")] action: Action) -> bool {
        viewer::can(ctx, action, &self.0.drafted_by)
    }

    /// Its id, `ntc_…`.
    pub async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// To whom; null if the desk is not visible.
    async fn desk(&self, ctx: &Context<'_>) -> Result<Option<Desk>> {
        Ok(load(ctx, DeskOf(self.0.desk_id)).await?.map(Desk))
    }

    /// The operation that it belongs to; null if it belongs to none.
    async fn operation(&self, ctx: &Context<'_>) -> Result<Option<Operation>> {
        operation::of(ctx, self.0.operation_id).await
    }

    /// The mailbox that it goes to.
    async fn recipient(&self) -> &str {
        &self.0.recipient
    }

    /// The subject line.
    async fn subject(&self) -> &str {
        &self.0.subject
    }

    /// The text part, verbatim.
    async fn body(&self) -> &str {
        &self.0.body
    }

    /// The XARF v4 reports, as JSON text.
    async fn xarf(&self) -> String {
        self.0.xarf.to_string()
    }

    /// SHA-256 over recipient, subject, body and reports.
    async fn sha256(&self) -> &str {
        &self.0.sha256
    }

    /// The marking of what it says.
    async fn tlp(&self) -> Tlp {
        self.0.tlp.into()
    }

    /// The most restrictive handling code of what it is drawn from.
    async fn handling(&self) -> Handling {
        self.0.handling.into()
    }

    /// Where it stands.
    async fn state(&self) -> NoticeState {
        self.0.state.into()
    }

    /// Why it failed or was withdrawn.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// Its Message-ID.
    async fn message_id(&self) -> &str {
        &self.0.message_id
    }

    /// Who drafted it.
    async fn drafted_by(&self) -> Who {
        Who::of(&self.0.drafted_by)
    }

    /// Who approved it.
    async fn approved_by(&self) -> Option<Who> {
        Who::maybe(self.0.approved_by.as_deref())
    }

    /// What the recipient's server said.
    async fn smtp_reply(&self) -> Option<&str> {
        self.0.smtp_reply.as_deref()
    }

    /// When it was rendered.
    async fn created_at(&self) -> OffsetDateTime {
        self.0.created_at.datetime()
    }

    /// When it was approved.
    async fn approved_at(&self) -> Option<OffsetDateTime> {
        self.0.approved_at.map(|at| at.datetime())
    }

    /// When it went out.
    async fn sent_at(&self) -> Option<OffsetDateTime> {
        self.0.sent_at.map(|at| at.datetime())
    }

    /// The tasks that it speaks for.
    async fn tasks(&self, ctx: &Context<'_>) -> Result<Listed<Task>> {
        let ids = load(ctx, TasksOf(self.0.id)).await?.unwrap_or_default();
        let rows = load_many(ctx, ids.into_iter().map(TaskOf)).await?;
        Ok(Listed(rows.into_iter().map(Task).collect()))
    }
}

impl Row for Notice {}
