//! A large neighbourhood as groups.

use async_graphql::{Context, Object};
use entities::ObservableId;
use takedown::graph::collapse;

use super::fleet::{cluster, text, thing};
use crate::{
    case::Cluster, context::int, error::Result, load::load_many, loaders::ObservableOf,
    observable::Observable, rows::Listed,
};

/// A neighbourhood as groups.
pub struct CollapsedNeighbourhood(pub collapse::Collapsed);

/// A neighbourhood as groups.
#[Object]
impl CollapsedNeighbourhood {
    /// The groups, the largest first. What has several (two name servers) is in each.
    async fn nodes(&self) -> Vec<NeighbourGroup> {
        self.0.groups.iter().cloned().map(NeighbourGroup).collect()
    }

    /// How many groups there are.
    async fn total(&self) -> i32 {
        int(self.0.total)
    }

    /// Whether `nodes` has fewer than there are.
    async fn truncated(&self) -> bool {
        (self.0.groups.len() as u64) < self.0.total
    }

    /// How many observables were grouped: all around, without those that the walk begins at.
    async fn size(&self) -> i32 {
        int(self.0.size)
    }

    /// Whether the neighbourhood is larger than the 20,000 that are grouped.
    async fn bounded(&self) -> bool {
        self.0.bounded
    }
}

/// Observables of a neighbourhood that have one thing in common.
pub struct NeighbourGroup(collapse::Group);

/// Observables of a neighbourhood that have one thing in common.
#[Object]
impl NeighbourGroup {
    /// What: a term, the value of the observable, the name of the cluster.
    async fn key(&self, ctx: &Context<'_>) -> Result<String> {
        text(ctx, &self.0.counted.key).await
    }

    /// How many.
    async fn count(&self) -> i32 {
        int(self.0.counted.count)
    }

    /// The registrar, name server or autonomous system; null where it is none.
    async fn observable(&self, ctx: &Context<'_>) -> Result<Option<Observable>> {
        thing(ctx, &self.0.counted.key).await
    }

    /// The cluster; null where it is none.
    async fn cluster(&self, ctx: &Context<'_>) -> Result<Option<Cluster>> {
        cluster(ctx, &self.0.counted.key).await
    }

    /// Its first observables, as many as `members` of `collapsed` asks for, by id; `count` says how many there are.
    async fn members(&self, ctx: &Context<'_>) -> Result<Listed<Observable>> {
        let ids: Vec<ObservableId> = self.0.members.clone();
        let rows = load_many(ctx, ids.into_iter().map(ObservableOf)).await?;
        Ok(Listed(rows.into_iter().map(Observable).collect()))
    }
}
