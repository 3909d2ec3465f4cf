//! Observables with what hangs on them.

mod hanging;

use async_graphql::{Context, ID, InputObject, Object, ServerResult};
use entities::{ObservableId, SourceId, Timestamp, observable, observation};
use takedown::graph::End;
use time::OffsetDateTime;

pub use self::hanging::{Fact, Observation, Sighting};
use crate::{
    attribution::Attribution,
    bounded::Bounded,
    context::{ContextExt, id},
    enums::{LinkKind, ObservableKind, ObservableState, Role},
    error::Result,
    graph::changes::{Changed, LinkChanges},
    link::{Link, Wanted, links, links_of_many},
    load::{load, load_each},
    loaders::{AttributionOf, FactsOf, ObservableOf, ObservationsOf, SightingsOf, SourceOf},
    operation::{self, Operation},
    rows::{Joined, Json, Listed, Parts, Plain, Row, covered, distinct, failed, lists, objects},
};

/// Away from an observable.
const OUT: &[End] = &[End::Outgoing];
/// Towards it.
const IN: &[End] = &[End::Incoming];

/// A thing on the internet.
pub struct Observable(pub observable::Model);

/// A thing on the internet.
#[Object]
impl Observable {
    /// Its id, `obs_…`.
    pub async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// What kind of thing it is.
    async fn kind(&self) -> ObservableKind {
        self.0.kind.into()
    }

    /// The canonical form.
    async fn value(&self) -> &str {
        &self.0.value
    }

    /// The Unicode form of an internationalised name, where it differs.
    async fn display(&self) -> Option<&str> {
        self.0.display.as_deref()
    }

    /// The registrable domain, for names, URLs and endpoints on names.
    async fn registrable_domain(&self) -> Option<&str> {
        self.0.registrable.as_deref()
    }

    /// Where it stands.
    async fn state(&self) -> ObservableState {
        self.0.state.into()
    }

    /// When it entered the store.
    async fn created_at(&self) -> OffsetDateTime {
        self.0.created_at.datetime()
    }

    /// When it was last looked at.
    async fn observed_at(&self) -> Option<OffsetDateTime> {
        self.0.observed_at.map(|at| at.datetime())
    }

    /// When it is to be looked at next.
    async fn next_due_at(&self) -> Option<OffsetDateTime> {
        self.0.next_due_at.map(|at| at.datetime())
    }

    /// The operation that it belongs to; null if it belongs to none.
    async fn operation(&self, ctx: &Context<'_>) -> Result<Option<Operation>> {
        operation::of(ctx, self.0.operation_id).await
    }

    /// What sources said of it, newest first.
    async fn sightings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most; 200 if left out, and never more.")] first: Option<i32>,
    ) -> Result<Bounded<Sighting>> {
        let rows = load(ctx, SightingsOf(self.0.id)).await?.unwrap_or_default();
        Ok(Bounded::new(rows, first, Sighting))
    }

    /// How likely it is of known families, if it is a name; null without a model (`lockstep cluster train`), and for who
    /// does not see everything.
    async fn attribution(&self, ctx: &Context<'_>) -> Result<Option<Attribution>> {
        Ok(load(ctx, AttributionOf(self.0.id)).await?.map(Attribution::from))
    }

    /// What is known of it besides its links; benign lists it is on are among them.
    async fn facts(&self, ctx: &Context<'_>) -> Result<Listed<Fact>> {
        let rows = load(ctx, FactsOf(self.0.id)).await?.unwrap_or_default();
        Ok(Listed(rows.into_iter().map(Fact).collect()))
    }

    /// The answer to each question as it stands now, or as it stood at `asOf`.
    async fn observations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "An instant in the past.")] as_of: Option<OffsetDateTime>,
        #[graphql(desc = "How many at most; 200 if left out, and never more.")] first: Option<i32>,
    ) -> Result<Bounded<Observation>> {
        let at = as_of.map(Timestamp::from);
        let mut rows: Vec<observation::Model> = Vec::new();
        for row in load(ctx, ObservationsOf(self.0.id)).await?.unwrap_or_default() {
            let held = at.is_none_or(|at| row.first_seen <= at);
            let new = rows.last().is_none_or(|last| (last.probe, &last.server) != (row.probe, &row.server));
            if held && new {
                rows.push(row);
            }
        }
        Ok(Bounded::new(rows, first, Observation))
    }

    /// Every answer there ever was, newest first within question and server.
    async fn past_observations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most; 200 if left out, and never more.")] first: Option<i32>,
    ) -> Result<Bounded<Observation>> {
        let rows = load(ctx, ObservationsOf(self.0.id)).await?.unwrap_or_default();
        Ok(Bounded::new(rows, first, Observation))
    }

    /// Links that start here and lead to what is visible, newest first.
    async fn links(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only links of these kinds.")] kinds: Option<Vec<LinkKind>>,
        #[graphql(desc = "Only links that held at this instant.")] as_of: Option<OffsetDateTime>,
        #[graphql(desc = "How many at most; 200 if left out, and never more.")] first: Option<i32>,
    ) -> Result<Bounded<Link>> {
        links(ctx, self.0.id, Wanted { ends: OUT, kinds, as_of, first }).await
    }

    /// Links that end here and come from what is visible, newest first.
    async fn linked_from(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only links of these kinds.")] kinds: Option<Vec<LinkKind>>,
        #[graphql(desc = "Only links that held at this instant.")] as_of: Option<OffsetDateTime>,
        #[graphql(desc = "How many at most; 200 if left out, and never more.")] first: Option<i32>,
    ) -> Result<Bounded<Link>> {
        links(ctx, self.0.id, Wanted { ends: IN, kinds, as_of, first }).await
    }

    /// Which of its links, in either direction, appeared and ended between two instants.
    async fn link_changes(
        &self,
        #[graphql(desc = "The earlier instant.")] since: OffsetDateTime,
        #[graphql(desc = "The later instant.")] until: OffsetDateTime,
        #[graphql(desc = "Only links of these kinds.")] kinds: Option<Vec<LinkKind>>,
        #[graphql(desc = "How many at most of either; 200 if left out, and never more.")] first: Option<i32>,
    ) -> Result<LinkChanges> {
        LinkChanges::new(Changed::Of(self.0.id), (since, until), kinds, first)
    }
}

impl Row for Observable {
    const PLAIN: &'static [(&'static str, Plain<Self>)] = &[
        ("id", |row, to| to.id(row.0.id)),
        ("kind", |row, to| to.term::<ObservableKind>(row.0.kind)),
        ("value", |row, to| to.text(&row.0.value)),
        ("display", |row, to| to.maybe(row.0.display.as_deref(), Json::text)),
        ("registrableDomain", |row, to| to.maybe(row.0.registrable.as_deref(), Json::text)),
        ("state", |row, to| to.term::<ObservableState>(row.0.state)),
        ("createdAt", |row, to| to.instant(row.0.created_at)),
        ("observedAt", |row, to| to.maybe(row.0.observed_at, Json::instant)),
        ("nextDueAt", |row, to| to.maybe(row.0.next_due_at, Json::instant)),
    ];
    const JOINED: &'static [(&'static str, Joined<Self>)] = &[
        (
            "links",
            Joined {
                covers: covered::<Bounded<Link>>,
                answer: |ctx, rows| Box::pin(links_of_many(ctx, rows, OUT)),
            },
        ),
        (
            "linkedFrom",
            Joined {
                covers: covered::<Bounded<Link>>,
                answer: |ctx, rows| Box::pin(links_of_many(ctx, rows, IN)),
            },
        ),
        (
            "sightings",
            Joined {
                covers: covered::<Bounded<Sighting>>,
                answer: |ctx, rows| Box::pin(sightings(ctx, rows)),
            },
        ),
        ("facts", Joined { covers: covered::<Fact>, answer: |ctx, rows| Box::pin(facts(ctx, rows)) }),
    ];
}

/// The sightings of many observables.
async fn sightings(ctx: &Context<'_>, of: &[&Observable]) -> ServerResult<Parts> {
    let first: Option<i32> = ctx.param_value("first", None)?.1;
    let found = load_each(ctx, of.iter().map(|row| SightingsOf(row.0.id))).await;
    let bounded = |rows: Option<_>| Bounded::new(rows.unwrap_or_default(), first, Sighting);
    let found: Vec<_> = found.map_err(|error| failed(ctx, error))?.into_iter().map(bounded).collect();
    let found: Vec<_> = found.iter().collect();
    objects(ctx, &found).await
}

/// The facts of many observables.
async fn facts(ctx: &Context<'_>, of: &[&Observable]) -> ServerResult<Parts> {
    let found = load_each(ctx, of.iter().map(|row| FactsOf(row.0.id))).await;
    let listed = |rows: Option<Vec<_>>| rows.unwrap_or_default().into_iter().map(Fact).collect();
    let found: Vec<Vec<Fact>> = found.map_err(|error| failed(ctx, error))?.into_iter().map(listed).collect();
    let found: Vec<&Vec<Fact>> = found.iter().collect();
    lists(ctx, &found, |facts| facts.as_slice()).await
}

/// The observables that many rows name. Many of them may name one: it is loaded and written once.
pub async fn named<T>(ctx: &Context<'_>, rows: &[&T], id: fn(&T) -> ObservableId) -> ServerResult<Parts> {
    let (ids, places) = distinct(rows.iter().map(|row| id(row)));
    let found = load_each(ctx, ids.into_iter().map(ObservableOf)).await;
    let mut seen = Vec::new();
    let mut things = Vec::new();
    for row in found.map_err(|error| failed(ctx, error))? {
        seen.push(row.is_some().then_some(things.len()));
        things.extend(row.map(Observable));
    }
    let things: Vec<&Observable> = things.iter().collect();
    let parts = objects(ctx, &things).await?;
    Ok(parts.placed(places.into_iter().map(|place| seen.get(place).copied().flatten())))
}

/// The names of the sources that many rows name.
pub async fn sources<T>(ctx: &Context<'_>, rows: &[&T], id: fn(&T) -> SourceId) -> ServerResult<Parts> {
    let (ids, places) = distinct(rows.iter().map(|row| id(row)));
    let found = load_each(ctx, ids.into_iter().map(SourceOf)).await;
    let mut parts = Parts::default();
    for source in found.map_err(|error| failed(ctx, error))? {
        parts.add(|to| to.maybe(source.as_ref().map(|source| source.name.as_str()), Json::text));
    }
    Ok(parts.placed(places.into_iter().map(Some)))
}

/// Which observables are wanted; what is left out does not limit.
#[derive(InputObject, Default)]
pub struct ObservableFilter {
    /// Of these kinds.
    #[graphql(default)]
    kinds: Vec<ObservableKind>,
    /// In these states.
    #[graphql(default)]
    states: Vec<ObservableState>,
    /// Under this registrable domain, as an A-label.
    registrable_domain: Option<String>,
    /// Whose canonical value begins so.
    value_prefix: Option<String>,
    /// With a sighting of this family, in any of its spellings.
    family: Option<String>,
    /// With a sighting in this role.
    role: Option<Role>,
    /// On a benign list (true) or on none (false).
    listed: Option<bool>,
    /// Looked at (true) or not yet (false).
    observed: Option<bool>,
    /// Of this operation, `opn_…`.
    operation: Option<ID>,
}

impl ObservableFilter {
    /// The filter as the work takes it.
    ///
    /// # Errors
    /// `operation` is no id of an operation.
    pub fn read(self, ctx: &Context<'_>) -> Result<takedown::reads::observables::ObservableFilter> {
        Ok(takedown::reads::observables::ObservableFilter {
            kinds: self.kinds.into_iter().map(Into::into).collect(),
            states: self.states.into_iter().map(Into::into).collect(),
            registrable: self.registrable_domain,
            value_prefix: self.value_prefix,
            family: self.family.map(|family| ctx.env().intake.families.canonical(&family)),
            role: self.role.map(Into::into),
            listed: self.listed,
            observed: self.observed,
            operation: self.operation.map(|given| id("operation", &given)).transpose()?,
        })
    }
}
