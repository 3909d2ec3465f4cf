//! What observables share: the values that several of them link to, and how many others do.

use entities::{LinkKind, ObservableId, link};
use sea_orm::{
    ConnectionTrait, DbErr, ExprTrait, QueryFilter, QueryResult, QuerySelect, QueryTrait,
    sea_query::{Expr, Order, Query, SelectStatement},
};

use super::{
    each::given,
    filter::{End, LinkFilter, ends_at, leading, only},
    neighbourhood::{distinct, seen},
};
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    env::Env,
    error::Error,
    visible,
};

/// The most observables whose common values are asked for.
pub const SET: usize = 500;
/// The most links of a value that are counted to tell how rare it is: what has more is common.
pub const SHARED: u64 = 2_000;
/// The most values that are ranked, those that most of the set share.
pub const RANKED: u64 = 200;

/// A value that at least two of a set share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommonPivot {
    /// What they link to.
    pub value: ObservableId,
    /// By what kind of link.
    pub kind: LinkKind,
    /// How many of the set do.
    pub held_by: u64,
    /// How many observables in all do, of the first [`SHARED`] links.
    pub shared_by: u64,
    /// Whether `shared_by` is all of them.
    pub exact: bool,
}

impl CommonPivot {
    /// Values rank by how many of the set hold them times the part of all holders that this is: a value that exactly
    /// these share is first, one that everybody has is last.
    fn rank(&self) -> u64 {
        // In thousandths, so that the order is exact.
        self.held_by.saturating_mul(self.held_by).saturating_mul(1_000) / Ord::max(self.shared_by, 1)
    }
}

/// The values that a set shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommonPivots {
    /// The strongest first.
    pub pivots: Vec<CommonPivot>,
    /// How many there are.
    pub total: u64,
}

/// The values that at least two of `of` link to, over links that pass the filter; the strongest `first` of the
/// [`RANKED`] that most of them share.
///
/// # Errors
/// The actor may not read; an observable is not there or not visible; a bound is out of bounds; the database refused.
pub async fn common_pivots(
    env: &Env,
    actor: &Actor,
    of: &[ObservableId],
    filter: &LinkFilter,
    first: usize,
) -> Result<CommonPivots, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let set = distinct(of);
    if set.len() < 2 || set.len() > SET {
        return Err(Error::invalid("of", format!("must name 2 to {SET} observables")));
    }
    if first == 0 || first as u64 > RANKED {
        return Err(Error::invalid("first", format!("must be 1 to {RANKED}")));
    }
    seen(env, actor, &set).await?;
    let held = held(actor, filter, given(env.db.get_database_backend(), &set));
    let rows = env.db.query_all(&shared(actor, held)).await?;
    let mut total = 0;
    let mut pivots = Vec::with_capacity(rows.len());
    for row in &rows {
        let (pivot, all) = read(row)?;
        total = all;
        pivots.push(pivot);
    }
    pivots.sort_by(|a, b| {
        let by =
            |pivot: &CommonPivot| (std::cmp::Reverse((pivot.rank(), pivot.held_by)), pivot.value, pivot.kind);
        by(a).cmp(&by(b))
    });
    pivots.truncate(first);
    Ok(CommonPivots { pivots, total })
}

/// What at least two of the set hold, how many of them, and how many such values there are.
fn held(actor: &Actor, filter: &LinkFilter, set: SelectStatement) -> SelectStatement {
    let holders = Expr::cust("COUNT(DISTINCT link.from_id)");
    leading(actor, &only(filter), End::Outgoing)
        .filter(Expr::col((link::Entity, link::Column::FromId)).in_subquery(set))
        .select_only()
        .columns([link::Column::ToId, link::Column::Kind])
        .expr_as(holders.clone(), "held")
        .expr_as(Expr::cust("COUNT(*) OVER ()"), "every")
        .group_by(link::Column::ToId)
        .group_by(link::Column::Kind)
        .having(holders.gte(2))
        .into_query()
        .order_by("held", Order::Desc)
        .order_by((link::Entity, link::Column::ToId), Order::Asc)
        .limit(RANKED)
        .to_owned()
}

/// Those with the number of all their holders.
fn shared(actor: &Actor, held: SelectStatement) -> SelectStatement {
    let sees_all = access::sees_all(actor);
    let holders = || {
        let mut links = visible::links(actor)
            .filter(Expr::col((link::Entity, link::Column::ToId)).equals(("held", "to_id")))
            .filter(Expr::col((link::Entity, link::Column::Kind)).equals(("held", "kind")));
        if !sees_all {
            links = links.filter(Expr::exists(ends_at(actor, link::Column::FromId).into_query()));
        }
        links.select_only().column(link::Column::FromId).limit(SHARED + 1).into_query()
    };
    let count = |what: &'static str| {
        Expr::from(Query::select().expr(Expr::cust(what)).from_subquery(holders(), "holders").to_owned())
    };
    Query::select()
        .columns([("held", "to_id"), ("held", "kind"), ("held", "held"), ("held", "every")])
        .expr_as(count("COUNT(DISTINCT holders.from_id)"), "shared")
        .expr_as(count("COUNT(*)"), "counted")
        .from_subquery(held, "held")
        .to_owned()
}

fn read(row: &QueryResult) -> Result<(CommonPivot, u64), DbErr> {
    let count = |at: usize| row.try_get_by_index::<i64>(at).map(|count| u64::try_from(count).unwrap_or(0));
    let pivot = CommonPivot {
        value: row.try_get_by_index(0)?,
        kind: row.try_get_by_index(1)?,
        held_by: count(2)?,
        shared_by: count(4)?,
        exact: count(5)? <= SHARED,
    };
    Ok((pivot, count(3)?))
}
