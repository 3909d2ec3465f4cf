//! The links of clusters' members: what appeared and what ended between two instants, for whole fleets.

use std::collections::HashMap;

use entities::{ClusterId, cluster_member, link};
use sea_orm::{
    ConnectionTrait, QueryTrait,
    sea_query::{Expr, ExprTrait, Query, SelectStatement},
};

use super::{
    each::{COLUMNS, newest_first, read},
    filter::{End, LinkFilter, leading, only},
};
use crate::{access, actor::Actor, env::Env, error::Error};

/// The newest `first` links that start at members of each cluster, newest first, in one statement. What is read is
/// bounded by the clusters' size.
///
/// # Errors
/// The database refused.
pub async fn cluster_links(
    env: &Env,
    actor: &Actor,
    of: &[ClusterId],
    filter: &LinkFilter,
    first: u64,
) -> Result<HashMap<ClusterId, Vec<link::Model>>, Error> {
    let place = "ROW_NUMBER() OVER (PARTITION BY cluster_member.cluster_id \
                 ORDER BY link.first_seen DESC, link.id DESC)";
    let ranked = of_members(actor, of, filter)
        .columns(COLUMNS.map(|column| (link::Entity, column)))
        .column((cluster_member::Entity, cluster_member::Column::ClusterId))
        .expr_as(Expr::cust(place), "place")
        .to_owned();
    let select = Query::select()
        .columns(COLUMNS.map(|column| ("ranked", column)))
        .column(("ranked", cluster_member::Column::ClusterId))
        .from_subquery(ranked, "ranked")
        .and_where(Expr::col("place").lte(first))
        .to_owned();
    let mut by: HashMap<ClusterId, Vec<link::Model>> = HashMap::new();
    for row in env.db.query_all(&select).await? {
        by.entry(row.try_get_by_index(COLUMNS.len())?).or_default().push(read(&row)?);
    }
    by.values_mut().for_each(|links| newest_first(links));
    Ok(by)
}

/// How many links start at members of each cluster. Who has none is left out.
///
/// # Errors
/// The database refused.
pub async fn cluster_link_totals(
    env: &Env,
    actor: &Actor,
    of: &[ClusterId],
    filter: &LinkFilter,
) -> Result<HashMap<ClusterId, u64>, Error> {
    let count = of_members(actor, of, filter)
        .column((cluster_member::Entity, cluster_member::Column::ClusterId))
        .expr(Expr::cust("COUNT(*)"))
        .group_by_col((cluster_member::Entity, cluster_member::Column::ClusterId))
        .to_owned();
    let mut totals = HashMap::new();
    for row in env.db.query_all(&count).await? {
        let count: i64 = row.try_get_by_index(1)?;
        totals.insert(row.try_get_by_index(0)?, u64::try_from(count).unwrap_or(0));
    }
    Ok(totals)
}

/// Visible links from visible members to what is visible.
fn of_members(actor: &Actor, of: &[ClusterId], filter: &LinkFilter) -> SelectStatement {
    let member = (cluster_member::Entity, cluster_member::Column::ObservableId);
    let mut select = leading(actor, &only(filter), End::Outgoing).into_query();
    select
        .clear_selects()
        .inner_join(cluster_member::Entity, Expr::col(member).equals((link::Entity, link::Column::FromId)))
        .cond_where(access::visible::<cluster_member::Entity>(actor))
        .and_where(
            Expr::col((cluster_member::Entity, cluster_member::Column::ClusterId)).is_in(of.iter().copied()),
        )
        .to_owned()
}
