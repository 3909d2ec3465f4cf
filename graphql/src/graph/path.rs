//! How two observables are connected.

use async_graphql::{Context, Enum, ID, Object};
use entities::ObservableId;
use takedown::graph::path::{self, Best};

use super::neighbourhood::WalkFilter;
use crate::{
    context::{ContextExt, id, int},
    error::Result,
    link::Link,
    load::load,
    loaders::ObservableOf,
    observable::Observable,
    page::invalid,
};

/// Which of the paths is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "takedown::graph::path::Best")]
pub enum PathOrder {
    /// The one of fewest links.
    Shortest,
    /// The one over the rarest values: each link costs the logarithm of how many share what it ends at.
    Strongest,
}

/// How two observables are connected.
pub struct Path {
    from: ObservableId,
    found: path::Connection,
}

/// How two observables are connected.
#[Object]
impl Path {
    /// The links from the one to the other; null if no path was found, empty from a thing to itself.
    async fn steps(&self) -> Option<Vec<PathStep>> {
        let steps = self.found.steps.as_ref()?;
        let mut here = self.from;
        let step = |step: &path::PathStep| {
            let from = std::mem::replace(&mut here, step.to);
            PathStep { from, step: step.clone() }
        };
        Some(steps.iter().map(step).collect())
    }

    /// Whether a bound ended the search: there may be a better path, or one where none was found.
    async fn bounded(&self) -> bool {
        self.found.bounded
    }
}

/// One link of a path.
pub struct PathStep {
    from: ObservableId,
    step: path::PathStep,
}

/// One link of a path.
#[Object]
impl PathStep {
    /// Where the way comes from; null if it went meanwhile.
    async fn from(&self, ctx: &Context<'_>) -> Result<Option<Observable>> {
        Ok(load(ctx, ObservableOf(self.from)).await?.map(Observable))
    }

    /// Where it leads; null if it went meanwhile.
    async fn to(&self, ctx: &Context<'_>) -> Result<Option<Observable>> {
        Ok(load(ctx, ObservableOf(self.step.to)).await?.map(Observable))
    }

    /// The link, which may point either way.
    async fn link(&self) -> Link {
        Link(self.step.link.clone())
    }

    /// How many links end where this one does, up to 500: whether the step says much.
    async fn shared_by(&self) -> i32 {
        int(self.step.shared_by)
    }
}

/// The best path between two observables.
///
/// # Errors
/// One of them is not there or not visible, or a bound is out of bounds.
pub async fn path(
    ctx: &Context<'_>,
    (from, to): (&ID, &ID),
    order: PathOrder,
    filter: Option<WalkFilter>,
    longest: i32,
) -> Result<Path> {
    let (from, to): (ObservableId, ObservableId) = (id("observable", from)?, id("observable", to)?);
    let wants = filter.unwrap_or_default().read(1, takedown::graph::Wants::FIRST)?;
    let longest = u8::try_from(longest).map_err(|_| invalid("longest", "must be 1 to 8"))?;
    let best: Best = order.into();
    let found = path::path(ctx.env(), ctx.actor(), (from, to), &wants, best, longest).await?;
    Ok(Path { from, found })
}
