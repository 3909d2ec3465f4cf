//! How many observables are within some hops: counted in sets, without the order that an answer has.

use std::collections::HashSet;

use entities::{ObservableId, link};
use sea_orm::{
    ConnectionTrait, ExprTrait, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{Expr, Query, SelectStatement, UnionType},
};

use super::{
    each::{given, ids},
    filter::{End, Wants, leading},
    neighbourhood::begin,
};
use crate::{actor::Actor, env::Env, error::Error};

/// How many observables are counted at most, where counting means walking.
pub const COUNTED: usize = 10_000;
/// Links that are read for it at most: several may lead to one observable.
const READ: usize = 4 * COUNTED;
/// Observables in one statement.
const OBSERVABLES: usize = 2_000;

/// How many observables there are in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    /// Exactly so many.
    Exactly(usize),
    /// So many were counted, and there are more.
    AtLeast(usize),
}

/// How many observables [`super::neighbourhood`] would find without a limit, those that it begins at among them. Of one
/// hop it is counted exactly; of more, exactly up to [`COUNTED`], where hardly more than four links lead to each.
///
/// # Errors
/// As [`super::neighbourhood`].
pub async fn total(env: &Env, actor: &Actor, of: &[ObservableId], wants: &Wants) -> Result<Total, Error> {
    let starts = begin(env, actor, of, wants).await?;
    if wants.hops == 1 {
        return Ok(Total::Exactly(starts.len() + one_hop(&env.db, actor, &starts, wants).await?));
    }
    let mut known: HashSet<ObservableId> = starts.iter().copied().collect();
    let (mut level, mut room) = (starts, READ);
    for _ in 0..wants.hops {
        let mut next = Vec::new();
        for some in level.chunks(OBSERVABLES) {
            // One beyond the room tells whether there is more.
            let ends =
                both_ends(&env.db, actor, some, wants, UnionType::All).limit(room as u64 + 1).to_owned();
            let read = ids(&env.db, ends).await?;
            let more = read.len() > room;
            room -= read.len().min(room);
            next.extend(read.into_iter().filter(|id| known.insert(*id)));
            if known.len() > COUNTED || more {
                return Ok(Total::AtLeast(known.len().min(COUNTED)));
            }
        }
        level = next;
    }
    Ok(Total::Exactly(known.len()))
}

/// The distinct observables one link away from `starts`, counted in the store.
async fn one_hop(
    db: &impl ConnectionTrait,
    actor: &Actor,
    starts: &[ObservableId],
    wants: &Wants,
) -> Result<usize, Error> {
    let both = both_ends(db, actor, starts, wants, UnionType::Distinct);
    let there = Expr::col(("ends", "id"));
    let count = Query::select()
        .expr(Expr::cust("COUNT(*)"))
        .from_subquery(both, "ends")
        .and_where(there.not_in_subquery(given(db.get_database_backend(), starts)))
        .to_owned();
    let row = db.query_one(&count).await?;
    let counted: i64 = row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(0);
    Ok(usize::try_from(counted).unwrap_or(0))
}

/// The ends of the links of `of`, in either direction, as a column `id`.
fn both_ends(
    db: &impl ConnectionTrait,
    actor: &Actor,
    of: &[ObservableId],
    wants: &Wants,
    union: UnionType,
) -> SelectStatement {
    let ends = |end: End| {
        leading(actor, wants, end)
            .select_only()
            .column_as(end.there(), "id")
            .filter(Expr::col((link::Entity, end.here())).in_subquery(given(db.get_database_backend(), of)))
            .into_query()
    };
    let mut both = ends(End::Outgoing);
    both.union(union, ends(End::Incoming));
    both
}
