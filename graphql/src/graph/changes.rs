//! What appeared and what ended between two instants.

use std::sync::Arc;

use async_graphql::{Context, Object};
use entities::{ClusterId, LinkKind as Kind, ObservableId, Timestamp};
use takedown::graph::{Change, End, LinkFilter};
use time::OffsetDateTime;

use crate::{
    bounded::{Bounded, most},
    enums::LinkKind,
    error::Result,
    link::Link,
    load::load,
    loaders::{ClusterLinks, LinksOf, WantedLinks},
    page::invalid,
};

/// Whose links changed.
#[derive(Clone, Copy)]
pub enum Changed {
    /// Those that start or end at an observable.
    Of(ObservableId),
    /// Those that start at the members of a cluster.
    Members(ClusterId),
}

/// How links differ between two instants.
pub struct LinkChanges {
    of: Changed,
    since: Timestamp,
    until: Timestamp,
    kinds: Vec<Kind>,
    first: usize,
}

impl LinkChanges {
    /// # Errors
    /// The instants are not in their order.
    pub fn new(
        of: Changed,
        (since, until): (OffsetDateTime, OffsetDateTime),
        kinds: Option<Vec<LinkKind>>,
        first: Option<i32>,
    ) -> Result<Self> {
        if since > until {
            return Err(invalid("until", "must not be before `since`"));
        }
        let kinds = kinds.unwrap_or_default().into_iter().map(Into::into).collect();
        Ok(Self { of, since: since.into(), until: until.into(), kinds, first: most(first) })
    }

    async fn list(&self, ctx: &Context<'_>, change: Change) -> Result<Bounded<Link>> {
        let wanted = Arc::new(WantedLinks {
            ends: &End::BOTH,
            filter: LinkFilter { kinds: self.kinds.clone(), change: Some(change), ..LinkFilter::default() },
            first: self.first,
            total: ctx.look_ahead().field("total").exists(),
        });
        let found = match self.of {
            Changed::Of(of) => load(ctx, LinksOf { of, wanted }).await?,
            Changed::Members(of) => load(ctx, ClusterLinks { of, wanted }).await?,
        };
        Ok(found.unwrap_or_default().into())
    }
}

/// How links differ between two instants.
#[Object]
impl LinkChanges {
    /// Links that were first seen after `since` and not after `until`, newest first.
    async fn appeared(&self, ctx: &Context<'_>) -> Result<Bounded<Link>> {
        self.list(ctx, Change::Appeared(self.since, self.until)).await
    }

    /// Links that were last seen at `since` or later and before `until`, newest first. What the last look at their
    /// start still found is none of them.
    async fn ended(&self, ctx: &Context<'_>) -> Result<Bounded<Link>> {
        self.list(ctx, Change::Ended(self.since, self.until)).await
    }
}
