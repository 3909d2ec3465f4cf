//! What can be asked.

use async_graphql::{Context, ID, Object};
use takedown::{
    operation as operations, party as directory,
    people::person,
    reads::{cases, imports, observables},
};

use crate::{
    activity::{Activity, ActivityFilter, activity},
    case::{Cluster, Notice, Task, TaskFilter},
    cluster::{LikelyNext, Pivot, likely_next},
    context::{ContextExt, id},
    enums::{NoticeState, ObservableKind},
    error::Result,
    graph::{
        LinkFilter,
        common::{CommonPivotList, common_pivots},
        fleet::FleetSummary,
        neighbourhood::{Neighbourhood, WalkFilter, neighbourhood},
        path::{Path, PathOrder, path},
    },
    import::Import,
    node::{Node, node},
    observable::{Observable, ObservableFilter},
    operation::{Collision, Operation},
    page::{Paged, connection, invalid, page},
    party::{CircleCountry, Party, PartyFilter, circle},
    people::{Person, PersonFilter},
    viewer::Viewer,
};

/// The questions.
pub struct Query;

/// The questions.
#[Object]
impl Query {
    /// Who is signed in; null for nobody.
    async fn viewer(&self, ctx: &Context<'_>) -> Option<Viewer> {
        (*ctx.actor() != takedown::actor::Actor::Nobody).then_some(Viewer)
    }

    /// Whatever has that id.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            name = "id",
            desc = "The id of an observable, import, line, cluster, task, notice, operation, desk, party or person."
        )]
        given: ID,
    ) -> Result<Node> {
        node(ctx, &given).await
    }

    /// One observable: by its id, or by its kind and canonical value. Of several with that value, which belong to different
    /// operations, the one that belongs to none, else the first that one knows of.
    async fn observable(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`obs_…`.")] id: Option<ID>,
        #[graphql(desc = "With `value`.")] kind: Option<ObservableKind>,
        #[graphql(desc = "The canonical form, with `kind`.")] value: Option<String>,
    ) -> Result<Observable> {
        let (env, actor) = (ctx.env(), ctx.actor());
        let row = match (id, kind, value) {
            (Some(given), None, None) => {
                observables::by_id(env, actor, crate::context::id("observable", &given)?).await?
            }
            (None, Some(kind), Some(value)) => observables::by_value(env, actor, kind.into(), &value).await?,
            _ => return Err(invalid("id", "give either `id`, or `kind` and `value`")),
        };
        Ok(Observable(row))
    }

    /// Observables, in the order in which they came.
    async fn observables(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which are wanted; all if left out.")] filter: Option<ObservableFilter>,
        #[graphql(desc = "How many rows, 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Result<Paged<Observable>> {
        let page = page(ctx, first, after)?;
        let filter = filter.unwrap_or_default().read(ctx)?;
        let slice = observables::list(ctx.env(), ctx.actor(), &filter, page).await?;
        Ok(connection(slice, page, |row| row.id.0, Observable))
    }

    /// What is within some hops of observables. What is not visible is not walked through, and in no figure.
    async fn neighbourhood(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the walk begins at, `obs_…`; 1 to 100 of them.")] of: Vec<ID>,
        #[graphql(desc = "Over which links, to what.")] filter: Option<WalkFilter>,
        #[graphql(desc = "How many links away, 1 to 3.", default = 1)] hops: i32,
        #[graphql(desc = "How many observables at most, 1 to 5,000; 500 if left out.")] first: Option<i32>,
    ) -> Result<Neighbourhood> {
        neighbourhood(ctx, &of, filter, hops, first).await
    }

    /// How two observables are connected, over what is visible and not too common.
    async fn path(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The one, `obs_…`.")] from: ID,
        #[graphql(desc = "The other, `obs_…`.")] to: ID,
        #[graphql(desc = "Which of the paths.", default_with = "PathOrder::Shortest")] order: PathOrder,
        #[graphql(desc = "Over which links, to what; `sharedByAtMost` is 1,000 if left out.")] filter: Option<
            WalkFilter,
        >,
        #[graphql(desc = "How many links at most, 1 to 8.", default = 6)] longest: i32,
    ) -> Result<Path> {
        path(ctx, (&from, &to), order, filter, longest).await
    }

    /// The values that observables share: what at least two of them link to, the rarest first.
    async fn common_pivots(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The observables, `obs_…`; 2 to 500 of them.")] of: Vec<ID>,
        #[graphql(desc = "Over which links; all if left out.")] filter: Option<LinkFilter>,
        #[graphql(desc = "How many values at most, 1 to 200; 50 if left out.")] first: Option<i32>,
    ) -> Result<CommonPivotList> {
        common_pivots(ctx, &of, filter, first).await
    }

    /// Observables in figures: those of a family, of a domain, in a state, or whatever the filter finds.
    async fn fleet(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which observables.")] filter: ObservableFilter,
    ) -> Result<FleetSummary> {
        Ok(FleetSummary::Found(Box::new(filter.read(ctx)?)))
    }

    /// One import.
    async fn import(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id", desc = "`imp_…`.")] given: ID,
    ) -> Result<Import> {
        Ok(Import(imports::by_id(ctx.env(), ctx.actor(), id("import", &given)?).await?))
    }

    /// Imports, in the order in which they came.
    async fn imports(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many rows, 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Result<Paged<Import>> {
        let page = page(ctx, first, after)?;
        let slice = imports::list(ctx.env(), ctx.actor(), page).await?;
        Ok(connection(slice, page, |row| row.id.0, Import))
    }

    /// One cluster.
    async fn cluster(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id", desc = "`clu_…`.")] given: ID,
    ) -> Result<Cluster> {
        Ok(Cluster(cases::cluster(ctx.env(), ctx.actor(), id("cluster", &given)?).await?))
    }

    /// Clusters, of one family or all.
    async fn clusters(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "In any of its spellings.")] family: Option<String>,
        #[graphql(desc = "How many rows, 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Result<Paged<Cluster>> {
        let page = page(ctx, first, after)?;
        let family = family.map(|family| ctx.env().intake.families.canonical(&family));
        let slice = cases::clusters(ctx.env(), ctx.actor(), family.as_deref(), page).await?;
        Ok(connection(slice, page, |row| row.id.0, Cluster))
    }

    /// Shared values that are parked as hubs, and values that people ruled about.
    async fn pivots(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many rows, 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Result<Paged<Pivot>> {
        let page = page(ctx, first, after)?;
        let slice = takedown::cluster::tell::pivots(ctx.env(), ctx.actor(), page).await?;
        Ok(connection(slice, page, |row| row.id.0, Pivot))
    }

    /// Names without a family that joined clusters of known ones, the strongest evidence first.
    async fn likely_next(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Result<LikelyNext> {
        likely_next(ctx, first, after).await
    }

    /// One task.
    async fn task(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id", desc = "`tsk_…`.")] given: ID,
    ) -> Result<Task> {
        Ok(Task(cases::task(ctx.env(), ctx.actor(), id("task", &given)?).await?))
    }

    /// Tasks, in the order in which they were opened.
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which are wanted; all if left out.")] filter: Option<TaskFilter>,
        #[graphql(desc = "How many rows, 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Result<Paged<Task>> {
        let page = page(ctx, first, after)?;
        let slice = cases::tasks(ctx.env(), ctx.actor(), &filter.unwrap_or_default().read()?, page).await?;
        Ok(connection(slice, page, |row| row.id.0, Task))
    }

    /// One notice.
    async fn notice(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id", desc = "`ntc_…`.")] given: ID,
    ) -> Result<Notice> {
        Ok(Notice(cases::notice(ctx.env(), ctx.actor(), id("notice", &given)?).await?))
    }

    /// Notices, in one state or all.
    async fn notices(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only in this state.")] state: Option<NoticeState>,
        #[graphql(desc = "How many rows, 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Result<Paged<Notice>> {
        let page = page(ctx, first, after)?;
        let slice = cases::notices(ctx.env(), ctx.actor(), state.map(Into::into), page).await?;
        Ok(connection(slice, page, |row| row.id.0, Notice))
    }

    /// One operation that one knows of.
    async fn operation(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id", desc = "`opn_…`.")] given: ID,
    ) -> Result<Operation> {
        Ok(Operation(operations::by_id(ctx.env(), ctx.actor(), id("operation", &given)?).await?))
    }

    /// The operations that one knows of, in the order in which they were made.
    async fn operations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many rows, 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Result<Paged<Operation>> {
        let page = page(ctx, first, after)?;
        let slice = operations::list(ctx.env(), ctx.actor(), page).await?;
        Ok(connection(slice, page, |row| row.id.0, Operation))
    }

    /// The desks that want to be spoken to, since one holds what a sealed operation holds too: by oneself, or by an operation
    /// that one is a member of.
    async fn collisions(&self, ctx: &Context<'_>) -> Result<Vec<Collision>> {
        let rows = operations::collisions(ctx.env(), ctx.actor()).await?;
        Ok(rows.into_iter().map(Collision).collect())
    }

    /// One party of the directory: by its id, or by its key.
    async fn party(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id", desc = "`pty_…`.")] given: Option<ID>,
        #[graphql(desc = "`iana:146`, `tld:com`, `csirt:at:cert.at`.")] key: Option<String>,
    ) -> Result<Party> {
        let (env, actor) = (ctx.env(), ctx.actor());
        Ok(Party(match (given, key) {
            (Some(given), None) => directory::by_id(env, actor, id("party", &given)?).await?,
            (None, Some(key)) => directory::by_key(env, actor, &key).await?,
            _ => return Err(invalid("id", "give either `id` or `key`")),
        }))
    }

    /// Parties of the directory, in the order in which they were first named.
    async fn parties(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which are wanted; all if left out.")] filter: Option<PartyFilter>,
        #[graphql(desc = "How many rows, 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Result<Paged<Party>> {
        let page = page(ctx, first, after)?;
        let filter = filter.unwrap_or_default().read()?;
        let slice = directory::list(ctx.env(), ctx.actor(), &filter, page).await?;
        Ok(connection(slice, page, |row| row.id.0, Party))
    }

    /// The countries that receive a share, by code, each with who receives it.
    async fn circle(&self, ctx: &Context<'_>) -> Result<Vec<CircleCountry>> {
        circle(ctx).await
    }
    /// Who may sign in, or might; for administrators.
    async fn people(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which are wanted; all if left out.")] filter: Option<PersonFilter>,
        #[graphql(desc = "How many rows, 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Result<Paged<Person>> {
        let page = page(ctx, first, after)?;
        let slice = person::list(ctx.env(), ctx.actor(), filter.unwrap_or_default().read()?, page).await?;
        Ok(connection(slice, page, |row| row.id.0, Person))
    }
    /// What was done, newest first: by oneself to everyone, by others to who reads the ledger.
    async fn activity(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which events; all if left out.")] filter: Option<ActivityFilter>,
        #[graphql(desc = "How many, 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "Only those before the event with this number.")] before: Option<String>,
    ) -> Result<Activity> {
        activity(ctx, filter, first, before).await
    }
}
