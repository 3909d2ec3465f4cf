//! Observables with what hangs on them.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use entities::{ObservableId, Timestamp, fact, link, observable, observation, sighting};
use takedown::{
    graph::{End, LinkFilter},
    reads::observables::NESTED,
};
use time::OffsetDateTime;

use crate::{
    attribution::Attribution,
    context::{ContextExt, id, int},
    enums::{
        FactKind, GradingScale, Handling, LinkKind, ObservableKind, ObservableState, Pap, Probe, Role, Tlp,
    },
    error::Result,
    graph::changes::{Changed, LinkChanges},
    load::load,
    loaders::{
        AttributionOf, FactsOf, LinksOf, ObservableOf, ObservationsOf, SightingsOf, SomeLinks, SourceOf,
        WantedLinks,
    },
    operation::{self, Operation},
};

/// A bounded list that never hides that it is one.
#[derive(SimpleObject)]
#[graphql(concrete(name = "SightingList", params(Sighting)))]
#[graphql(concrete(name = "ObservationList", params(Observation)))]
#[graphql(concrete(name = "LinkList", params(Link)))]
pub struct Bounded<T: async_graphql::OutputType> {
    /// The first of them.
    nodes: Vec<T>,
    /// How many there are.
    total: i32,
    /// Whether `nodes` has fewer than there are.
    truncated: bool,
}

impl<T: async_graphql::OutputType> Bounded<T> {
    fn new<R>(rows: Vec<R>, first: Option<i32>, node: impl Fn(R) -> T) -> Self {
        let total = rows.len();
        let most = most(first);
        let nodes = rows.into_iter().take(most).map(node).collect();
        Self { nodes, total: int(total), truncated: total > most }
    }
}

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
    async fn facts(&self, ctx: &Context<'_>) -> Result<Vec<Fact>> {
        Ok(load(ctx, FactsOf(self.0.id)).await?.unwrap_or_default().into_iter().map(Fact).collect())
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
        links(ctx, self.0.id, &[End::Outgoing], kinds, as_of, first).await
    }

    /// Links that end here and come from what is visible, newest first.
    async fn linked_from(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only links of these kinds.")] kinds: Option<Vec<LinkKind>>,
        #[graphql(desc = "Only links that held at this instant.")] as_of: Option<OffsetDateTime>,
        #[graphql(desc = "How many at most; 200 if left out, and never more.")] first: Option<i32>,
    ) -> Result<Bounded<Link>> {
        links(ctx, self.0.id, &[End::Incoming], kinds, as_of, first).await
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

/// The links of one observable; those of all that a list has are loaded together, and no more of each than is asked
/// for.
async fn links(
    ctx: &Context<'_>,
    of: ObservableId,
    ends: &'static [End],
    kinds: Option<Vec<LinkKind>>,
    as_of: Option<OffsetDateTime>,
    first: Option<i32>,
) -> Result<Bounded<Link>> {
    let at = as_of.map(Timestamp::from);
    let kinds = kinds.unwrap_or_default().into_iter().map(Into::into).collect();
    let wanted = WantedLinks {
        ends,
        filter: LinkFilter { kinds, since: at, until: at, change: None },
        first: most(first),
        total: ctx.look_ahead().field("total").exists(),
    };
    let found = load(ctx, LinksOf { of, wanted: Arc::new(wanted) }).await?;
    let found = found.unwrap_or(SomeLinks { rows: Vec::new(), more: false, total: None });
    Ok(found.into())
}

impl From<SomeLinks> for Bounded<Link> {
    /// Where the total was not asked for, nobody sees it.
    fn from(found: SomeLinks) -> Self {
        Self {
            total: int(found.total.unwrap_or(found.rows.len() as u64)),
            truncated: found.more,
            nodes: found.rows.into_iter().map(Link).collect(),
        }
    }
}

/// How many rows of a nested list are wanted.
pub(crate) fn most(first: Option<i32>) -> usize {
    first.and_then(|first| usize::try_from(first).ok()).unwrap_or(NESTED).min(NESTED)
}

/// One source said that it saw one observable.
pub struct Sighting(pub sighting::Model);

/// One source said that it saw one observable.
#[Object]
impl Sighting {
    /// Its id, `sgt_…`.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// Who says so.
    async fn source(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(load(ctx, SourceOf(self.0.source_id)).await?.map(|source| source.name))
    }

    /// The import that brought it.
    async fn import_id(&self) -> ID {
        self.0.import_id.into()
    }

    /// The line or object number in that import.
    async fn line(&self) -> i32 {
        int(self.0.line)
    }

    /// What was seen.
    async fn observable(&self, ctx: &Context<'_>) -> Result<Option<Observable>> {
        Ok(load(ctx, ObservableOf(self.0.observable_id)).await?.map(Observable))
    }

    /// The malware family's canonical name; empty if the source does not tell.
    async fn family(&self) -> &str {
        &self.0.family
    }

    /// What it did.
    async fn role(&self) -> Role {
        self.0.role.into()
    }

    /// When the source saw it, if it says.
    async fn seen_at(&self) -> Option<OffsetDateTime> {
        self.0.seen_at.map(|at| at.datetime())
    }

    /// The end of the validity window, if the source gives one.
    async fn valid_until(&self) -> Option<OffsetDateTime> {
        self.0.valid_until.map(|at| at.datetime())
    }

    /// 0–100.
    async fn confidence(&self) -> Option<i32> {
        self.0.confidence.map(i32::from)
    }

    /// The scale of the grading; the two scales do not convert.
    async fn grading_scale(&self) -> Option<GradingScale> {
        self.0.grading_scale.map(Into::into)
    }

    /// Source letter and information digit on that scale.
    async fn grading(&self) -> Option<&str> {
        self.0.grading.as_deref()
    }

    /// Who may read it.
    async fn tlp(&self) -> Tlp {
        self.0.tlp.into()
    }

    /// What may be done with it.
    async fn pap(&self) -> Pap {
        self.0.pap.into()
    }

    /// What its provider permits.
    async fn handling(&self) -> Handling {
        self.0.handling.into()
    }

    /// When it was stored.
    async fn created_at(&self) -> OffsetDateTime {
        self.0.created_at.datetime()
    }
}

/// Something known of an observable that is no link.
pub struct Fact(pub fact::Model);

/// Something known of an observable that is no link.
#[Object]
impl Fact {
    /// What is known.
    async fn kind(&self) -> FactKind {
        self.0.kind.into()
    }

    /// The list, operator or field that says so; empty for our own findings.
    async fn list(&self) -> &str {
        &self.0.list
    }

    /// The matching entry or the figures behind it.
    async fn detail(&self) -> &str {
        &self.0.detail
    }

    /// First time it held.
    async fn first_seen(&self) -> OffsetDateTime {
        self.0.first_seen.datetime()
    }

    /// Last time it held.
    async fn last_seen(&self) -> OffsetDateTime {
        self.0.last_seen.datetime()
    }
}

/// What a look-up returned, from when to when.
pub struct Observation(pub observation::Model);

/// What a look-up returned, from when to when.
#[Object]
impl Observation {
    /// Its id, `obn_…`.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// What was asked.
    async fn probe(&self) -> Probe {
        self.0.probe.into()
    }

    /// Who answered.
    async fn server(&self) -> &str {
        &self.0.server
    }

    /// Our reading of the answer, as JSON text.
    async fn reading(&self) -> String {
        self.0.reading.to_string()
    }

    /// The answer as it came, bounded.
    async fn raw(&self) -> &str {
        &self.0.raw
    }

    /// First time this was the answer.
    async fn first_seen(&self) -> OffsetDateTime {
        self.0.first_seen.datetime()
    }

    /// Last time this was the answer.
    async fn last_seen(&self) -> OffsetDateTime {
        self.0.last_seen.datetime()
    }

    /// How often it was the answer.
    async fn count(&self) -> i32 {
        int(self.0.count)
    }
}

/// A dated relation between two observables.
pub struct Link(pub link::Model);

/// A dated relation between two observables.
#[Object]
impl Link {
    /// Its id, `lnk_…`.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// What the relation is.
    async fn kind(&self) -> LinkKind {
        self.0.kind.into()
    }

    /// Where it starts; null if that is not visible.
    async fn from(&self, ctx: &Context<'_>) -> Result<Option<Observable>> {
        Ok(load(ctx, ObservableOf(self.0.from_id)).await?.map(Observable))
    }

    /// Where it ends; null if that is not visible.
    async fn to(&self, ctx: &Context<'_>) -> Result<Option<Observable>> {
        Ok(load(ctx, ObservableOf(self.0.to_id)).await?.map(Observable))
    }

    /// Who says so.
    async fn source(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(load(ctx, SourceOf(self.0.source_id)).await?.map(|source| source.name))
    }

    /// First time it held.
    async fn first_seen(&self) -> OffsetDateTime {
        self.0.first_seen.datetime()
    }

    /// Last time it held.
    async fn last_seen(&self) -> OffsetDateTime {
        self.0.last_seen.datetime()
    }

    /// How often it was seen.
    async fn count(&self) -> i32 {
        int(self.0.count)
    }
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
