//! What observables share.

use async_graphql::{Context, ID, Object};
use takedown::graph::common;

use super::{LinkFilter, observables, rows};
use crate::{
    context::{ContextExt, int},
    enums::LinkKind,
    error::Result,
    load::load,
    loaders::ObservableOf,
    observable::Observable,
};

/// How many values are shown where it is not said.
const FIRST: usize = 50;

/// The values that a set of observables shares.
pub struct CommonPivotList(common::CommonPivots);

/// The values that a set of observables shares.
#[Object]
impl CommonPivotList {
    /// The strongest first: those that most of the set and hardly anything else has.
    async fn nodes(&self) -> Vec<CommonPivot> {
        self.0.pivots.iter().copied().map(CommonPivot).collect()
    }

    /// How many values at least two of the set share.
    async fn total(&self) -> i32 {
        int(self.0.total)
    }

    /// Whether `nodes` has fewer than there are.
    async fn truncated(&self) -> bool {
        (self.0.pivots.len() as u64) < self.0.total
    }
}

/// A value that at least two observables of a set link to.
pub struct CommonPivot(common::CommonPivot);

/// A value that at least two observables of a set link to.
#[Object]
impl CommonPivot {
    /// The value; null if it went meanwhile.
    async fn value(&self, ctx: &Context<'_>) -> Result<Option<Observable>> {
        Ok(load(ctx, ObservableOf(self.0.value)).await?.map(Observable))
    }

    /// By what kind of link.
    async fn kind(&self) -> LinkKind {
        self.0.kind.into()
    }

    /// How many of the set link to it.
    async fn held_by(&self) -> i32 {
        int(self.0.held_by)
    }

    /// How many observables in all link to it so, of its first 2,000 links.
    async fn shared_by(&self) -> i32 {
        int(self.0.shared_by)
    }

    /// Whether `sharedBy` is all of them; if not, it has more than 2,000 links.
    async fn exact(&self) -> bool {
        self.0.exact
    }
}

/// The values that observables share.
///
/// # Errors
/// An observable is not there or not visible, or a bound is out of bounds.
pub async fn common_pivots(
    ctx: &Context<'_>,
    of: &[ID],
    filter: Option<LinkFilter>,
    first: Option<i32>,
) -> Result<CommonPivotList> {
    let (of, filter) = (observables(of)?, filter.unwrap_or_default().read()?);
    let first = rows(first, FIRST)?;
    Ok(CommonPivotList(common::common_pivots(ctx.env(), ctx.actor(), &of, &filter, first).await?))
}
