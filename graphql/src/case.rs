//! Clusters, and the cases about them.

mod notice;
mod task;

use async_graphql::{Context, ID, Object};
use entities::{cluster, cluster_member};
use takedown::access;
use time::OffsetDateTime;

pub use self::{
    notice::{Desk, Notice},
    task::{Task, TaskFilter},
};
use crate::{
    attribution::Attribution,
    cluster::{
        ClusterEvent, ClusterRuling, Explanation, PivotKind, SharedReason, explain, ruled, shared,
        would_leave,
    },
    context::{ContextExt, id, int},
    enums::LinkKind,
    error::Result,
    graph::{
        changes::{Changed, LinkChanges},
        fleet::FleetSummary,
    },
    load::{load, load_slice},
    loaders::{ChangesOf, ClusterAttribution, ClusterTasks, FleetSize, MembersOf, ObservableOf, RulingsOf},
    observable::{Observable, named},
    operation::{self, Operation},
    page::{Paged, connection, page},
    rows::{Joined, Listed, Plain, Row, covered},
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
    ) -> Result<Listed<ClusterMember>> {
        let most = first.and_then(|first| usize::try_from(first).ok()).unwrap_or(200).min(5_000);
        let rows = load(ctx, MembersOf(self.0.id)).await?.unwrap_or_default();
        Ok(Listed(rows.into_iter().take(most).map(ClusterMember).collect()))
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

impl Row for Cluster {}

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

impl Row for ClusterMember {
    const PLAIN: &'static [(&'static str, Plain<Self>)] =
        &[("joinedAt", |member, to| to.instant(member.0.joined_at))];
    const JOINED: &'static [(&'static str, Joined<Self>)] = &[(
        "observable",
        Joined {
            covers: covered::<Observable>,
            answer: |ctx, members| Box::pin(named(ctx, members, |member| member.0.observable_id)),
        },
    )];
}
