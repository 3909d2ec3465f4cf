//! The links of many observables at once, for the lists that hang on them.

use std::collections::HashMap;

use entities::{ObservableId, link};
use sea_orm::{ColumnTrait, ExprTrait, QueryFilter, QuerySelect, sea_query::Expr};

use super::{
    each::{Asked, Part, first_links, given, newest_first},
    filter::{End, LinkFilter, leading, only},
};
use crate::{actor::Actor, env::Env, error::Error};

/// The newest `first` links of each observable, which the caller has seen, in these directions, newest first, those
/// that lead to what is not visible left out. One statement, whatever hangs on them.
///
/// # Errors
/// The database refused.
pub async fn links(
    env: &Env,
    actor: &Actor,
    of: &[ObservableId],
    ends: &[End],
    filter: &LinkFilter,
    first: u64,
) -> Result<HashMap<ObservableId, Vec<link::Model>>, Error> {
    let wants = only(filter);
    let asked =
        ends.iter().map(|end| Asked { end: *end, of: of.to_vec(), links: leading(actor, &wants, *end) });
    let mut by: HashMap<ObservableId, Vec<link::Model>> = HashMap::new();
    for (end, link) in first_links(&env.db, asked.collect(), Part { skip: 0, first }).await? {
        let here = if end == End::Outgoing { link.from_id } else { link.to_id };
        by.entry(here).or_default().push(link);
    }
    for links in by.values_mut() {
        newest_first(links);
        // A link of a thing to itself is read from either end.
        links.dedup_by_key(|link| link.id);
        links.truncate(usize::try_from(first).unwrap_or(usize::MAX));
    }
    Ok(by)
}

/// How many links each observable, which the caller has seen, has in these directions, those that lead to what is not
/// visible not counted. Who has none is left out. Every link is counted: ask for it only where it is wanted.
///
/// # Errors
/// The database refused.
pub async fn link_totals(
    env: &Env,
    actor: &Actor,
    of: &[ObservableId],
    ends: &[End],
    filter: &LinkFilter,
) -> Result<HashMap<ObservableId, u64>, Error> {
    let mut totals: HashMap<ObservableId, u64> = HashMap::new();
    for (at, end) in ends.iter().enumerate() {
        let ids = given(env.db.get_database_backend(), of);
        let mut select = leading(actor, &only(filter), *end)
            .select_only()
            .column(end.here())
            .column_as(link::Column::Id.count(), "links")
            .filter(Expr::col((link::Entity, end.here())).in_subquery(ids))
            .group_by(end.here());
        if at > 0 {
            // Counted already from the other end.
            select = select.filter(Expr::cust("link.from_id <> link.to_id"));
        }
        let counts: Vec<(ObservableId, i64)> = select.into_tuple().all(&env.db).await?;
        for (id, count) in counts {
            *totals.entry(id).or_default() += u64::try_from(count).unwrap_or(0);
        }
    }
    Ok(totals)
}
