//! Fleets in figures.

use async_graphql::{Context, Enum, Object};
use entities::ClusterId;
use takedown::{
    graph::fleet::{self, Fleets, Key},
    reads::observables::ObservableFilter,
};

use super::rows;
use crate::{
    case::Cluster,
    context::{ContextExt, int},
    error::Result,
    load::load,
    loaders::{ClusterOf, FleetCounts, FleetSize, ObservableOf},
    observable::Observable,
};

/// How many counts are shown where it is not said.
const FIRST: usize = 20;

/// By what observables are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "takedown::graph::fleet::Dimension")]
pub enum FleetDimension {
    /// Where they stand.
    State,
    /// The top-level domain of their registrable domain.
    Tld,
    /// How long ago they were registered, as registration data last said: `day`, `week`, `month`, `quarter`, `year`
    /// (less than that), `older`, `unknown`.
    Age,
    /// The registrar that sponsors them, as last seen.
    Registrar,
    /// The whole set of their name servers, as last seen.
    NameServers,
    /// Each of their name servers, as last seen.
    NameServer,
    /// Each autonomous system that announces an address of theirs, as last seen.
    AutonomousSystem,
    /// Their cluster.
    Cluster,
}

/// Whose figures.
pub enum FleetSummary {
    /// Of a cluster's members.
    Cluster(ClusterId),
    /// Of what a filter finds.
    Found(Box<ObservableFilter>),
}

/// A fleet in figures, counted in the store over what is visible.
#[Object]
impl FleetSummary {
    /// How many observables it has.
    async fn size(&self, ctx: &Context<'_>) -> Result<i32> {
        let size = match self {
            Self::Cluster(id) => load(ctx, FleetSize(*id)).await?,
            Self::Found(filter) => {
                fleet::sizes(ctx.env(), ctx.actor(), Fleets::Found(filter)).await?.remove(&fleet::THE_ONE)
            }
        };
        Ok(int(size.unwrap_or(0)))
    }

    /// How many of them have what in common, the greatest first. What has several (addresses in two systems) counts
    /// in each.
    async fn counts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "By what they are counted.")] by: FleetDimension,
        #[graphql(desc = "How many counts at most, 1 to 500; 20 if left out.")] first: Option<i32>,
    ) -> Result<FleetCountList> {
        let first = rows(first, FIRST)? as u64;
        let counts = match self {
            Self::Cluster(of) => load(ctx, FleetCounts { of: *of, by: by.into(), first }).await?,
            Self::Found(filter) => {
                let fleets = Fleets::Found(filter);
                let mut counts = fleet::counts(ctx.env(), ctx.actor(), fleets, by.into(), first).await?;
                counts.remove(&fleet::THE_ONE)
            }
        };
        Ok(FleetCountList(counts.unwrap_or_default()))
    }
}

/// Counts, the greatest first.
pub struct FleetCountList(fleet::Counts);

/// Counts, the greatest first.
#[Object]
impl FleetCountList {
    /// The greatest.
    async fn nodes(&self) -> Vec<FleetCount> {
        self.0.rows.iter().cloned().map(FleetCount).collect()
    }

    /// How many there are.
    async fn total(&self) -> i32 {
        int(self.0.total)
    }

    /// Whether `nodes` has fewer than there are.
    async fn truncated(&self) -> bool {
        (self.0.rows.len() as u64) < self.0.total
    }
}

/// How many have one thing in common.
pub struct FleetCount(fleet::Counted);

/// How many have one thing in common.
#[Object]
impl FleetCount {
    /// What: a term, the value of the observable, the name of the cluster.
    async fn key(&self, ctx: &Context<'_>) -> Result<String> {
        text(ctx, &self.0.key).await
    }

    /// How many.
    async fn count(&self) -> i32 {
        int(self.0.count)
    }

    /// The registrar, name server or autonomous system; null where it is none.
    async fn observable(&self, ctx: &Context<'_>) -> Result<Option<Observable>> {
        thing(ctx, &self.0.key).await
    }

    /// The cluster; null where it is none.
    async fn cluster(&self, ctx: &Context<'_>) -> Result<Option<Cluster>> {
        cluster(ctx, &self.0.key).await
    }
}

/// A key for people.
pub(super) async fn text(ctx: &Context<'_>, key: &Key) -> Result<String> {
    Ok(match key {
        Key::Text(text) => text.clone(),
        Key::Observable(id) => {
            load(ctx, ObservableOf(*id)).await?.map_or_else(|| id.to_string(), |row| row.value)
        }
        Key::Cluster(id) => load(ctx, ClusterOf(*id)).await?.map_or_else(|| id.to_string(), |row| row.name),
    })
}

/// The observable that a key is.
pub(super) async fn thing(ctx: &Context<'_>, key: &Key) -> Result<Option<Observable>> {
    let Key::Observable(id) = key else { return Ok(None) };
    Ok(load(ctx, ObservableOf(*id)).await?.map(Observable))
}

/// The cluster that a key is.
pub(super) async fn cluster(ctx: &Context<'_>, key: &Key) -> Result<Option<Cluster>> {
    let Key::Cluster(id) = key else { return Ok(None) };
    Ok(load(ctx, ClusterOf(*id)).await?.map(Cluster))
}
