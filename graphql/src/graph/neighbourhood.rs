//! What is within some hops of observables.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use entities::ObservableId;
use takedown::graph::{self, Total, Wants};

use super::{LinkFilter, collapsed::CollapsedNeighbourhood, fleet::FleetDimension, observables, rows};
use crate::{
    context::{ContextExt, int},
    enums::ObservableKind,
    error::Result,
    link::Link,
    load::load,
    loaders::ObservableOf,
    observable::{Observable, named},
    page::invalid,
    rows::{Joined, Json, Listed, Plain, Row, covered},
};

/// How far a walk goes, and over what.
#[derive(InputObject, Default)]
pub struct WalkFilter {
    /// Over which links; all if left out.
    links: Option<LinkFilter>,
    /// To observables of these kinds; to all if left out. What the walk begins at may be of any.
    #[graphql(default)]
    kinds: Vec<ObservableKind>,
    /// To observables at which at most so many links end, 1 to 10,000: what is shared by more is neither in the
    /// answer nor walked through.
    shared_by_at_most: Option<i32>,
}

impl WalkFilter {
    /// The bounds of a walk as the work takes them.
    ///
    /// # Errors
    /// The filter contradicts itself.
    pub fn read(self, hops: i32, first: usize) -> Result<Wants> {
        let rare = self.shared_by_at_most.map(|most| u64::try_from(most).unwrap_or(0));
        Ok(Wants {
            links: self.links.unwrap_or_default().read()?,
            kinds: self.kinds.into_iter().map(Into::into).collect(),
            shared_by_at_most: rare,
            hops: u8::try_from(hops).map_err(|_| invalid("hops", "must be 1 to 3"))?,
            first,
        })
    }
}

/// What is within some hops of observables.
pub struct Neighbourhood {
    of: Vec<ObservableId>,
    wants: Wants,
    found: graph::Neighbourhood,
}

/// What is within some hops of observables.
#[Object]
impl Neighbourhood {
    /// The observables, those that it was asked of first, then as they were found: of each the newest links in turn,
    /// so that a hub gets no more of the answer than its neighbours.
    async fn nodes(&self) -> Listed<Neighbour> {
        Listed(self.found.nodes.iter().copied().map(Neighbour).collect())
    }

    /// The links that were walked between them; at most four times as many.
    async fn links(&self) -> Listed<Link> {
        Listed(self.found.links.iter().cloned().map(Link).collect())
    }

    /// Whether there is more than this.
    async fn truncated(&self) -> bool {
        self.found.truncated
    }

    /// How many observables there are; counted only if it is asked for.
    async fn total(&self, ctx: &Context<'_>) -> Result<BoundedTotal> {
        let total = if self.found.truncated {
            graph::total(ctx.env(), ctx.actor(), &self.of, &self.wants).await?
        } else {
            Total::Exactly(self.found.nodes.len())
        };
        Ok(total.into())
    }

    /// All of it as groups, whatever `first` says of the neighbourhood.
    async fn collapsed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "By what it is grouped.")] by: FleetDimension,
        #[graphql(desc = "How many groups at most, 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "How many members of each group are told, 0 to 500.", default = 0)] members: i32,
    ) -> Result<CollapsedNeighbourhood> {
        let first = rows(first, GROUPS)? as u64;
        let members = u64::try_from(members).map_err(|_| invalid("members", "must not be negative"))?;
        let how = (by.into(), first, members);
        let found = graph::collapse::collapsed(ctx.env(), ctx.actor(), &self.of, &self.wants, how).await?;
        Ok(CollapsedNeighbourhood(found))
    }
}

/// How many groups are shown where it is not said.
const GROUPS: usize = 50;

/// A number that is counted up to a bound.
#[derive(SimpleObject)]
pub struct BoundedTotal {
    /// How many were counted.
    count: i32,
    /// Whether these are all; if not, there are more.
    exact: bool,
}

impl From<Total> for BoundedTotal {
    fn from(total: Total) -> Self {
        match total {
            Total::Exactly(count) => Self { count: int(count), exact: true },
            Total::AtLeast(count) => Self { count: int(count), exact: false },
        }
    }
}

/// An observable of a neighbourhood.
pub struct Neighbour(graph::Node);

/// An observable of a neighbourhood.
#[Object]
impl Neighbour {
    /// Which; null if it went meanwhile.
    async fn observable(&self, ctx: &Context<'_>) -> Result<Option<Observable>> {
        Ok(load(ctx, ObservableOf(self.0.id)).await?.map(Observable))
    }

    /// How many links away it is.
    async fn hops(&self) -> i32 {
        i32::from(self.0.hops)
    }

    /// The link by which it was found, `lnk_…`; null for what the walk began at.
    async fn by(&self) -> Option<ID> {
        self.0.by.map(ID::from)
    }
}

impl Row for Neighbour {
    const PLAIN: &'static [(&'static str, Plain<Self>)] = &[
        ("hops", |near, to| to.int(i32::from(near.0.hops))),
        ("by", |near, to| to.maybe(near.0.by, Json::id)),
    ];
    const JOINED: &'static [(&'static str, Joined<Self>)] = &[(
        "observable",
        Joined {
            covers: covered::<Observable>,
            answer: |ctx, near| Box::pin(named(ctx, near, |near| near.0.id)),
        },
    )];
}

/// Walks.
///
/// # Errors
/// An observable is not there or not visible, or a bound is out of bounds.
pub async fn neighbourhood(
    ctx: &Context<'_>,
    of: &[ID],
    filter: Option<WalkFilter>,
    hops: i32,
    first: Option<i32>,
) -> Result<Neighbourhood> {
    let of = observables(of)?;
    let wants = filter.unwrap_or_default().read(hops, rows(first, Wants::FIRST)?)?;
    let found = graph::neighbourhood(ctx.env(), ctx.actor(), &of, &wants).await?;
    Ok(Neighbourhood { of, wants, found })
}
