//! Links between observables.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, ServerResult};
use entities::{ObservableId, Timestamp, link};
use takedown::graph::{End, LinkFilter};
use time::OffsetDateTime;

use crate::{
    bounded::{Bounded, most},
    context::int,
    enums::LinkKind,
    error::Result,
    load::{load, load_each},
    loaders::{LinksOf, ObservableOf, SomeLinks, SourceOf, WantedLinks},
    observable::{Observable, named, sources},
    rows::{Joined, Parts, Plain, Row, covered, failed, objects},
};

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

impl Row for Link {
    const PLAIN: &'static [(&'static str, Plain<Self>)] = &[
        ("id", |link, to| to.id(link.0.id)),
        ("kind", |link, to| to.term::<LinkKind>(link.0.kind)),
        ("firstSeen", |link, to| to.instant(link.0.first_seen)),
        ("lastSeen", |link, to| to.instant(link.0.last_seen)),
        ("count", |link, to| to.int(int(link.0.count))),
    ];
    const JOINED: &'static [(&'static str, Joined<Self>)] = &[
        (
            "from",
            Joined {
                covers: covered::<Observable>,
                answer: |ctx, links| Box::pin(named(ctx, links, |link| link.0.from_id)),
            },
        ),
        (
            "to",
            Joined {
                covers: covered::<Observable>,
                answer: |ctx, links| Box::pin(named(ctx, links, |link| link.0.to_id)),
            },
        ),
        (
            "source",
            Joined {
                covers: |_| true,
                answer: |ctx, links| Box::pin(sources(ctx, links, |link| link.0.source_id)),
            },
        ),
    ];
}

/// Which links a field wants.
pub struct Wanted {
    /// The directions.
    pub ends: &'static [End],
    /// The kinds; all if none.
    pub kinds: Option<Vec<LinkKind>>,
    /// The instant at which they held.
    pub as_of: Option<OffsetDateTime>,
    /// How many of each observable.
    pub first: Option<i32>,
}

impl Wanted {
    /// What the arguments of a field say, for many rows.
    fn read(ctx: &Context<'_>, ends: &'static [End]) -> ServerResult<Self> {
        let kinds = ctx.param_value("kinds", None)?.1;
        Ok(Self {
            ends,
            kinds,
            as_of: ctx.param_value("asOf", None)?.1,
            first: ctx.param_value("first", None)?.1,
        })
    }

    fn of(self, ctx: &Context<'_>) -> Arc<WantedLinks> {
        let at = self.as_of.map(Timestamp::from);
        let kinds = self.kinds.unwrap_or_default().into_iter().map(Into::into).collect();
        Arc::new(WantedLinks {
            ends: self.ends,
            filter: LinkFilter { kinds, since: at, until: at, change: None },
            first: most(self.first),
            total: ctx.look_ahead().field("total").exists(),
        })
    }
}

/// The links of one observable, no more than are asked for.
///
/// # Errors
/// The database refused.
pub async fn links(ctx: &Context<'_>, of: ObservableId, wanted: Wanted) -> Result<Bounded<Link>> {
    Ok(load(ctx, LinksOf { of, wanted: wanted.of(ctx) }).await?.unwrap_or_default().into())
}

/// The links of many observables, loaded together, no more of each than are asked for.
///
/// # Errors
/// An argument does not read, or the database refused.
pub async fn links_of_many(
    ctx: &Context<'_>,
    of: &[&Observable],
    ends: &'static [End],
) -> ServerResult<Parts> {
    let wanted = Wanted::read(ctx, ends)?.of(ctx);
    let keys = of.iter().map(|row| LinksOf { of: row.0.id, wanted: wanted.clone() });
    let found = load_each(ctx, keys).await.map_err(|error| failed(ctx, error))?;
    let found: Vec<Bounded<Link>> = found.into_iter().map(|found| found.unwrap_or_default().into()).collect();
    let found: Vec<&Bounded<Link>> = found.iter().collect();
    objects(ctx, &found).await
}

impl From<SomeLinks> for Bounded<Link> {
    /// Where the total was not asked for, nobody sees it.
    fn from(found: SomeLinks) -> Self {
        let total = found.total.unwrap_or(found.rows.len() as u64);
        Self::some(found.rows.into_iter().map(Link).collect(), total, found.more)
    }
}
