//! Batches: one statement for what many rows of an answer ask for, whatever their number.

use std::{collections::HashMap, sync::Arc};

use async_graphql::dataloader::Loader;
use entities::{
    ClusterId, DeskId, ImportId, NoticeId, ObservableId, OperationId, PartyId, PersonId, SourceId, TaskId,
    cluster, cluster_change, cluster_member, cluster_ruling, desk, fact, link, observable, observation,
    operation as operation_row, party as party_row, party_claim, sighting, source, task, verification,
};
use takedown::{
    actor::Actor,
    cluster::{attribution, tell},
    env::Env,
    error::Error,
    graph::{
        self, End, LinkFilter, changes,
        fleet::{self, Fleets},
    },
    operation, party,
    people::person,
    reads::{
        Page, Slice, cases,
        imports::{self, Lines},
        observables,
    },
};

/// Loads for one request: its actor sees what it may see.
pub struct Batch {
    /// The surroundings.
    pub env: Arc<Env>,
    /// Who asks.
    pub actor: Actor,
}

/// What is wanted of an observable or case, as a loader key.
macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident($id:ty) => $value:ty, $load:expr;)+) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name(pub $id);

        impl Loader<$name> for Batch {
            type Value = $value;
            type Error = Arc<Error>;

            async fn load(&self, keys: &[$name]) -> Result<HashMap<$name, $value>, Arc<Error>> {
                let ids: Vec<$id> = keys.iter().map(|key| key.0).collect();
                let rows = $load(&self.env, &self.actor, &ids).await.map_err(Arc::new)?;
                Ok(rows.into_iter().map(|(id, value)| ($name(id), value)).collect())
            }
        }
    )+ };
}

async fn clusters(
    env: &Env,
    actor: &Actor,
    ids: &[ClusterId],
) -> Result<HashMap<ClusterId, cluster::Model>, Error> {
    let rows = cases::clusters_by_ids(env, actor, ids).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

async fn sizes(env: &Env, actor: &Actor, ids: &[ClusterId]) -> Result<HashMap<ClusterId, u64>, Error> {
    let sizes = fleet::sizes(env, actor, Fleets::Clusters(ids)).await?;
    Ok(sizes.into_iter().map(|(id, size)| (ClusterId(id), size)).collect())
}

keys! {
    /// The observable with an id.
    ObservableOf(ObservableId) => observable::Model, observables::by_ids;
    /// The source with an id.
    SourceOf(SourceId) => source::Model, observables::sources;
    /// An observable's sightings.
    SightingsOf(ObservableId) => Vec<sighting::Model>, observables::sightings;
    /// An observable's facts.
    FactsOf(ObservableId) => Vec<fact::Model>, observables::facts;
    /// An observable's observations.
    ObservationsOf(ObservableId) => Vec<observation::Model>, observables::observations;
    /// The cluster with an id.
    ClusterOf(ClusterId) => cluster::Model, clusters;
    /// How many visible members a cluster has.
    FleetSize(ClusterId) => u64, sizes;
    /// How likely an observable is of known families.
    AttributionOf(ObservableId) => attribution::Attribution, attribution::of;
    /// How likely a cluster's members are of known families.
    ClusterAttribution(ClusterId) => attribution::Attribution, attribution::of_clusters;
    /// A cluster's members.
    MembersOf(ClusterId) => Vec<cluster_member::Model>, cases::members;
    /// The desk with an id.
    DeskOf(DeskId) => desk::Model, cases::desks;
    /// The task with an id.
    TaskOf(TaskId) => task::Model, cases::tasks_by_ids;
    /// A task's verifications.
    VerificationsOf(TaskId) => Vec<verification::Model>, cases::verifications;
    /// What people read of an account.
    NameOf(PersonId) => String, person::names;
    /// The operation with an id.
    OperationOf(OperationId) => operation_row::Model, operation::by_ids;
    /// Who works in an operation.
    OperationMembers(OperationId) => Vec<operation::Member>, operation::members;
    /// The party with an id.
    PartyOf(PartyId) => party_row::Model, party::by_ids;
    /// What sources say about a party.
    ClaimsOf(PartyId) => Vec<party_claim::Model>, party::claims;
    /// The tasks that a notice speaks for.
    TasksOf(NoticeId) => Vec<TaskId>, cases::tasks_of_notices;
}

/// A part of the list of each of many rows, as a loader key. One document asks for few different parts, and each is
/// loaded for all rows together.
macro_rules! parts {
    ($($(#[$doc:meta])* $name:ident($id:ty, $part:ty) => $value:ty, $load:path;)+) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name(pub $id, pub $part);

        impl Loader<$name> for Batch {
            type Value = Slice<$value>;
            type Error = Arc<Error>;

            async fn load(&self, keys: &[$name]) -> Result<HashMap<$name, Slice<$value>>, Arc<Error>> {
                let mut parts: HashMap<$part, Vec<$id>> = HashMap::new();
                for $name(id, part) in keys {
                    parts.entry(*part).or_default().push(*id);
                }
                let mut found = HashMap::with_capacity(keys.len());
                for (part, ids) in parts {
                    let slices = $load(&self.env, &self.actor, &ids, part).await?;
                    found.extend(slices.into_iter().map(|(id, slice)| ($name(id, part), slice)));
                }
                Ok(found)
            }
        }
    )+ };
}

parts! {
    /// A page of a cluster's tasks.
    ClusterTasks(ClusterId, Page) => task::Model, cases::tasks_of_clusters;
    /// A page of what became of a cluster.
    ChangesOf(ClusterId, Page) => cluster_change::Model, tell::changes;
    /// A page of what people ruled about a cluster.
    RulingsOf(ClusterId, Page) => cluster_ruling::Model, tell::rulings;
    /// Some of an import's lines.
    LinesOf(ImportId, Lines) => imports::Line, imports::lines;
}

/// Some of an observable's links in one direction.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LinksOf {
    /// Whose.
    pub of: ObservableId,
    /// Which are wanted.
    pub wanted: Arc<WantedLinks>,
}

/// Which links are wanted. All rows of a list want the same.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct WantedLinks {
    /// The directions.
    pub ends: &'static [End],
    /// Which.
    pub filter: LinkFilter,
    /// How many at most.
    pub first: usize,
    /// Whether it is wanted how many there are.
    pub total: bool,
}

/// Some of an observable's links.
#[derive(Clone, Default)]
pub struct SomeLinks {
    /// The newest.
    pub rows: Vec<link::Model>,
    /// Whether there are more.
    pub more: bool,
    /// How many there are, if that was asked.
    pub total: Option<u64>,
}

/// Some of the links that start at a cluster's members.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ClusterLinks {
    /// Whose.
    pub of: ClusterId,
    /// Which are wanted; they start at the members whatever `ends` says.
    pub wanted: Arc<WantedLinks>,
}

impl Loader<ClusterLinks> for Batch {
    type Value = SomeLinks;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[ClusterLinks]) -> Result<HashMap<ClusterLinks, SomeLinks>, Arc<Error>> {
        let mut lists: HashMap<&Arc<WantedLinks>, Vec<ClusterId>> = HashMap::new();
        for key in keys {
            lists.entry(&key.wanted).or_default().push(key.of);
        }
        let (env, actor) = (&self.env, &self.actor);
        let mut found = HashMap::with_capacity(keys.len());
        for (wanted, ids) in lists {
            let WantedLinks { filter, first, total, .. } = &**wanted;
            let mut rows = changes::cluster_links(env, actor, &ids, filter, *first as u64 + 1).await?;
            let totals = match total {
                true => Some(changes::cluster_link_totals(env, actor, &ids, filter).await?),
                false => None,
            };
            for of in ids {
                let rows = rows.remove(&of).unwrap_or_default();
                let total = totals.as_ref().map(|totals| totals.get(&of).copied().unwrap_or(0));
                found
                    .insert(ClusterLinks { of, wanted: wanted.clone() }, SomeLinks::new(rows, *first, total));
            }
        }
        Ok(found)
    }
}

/// The counts of a cluster's members by one dimension.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FleetCounts {
    /// Whose.
    pub of: ClusterId,
    /// By what.
    pub by: fleet::Dimension,
    /// How many counts at most.
    pub first: u64,
}

impl Loader<FleetCounts> for Batch {
    type Value = fleet::Counts;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[FleetCounts]) -> Result<HashMap<FleetCounts, fleet::Counts>, Arc<Error>> {
        let mut lists: HashMap<(fleet::Dimension, u64), Vec<ClusterId>> = HashMap::new();
        for key in keys {
            lists.entry((key.by, key.first)).or_default().push(key.of);
        }
        let mut found = HashMap::with_capacity(keys.len());
        for ((by, first), ids) in lists {
            let fleets = Fleets::Clusters(&ids);
            let counts = fleet::counts(&self.env, &self.actor, fleets, by, first).await?;
            let key = |id| FleetCounts { of: ClusterId(id), by, first };
            found.extend(counts.into_iter().map(|(id, counts)| (key(id), counts)));
        }
        Ok(found)
    }
}

impl SomeLinks {
    /// Of rows of which one more than `first` was asked for.
    fn new(mut rows: Vec<link::Model>, first: usize, total: Option<u64>) -> Self {
        // One beyond tells whether there are more.
        let more = rows.len() > first;
        rows.truncate(first);
        Self { rows, more, total }
    }
}

impl Loader<LinksOf> for Batch {
    type Value = SomeLinks;
    type Error = Arc<Error>;

    /// One document asks for few different lists, and each is loaded for all observables together.
    async fn load(&self, keys: &[LinksOf]) -> Result<HashMap<LinksOf, SomeLinks>, Arc<Error>> {
        let mut lists: HashMap<&Arc<WantedLinks>, Vec<ObservableId>> = HashMap::new();
        for key in keys {
            lists.entry(&key.wanted).or_default().push(key.of);
        }
        let mut found = HashMap::with_capacity(keys.len());
        for (wanted, ids) in lists {
            let WantedLinks { ends, filter, first, total } = &**wanted;
            let mut rows =
                graph::links(&self.env, &self.actor, &ids, ends, filter, *first as u64 + 1).await?;
            let totals = match total {
                true => Some(graph::link_totals(&self.env, &self.actor, &ids, ends, filter).await?),
                false => None,
            };
            for of in ids {
                let rows = rows.remove(&of).unwrap_or_default();
                let total = totals.as_ref().map(|totals| totals.get(&of).copied().unwrap_or(0));
                found.insert(LinksOf { of, wanted: wanted.clone() }, SomeLinks::new(rows, *first, total));
            }
        }
        Ok(found)
    }
}
