//! The links of many observables at once, for the lists that hang on them.

use std::collections::HashMap;

use entities::{ObservableId, link};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use super::{
    each::{Asked, Part, first_links, given, newest_first},
    filter::{End, LinkFilter, Wants, leading},
};
use crate::{actor::Actor, env::Env, error::Error};

/// The newest `first` links of each observable in one direction, newest first, those that lead to what is not visible left
/// out. One statement, whatever hangs on them.
///
/// # Errors
/// The database refused.
pub async fn links(
    env: &Env,
    actor: &Actor,
    of: &[ObservableId],
    end: End,
    filter: &LinkFilter,
    first: u64,
) -> Result<HashMap<ObservableId, Vec<link::Model>>, Error> {
    let asked = Asked { end, of: of.to_vec(), links: leading(actor, &only(filter), end) };
    let mut by: HashMap<ObservableId, Vec<link::Model>> = HashMap::new();
    for (_, link) in first_links(&env.db, vec![asked], Part { skip: 0, first }).await? {
        let here = if end == End::Outgoing { link.from_id } else { link.to_id };
        by.entry(here).or_default().push(link);
    }
    by.values_mut().for_each(|links| newest_first(links));
    Ok(by)
}

/// How many links each observable has in one direction, those that lead to what is not visible not counted. Who has none is
/// left out. Every link is counted: ask for it only where it is wanted.
///
/// # Errors
/// The database refused.
pub async fn link_totals(
    env: &Env,
    actor: &Actor,
    of: &[ObservableId],
    end: End,
    filter: &LinkFilter,
) -> Result<HashMap<ObservableId, u64>, Error> {
    let ids = given(env.db.get_database_backend(), of);
    let counts: Vec<(ObservableId, i64)> = leading(actor, &only(filter), end)
        .select_only()
        .column(end.here())
        .column_as(link::Column::Id.count(), "links")
        .filter(end.here().in_subquery(ids))
        .group_by(end.here())
        .into_tuple()
        .all(&env.db)
        .await?;
    Ok(counts.into_iter().map(|(id, count)| (id, u64::try_from(count).unwrap_or(0))).collect())
}

fn only(filter: &LinkFilter) -> Wants {
    Wants { links: filter.clone(), ..Wants::default() }
}
