//! Clusters, tasks, notices and verifications.

use async_graphql::{Context, ID, InputObject, Object};
use entities::{cluster, cluster_member, desk, notice, task, verification};
use takedown::access;
use time::OffsetDateTime;

use crate::{
    attribution::Attribution,
    cluster::{
        ClusterEvent, ClusterRuling, Explanation, PivotKind, SharedReason, explain, ruled, shared,
        would_leave,
    },
    context::{ContextExt, id, int},
    enums::{Authority, Channel, Handling, LinkKind, NoticeState, TaskState, Tlp, Verdict},
    error::Result,
    graph::{
        changes::{Changed, LinkChanges},
        fleet::FleetSummary,
    },
    load::{load, load_many, load_slice},
    loaders::{
        ChangesOf, ClusterAttribution, ClusterTasks, DeskOf, FleetSize, MembersOf, ObservableOf, RulingsOf,
        TaskOf, TasksOf, VerificationsOf,
    },
    observable::Observable,
    operation::{self, Operation},
    page::{Paged, connection, page},
    viewer::{self, Action},
    who::Who,
};

/// Observables that belong together, with the reason.
pub struct Cluster(pub cluster::Model);

/// Observables that belong together, with the reason.
#[Object]
impl Cluster {
    /// Its id, `clu_…`.
    pub async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// What people call it; its id for who does not see all of its members, since it may be named after one.
    async fn name(&self, ctx: &Context<'_>) -> String {
        if access::sees_all(ctx.actor()) { self.0.name.clone() } else { self.0.id.to_string() }
    }

    /// The family that most of its sightings name; empty if none.
    async fn family(&self) -> &str {
        &self.0.family
    }

    /// How many members it has that are visible.
    async fn size(&self, ctx: &Context<'_>) -> Result<i32> {
        if access::sees_all(ctx.actor()) {
            return Ok(int(self.0.size));
        }
        Ok(int(load(ctx, FleetSize(self.0.id)).await?.unwrap_or(0)))
    }

    /// The operation that it belongs to; null if it belongs to none.
    async fn operation(&self, ctx: &Context<'_>) -> Result<Option<Operation>> {
        operation::of(ctx, self.0.operation_id).await
    }

    /// When it was found.
    async fn created_at(&self) -> OffsetDateTime {
        self.0.created_at.datetime()
    }

    /// When it last changed.
    async fn updated_at(&self) -> OffsetDateTime {
        self.0.updated_at.datetime()
    }

    /// Its members with the reason of each; at most `first` (200 if not said), `size` says how many there are.
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most, up to 5,000; 200 if left out.")] first: Option<i32>,
    ) -> Result<Vec<ClusterMember>> {
        let most = first.and_then(|first| usize::try_from(first).ok()).unwrap_or(200).min(5_000);
        let rows = load(ctx, MembersOf(self.0.id)).await?.unwrap_or_default();
        Ok(rows.into_iter().take(most).map(ClusterMember).collect())
    }

    /// Its members in figures.
    async fn fleet(&self) -> FleetSummary {
        FleetSummary::Cluster(self.0.id)
    }

    /// Which links of its members appeared and ended between two instants.
    async fn link_changes(
        &self,
        #[graphql(desc = "The earlier instant.")] since: OffsetDateTime,
        #[graphql(desc = "The later instant.")] until: OffsetDateTime,
        #[graphql(desc = "Only links of these kinds.")] kinds: Option<Vec<LinkKind>>,
        #[graphql(desc = "How many at most of either; 200 if left out, and never more.")] first: Option<i32>,
    ) -> Result<LinkChanges> {
        LinkChanges::new(Changed::Members(self.0.id), (since, until), kinds, first)
    }

    /// Why an observable is in this cluster: its reasons, and the path to the core. An error if it is in another.
    async fn explain(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`obs_…`.")] observable: ID,
    ) -> Result<Explanation> {
        explain(ctx, self.0.id, id("observable", &observable)?).await
    }

    /// How likely its members are of known families; null without a model (`lockstep cluster train`), and for who does
    /// not see everything.
    async fn attribution(&self, ctx: &Context<'_>) -> Result<Option<Attribution>> {
        Ok(load(ctx, ClusterAttribution(self.0.id)).await?.map(Attribution::from))
    }

    /// The members that would not stay with its core if a pivot said nothing.
    async fn would_leave(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of what kind.")] kind: PivotKind,
        #[graphql(desc = "The value, as reasons spell it.")] value: String,
    ) -> Result<Vec<Observable>> {
        would_leave(ctx, self.0.id, kind, &value).await
    }

    /// What became of it in each run, oldest first.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many rows, 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Result<Paged<ClusterEvent>> {
        let page = page(ctx, first, after)?;
        let slice = load_slice(ctx, ChangesOf(self.0.id, page)).await?;
        Ok(connection(slice, page, |row| row.id.0, ClusterEvent))
    }

    /// What people decided about it and its members, oldest first.
    async fn rulings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many rows, 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Result<Paged<ClusterRuling>> {
        let page = page(ctx, first, after)?;
        let slice = load_slice(ctx, RulingsOf(self.0.id, page)).await?;
        Ok(connection(slice, page, |row| row.id.0, ClusterRuling))
    }

    /// The tasks opened for it.
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many rows, 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Result<Paged<Task>> {
        let page = page(ctx, first, after)?;
        let slice = load_slice(ctx, ClusterTasks(self.0.id, page)).await?;
        Ok(connection(slice, page, |row| row.id.0, Task))
    }
}

/// That an observable belongs to a cluster, and why.
pub struct ClusterMember(cluster_member::Model);

/// That an observable belongs to a cluster, and why.
#[Object]
impl ClusterMember {
    /// The member; null if it is not visible.
    async fn observable(&self, ctx: &Context<'_>) -> Result<Option<Observable>> {
        Ok(load(ctx, ObservableOf(self.0.observable_id)).await?.map(Observable))
    }

    /// What it shares with other members, the strongest first.
    async fn reasons(&self) -> Vec<SharedReason> {
        shared(&self.0.reasons)
    }

    /// Who put it there and why; null if the evidence did.
    async fn ruling(&self) -> Option<String> {
        ruled(&self.0.reasons)
    }

    /// When it joined.
    async fn joined_at(&self) -> OffsetDateTime {
        self.0.joined_at.datetime()
    }
}

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
    async fn tasks(&self, ctx: &Context<'_>) -> Result<Vec<Task>> {
        let ids = load(ctx, TasksOf(self.0.id)).await?.unwrap_or_default();
        Ok(load_many(ctx, ids.into_iter().map(TaskOf)).await?.into_iter().map(Task).collect())
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
