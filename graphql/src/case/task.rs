//! Tasks, and the verifications of their targets.

use async_graphql::{Context, ID, InputObject, Object};
use entities::{task, verification};
use time::OffsetDateTime;

use super::Desk;
use crate::{
    context::id,
    enums::{Authority, Channel, TaskState, Verdict},
    error::Result,
    load::load,
    loaders::{DeskOf, ObservableOf, VerificationsOf},
    observable::Observable,
    operation::{self, Operation},
    rows::Row,
    viewer::{self, Action},
    who::Who,
};

/// Work on target × channel × authority.
pub struct Task(pub task::Model);

/// Work on target × channel × authority.
#[Object]
impl Task {
    /// Whether who asks may do this to it.
    async fn viewer_can(&self, ctx: &Context<'_>, #[graphql(desc = "The act.")] action: Action) -> bool {
        viewer::can(ctx, action, &self.0.opened_by)
    }

    /// Its id, `tsk_…`.
    pub async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// The observable to act on; null if it is not visible.
    async fn target(&self, ctx: &Context<'_>) -> Result<Option<Observable>> {
        Ok(load(ctx, ObservableOf(self.0.target_id)).await?.map(Observable))
    }

    /// The operation that it belongs to; null if it belongs to none.
    async fn operation(&self, ctx: &Context<'_>) -> Result<Option<Operation>> {
        operation::of(ctx, self.0.operation_id).await
    }

    /// Who is asked.
    async fn channel(&self) -> Channel {
        self.0.channel.into()
    }

    /// The legal basis.
    async fn authority(&self) -> Authority {
        self.0.authority.into()
    }

    /// The desk; null means that a person must find one.
    async fn desk(&self, ctx: &Context<'_>) -> Result<Option<Desk>> {
        match self.0.desk_id {
            Some(desk) => Ok(load(ctx, DeskOf(desk)).await?.map(Desk)),
            None => Ok(None),
        }
    }

    /// The playbook and its version.
    async fn playbook(&self) -> &str {
        &self.0.playbook
    }

    /// Where it stands.
    async fn state(&self) -> TaskState {
        self.0.state.into()
    }

    /// Why it is held, refused or failed, or why acting on a listed thing is right.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// The last verdict.
    async fn verdict(&self) -> Option<Verdict> {
        self.0.verdict.map(Into::into)
    }

    /// Who opened it.
    async fn opened_by(&self) -> Who {
        Who::of(&self.0.opened_by)
    }

    /// Who approved it.
    async fn approved_by(&self) -> Option<Who> {
        Who::maybe(self.0.approved_by.as_deref())
    }

    /// When it was opened.
    async fn opened_at(&self) -> OffsetDateTime {
        self.0.opened_at.datetime()
    }

    /// When it was approved.
    async fn approved_at(&self) -> Option<OffsetDateTime> {
        self.0.approved_at.map(|at| at.datetime())
    }

    /// When the first notice went out.
    async fn first_notice_at(&self) -> Option<OffsetDateTime> {
        self.0.first_notice_at.map(|at| at.datetime())
    }

    /// When it was first seen down.
    async fn first_seen_down_at(&self) -> Option<OffsetDateTime> {
        self.0.first_seen_down_at.map(|at| at.datetime())
    }

    /// When that was confirmed.
    async fn confirmed_at(&self) -> Option<OffsetDateTime> {
        self.0.confirmed_at.map(|at| at.datetime())
    }

    /// When it was last seen to have come back.
    async fn reemerged_at(&self) -> Option<OffsetDateTime> {
        self.0.reemerged_at.map(|at| at.datetime())
    }

    /// When it is verified next.
    async fn next_check_at(&self) -> Option<OffsetDateTime> {
        self.0.next_check_at.map(|at| at.datetime())
    }

    /// The rounds of looking whether it is down, newest first.
    async fn verifications(&self, ctx: &Context<'_>) -> Result<Vec<Verification>> {
        Ok(load(ctx, VerificationsOf(self.0.id))
            .await?
            .unwrap_or_default()
            .into_iter()
            .map(Verification)
            .collect())
    }
}

impl Row for Task {}

/// One round of looking whether a target is down.
pub struct Verification(verification::Model);

/// One round of looking whether a target is down.
#[Object]
impl Verification {
    /// Its id, `vrf_…`.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// When.
    async fn at(&self) -> OffsetDateTime {
        self.0.at.datetime()
    }

    /// What this round says.
    async fn verdict(&self) -> Verdict {
        self.0.verdict.into()
    }

    /// What each resolver, the parent and the registry said, as JSON text.
    async fn evidence(&self) -> String {
        self.0.evidence.to_string()
    }

    /// Rounds of the last that say the same.
    async fn agreeing(&self) -> i32 {
        i32::from(self.0.agreeing)
    }

    /// Rounds that count.
    async fn rounds(&self) -> i32 {
        i32::from(self.0.rounds)
    }
}

/// Which tasks are wanted; what is left out does not limit.
#[derive(InputObject, Default)]
pub struct TaskFilter {
    /// In these states.
    #[graphql(default)]
    states: Vec<TaskState>,
    /// Opened for this cluster.
    cluster: Option<ID>,
    /// With this last verdict.
    verdict: Option<Verdict>,
}

impl TaskFilter {
    /// The filter as the work takes it.
    ///
    /// # Errors
    /// `cluster` is no id of a cluster.
    pub fn read(self) -> Result<takedown::reads::cases::TaskFilter> {
        Ok(takedown::reads::cases::TaskFilter {
            states: self.states.into_iter().map(Into::into).collect(),
            cluster: self.cluster.map(|cluster| id("cluster", &cluster)).transpose()?,
            verdict: self.verdict.map(Into::into),
        })
    }
}
