//! How many observables are within some hops: counted in the store, in sets, without the order that an answer has.

use std::collections::HashSet;

use entities::{ObservableId, link};
use sea_orm::{
    ConnectionTrait, ExprTrait, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{Expr, Func, Query, SelectStatement, UnionType},
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
    let mut level = begin(env, actor, of, wants).await?;
    if wants.hops == 1 {
        return Ok(Total::Exactly(level.len() + one_hop(&env.db, actor, &level, wants).await?));
    }
    let mut known: HashSet<ObservableId> = level.iter().copied().collect();
    let mut room = READ;
    for further in (0..wants.hops).rev() {
        // So few links cannot lead to more than are counted; most often one more does, and the rest need not be read.
        let few = room.min(COUNTED.saturating_sub(known.len()));
        let (mut read, mut new) = next_hop(&env.db, actor, (&level, &known), wants, few).await?;
        if read > few && known.len() + new <= COUNTED {
            (read, new) = next_hop(&env.db, actor, (&level, &known), wants, room).await?;
        }
        let found = known.len() + new;
        if read > room || found > COUNTED {
            return Ok(Total::AtLeast(found.min(COUNTED)));
        }
        if further == 0 {
            return Ok(Total::Exactly(found));
        }
        room -= read;
        level = ids(&env.db, both_ends(&env.db, actor, &level, wants, UnionType::Distinct)).await?;
        level.retain(|id| known.insert(*id));
    }
    Ok(Total::Exactly(known.len()))
}

/// How many links `level` has, up to one more than `room`, and to how many observables that are not `known` they lead.
async fn next_hop(
    db: &impl ConnectionTrait,
    actor: &Actor,
    (level, known): (&[ObservableId], &HashSet<ObservableId>),
    wants: &Wants,
    room: usize,
) -> Result<(usize, usize), Error> {
    let known: Vec<ObservableId> = known.iter().copied().collect();
    let read = both_ends(db, actor, level, wants, UnionType::All).limit(room as u64 + 1).to_owned();
    let each = Query::select()
        .column("id")
        .expr_as(Expr::cust("COUNT(*)"), "times")
        .from_subquery(read, "read")
        .group_by_col("id")
        .to_owned();
    let there = Expr::col(("ends", "id"));
    let new = Expr::case(there.not_in_subquery(given(db.get_database_backend(), &known)), Expr::cust("1"));
    let count = Query::select()
        .expr(Expr::cust("CAST(COALESCE(SUM(times), 0) AS BIGINT)"))
        .expr(Func::count(new))
        .from_subquery(each, "ends")
        .to_owned();
    let Some(row) = db.query_one(&count).await? else { return Ok((0, 0)) };
    let (read, new): (i64, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    Ok((usize::try_from(read).unwrap_or(0), usize::try_from(new).unwrap_or(0)))
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
