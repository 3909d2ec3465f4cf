//! Explanations out of the store: why an observable is where it is, and what would leave without a pivot.

use std::collections::HashMap;

use entities::{
    ClusterChangeId, ClusterId, ClusterRulingId, ObservableId, OperationId, PivotId, Tlp, cluster,
    cluster_change, cluster_member, cluster_ruling, observable, pivot, sighting,
};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use serde::Serialize;

use super::{
    MOST_MEMBERS, engine, explain,
    explain::{Reason, Seen},
    features::Features,
    gather::Holdings,
    kind::PivotKind,
    load, store, tuning,
};
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    env::Env,
    error::Error,
    reads::{Page, Slice, cut, cut_each, shown},
    visible,
};

/// Why an observable is in its cluster.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The cluster.
    pub cluster: ClusterId,
    /// Its name.
    pub cluster_name: String,
    /// The strongest reasons, as the last run stored them.
    pub reasons: serde_json::Value,
    /// From the observable to the cluster's core, each step with what the two share. Empty for the core itself
    /// and for a member that a person put there.
    pub path: Vec<Step>,
}

/// One step towards the core.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// From this name.
    pub from: String,
    /// To this one.
    pub to: String,
    /// What they share above all.
    pub by: Option<Reason>,
}

/// Explains why an observable is in its cluster, which must be `cluster` if that is given.
///
/// # Errors
/// The observable is in no cluster or not visible, the cluster has more than 5,000 members, or the database refused.
pub async fn explain(
    env: &Env,
    actor: &Actor,
    of: ObservableId,
    cluster: Option<ClusterId>,
) -> Result<Explanation, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let row = visible::observables(actor).filter(observable::Column::Id.eq(of)).one(&env.db).await?;
    shown(actor, &row);
    let name = row.ok_or_else(|| Error::not_found("observable", of))?.value;
    let mut member = visible::cluster_members(actor).filter(cluster_member::Column::ObservableId.eq(of));
    if let Some(cluster) = cluster {
        member = member.filter(cluster_member::Column::ClusterId.eq(cluster));
    }
    let member = member.one(&env.db).await?.ok_or_else(|| Error::not_found("cluster with", &name))?;
    let row = visible::clusters(actor).filter(cluster::Column::Id.eq(member.cluster_id)).one(&env.db).await?;
    let row = row.ok_or_else(|| Error::not_found("cluster", member.cluster_id))?;
    let members = members(env, actor, row.id).await?;
    let (population, held) = load::seen(env, actor, &members).await?;
    let tuning = tuning(&env.settings.cluster);
    let ids = population.by_name();
    let path = tokio::task::spawn_blocking(move || path(&population.features, tuning, &name));
    let mut path = path.await.map_err(Error::internal)?;
    for step in &mut path {
        let ends = [&step.from, &step.to].map(|name| ids.get(name.as_str()).copied());
        if let Some(by) = &mut step.by {
            by.seen = ends.into_iter().flatten().filter_map(|of| seen(&held, of, by)).reduce(both);
        }
    }
    let mut reasons = told(actor, member.reasons);
    for reason in reasons.as_array_mut().into_iter().flatten() {
        let Ok(by) = serde_json::from_value::<Reason>(reason.clone()) else { continue };
        if let Some(seen) = seen(&held, of, &by) {
            reason["seen"] = serde_json::to_value(seen).map_err(Error::internal)?;
        }
    }
    Ok(Explanation { cluster: row.id, cluster_name: row.name, reasons, path })
}

/// From when to when a name was seen to hold what a reason tells.
fn seen(held: &Holdings, of: ObservableId, by: &Reason) -> Option<Seen> {
    let (first, last) = *held.get(&(of, by.kind.as_str(), by.value.clone()))?;
    Some(Seen { first, last })
}

fn both(one: Seen, other: Seen) -> Seen {
    Seen { first: one.first.min(other.first), last: one.last.max(other.last) }
}

/// The stored reasons as `actor` may read them. They were weighed over everything there is and quote it, so that who
/// does not see everything is told none of them.
pub fn told(actor: &Actor, reasons: serde_json::Value) -> serde_json::Value {
    if access::clearance(actor) == Some(Tlp::Red) { reasons } else { serde_json::Value::Array(Vec::new()) }
}

/// From a name to its cluster's core; empty if nothing leads there.
fn path(features: &Features, tuning: engine::Tuning, name: &str) -> Vec<Step> {
    let (graph, bursts, _) = engine::weigh(features, tuning);
    let all: Vec<u32> = (0..features.names.len() as u32).collect();
    let at = features.names.binary_search_by(|other| (**other).cmp(name));
    let (Ok(at), Some(core)) = (at, explain::core(&graph, &all)) else { return Vec::new() };
    let steps = explain::path(&graph, &all, at as u32, core);
    let step = |step: &[u32]| Step {
        from: features.names[step[0] as usize].to_string(),
        to: features.names[step[1] as usize].to_string(),
        by: explain::strongest(features, &bursts, step[0], step[1]),
    };
    steps.windows(2).map(step).collect()
}

/// The members of a cluster that would not stay with its core if a pivot said nothing.
///
/// # Errors
/// As [`explain`].
pub async fn would_leave(
    env: &Env,
    actor: &Actor,
    id: ClusterId,
    kind: PivotKind,
    value: &str,
) -> Result<Vec<ObservableId>, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let members = members(env, actor, id).await?;
    noted(env, actor, id).await?;
    let (population, _) = load::seen(env, actor, &members).await?;
    let (tuning, value) = (tuning(&env.settings.cluster), value.to_owned());
    let leaving = tokio::task::spawn_blocking(move || {
        let leaving = explain::would_leave(&population.features, tuning, kind, &value);
        leaving.into_iter().filter_map(|node| population.ids.get(node as usize).copied()).collect::<Vec<_>>()
    });
    let leaving = leaving.await.map_err(Error::internal)?;
    let pinned = store::memberships(&env.db).await?.pinned;
    Ok(leaving.into_iter().filter(|id| !pinned.contains_key(id)).collect())
}

/// Notes that something of a cluster is shown.
async fn noted(env: &Env, actor: &Actor, id: ClusterId) -> Result<(), Error> {
    let row = visible::clusters(actor).filter(cluster::Column::Id.eq(id)).one(&env.db).await?;
    shown(actor, &row);
    Ok(())
}

async fn members(env: &Env, actor: &Actor, id: ClusterId) -> Result<Vec<ObservableId>, Error> {
    let rows: Vec<ObservableId> = visible::cluster_members(actor)
        .filter(cluster_member::Column::ClusterId.eq(id))
        .select_only()
        .column(cluster_member::Column::ObservableId)
        .order_by_asc(cluster_member::Column::ObservableId)
        .limit(MOST_MEMBERS as u64 + 1)
        .into_tuple()
        .all(&env.db)
        .await?;
    if rows.is_empty() {
        return Err(Error::not_found("cluster", id));
    }
    if rows.len() > MOST_MEMBERS {
        return Err(Error::invalid("cluster", "it has more than 5,000 members: ask about a smaller one"));
    }
    Ok(rows)
}

/// A page of pivots: hubs that are parked, and values that people ruled about.
///
/// # Errors
/// The actor may not read, the page is out of bounds, or the database refused.
pub async fn pivots(env: &Env, actor: &Actor, page: Page) -> Result<Slice<pivot::Model>, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let slice = cut(&env.db, visible::pivots(actor), pivot::Column::Id, page).await?;
    shown(actor, &slice.rows);
    Ok(slice)
}

/// What became of clusters, the same page of each in the order of time.
///
/// # Errors
/// As [`pivots`].
pub async fn changes(
    env: &Env,
    actor: &Actor,
    of: &[ClusterId],
    page: Page,
) -> Result<HashMap<ClusterId, Slice<cluster_change::Model>>, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let columns = (cluster_change::Column::ClusterId, cluster_change::Column::Id);
    cut_each(&env.db, visible::cluster_changes(actor), columns, of, page).await
}

/// What people ruled about clusters, the same page of each in the order of time.
///
/// # Errors
/// As [`pivots`].
pub async fn rulings(
    env: &Env,
    actor: &Actor,
    of: &[ClusterId],
    page: Page,
) -> Result<HashMap<ClusterId, Slice<cluster_ruling::Model>>, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let columns = (cluster_ruling::Column::ClusterId, cluster_ruling::Column::Id);
    cut_each(&env.db, visible::cluster_rulings(actor), columns, of, page).await
}

/// What became of a cluster in one run.
///
/// # Errors
/// There is none or it is not visible, the actor may not read, or the database refused.
pub async fn change(env: &Env, actor: &Actor, id: ClusterChangeId) -> Result<cluster_change::Model, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let found =
        visible::cluster_changes(actor).filter(cluster_change::Column::Id.eq(id)).one(&env.db).await?;
    let row = found.ok_or_else(|| Error::not_found("change", id))?;
    noted(env, actor, row.cluster_id).await?;
    Ok(row)
}

/// One ruling about a cluster.
///
/// # Errors
/// There is none or it is not visible, the actor may not read, or the database refused.
pub async fn ruling(env: &Env, actor: &Actor, id: ClusterRulingId) -> Result<cluster_ruling::Model, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let found =
        visible::cluster_rulings(actor).filter(cluster_ruling::Column::Id.eq(id)).one(&env.db).await?;
    let row = found.ok_or_else(|| Error::not_found("ruling", id))?;
    noted(env, actor, row.cluster_id).await?;
    Ok(row)
}

/// One hub or ruled value.
///
/// # Errors
/// There is none or it is not visible, the actor may not read, or the database refused.
pub async fn pivot(env: &Env, actor: &Actor, id: PivotId) -> Result<pivot::Model, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let found = visible::pivots(actor).filter(pivot::Column::Id.eq(id)).one(&env.db).await?;
    shown(actor, &found);
    found.ok_or_else(|| Error::not_found("pivot", id))
}

/// A name without a family that joined the neighbourhood of a known one.
#[derive(Clone, Debug, PartialEq)]
pub struct Likely {
    /// The name.
    pub observable: ObservableId,
    /// The cluster that it joined.
    pub cluster: ClusterId,
    /// The family that most of that cluster's members are told to be of. The machine labels nothing: a person decides.
    pub family: String,
    /// What its reasons weigh together, in thousandths of a nat.
    pub weight: u64,
    /// Its strongest reasons.
    pub reasons: serde_json::Value,
}

/// The most candidates that are ranked.
const MOST_CANDIDATES: u64 = 10_000;

/// What a page of likely names has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LikelyPage {
    /// The names, the strongest evidence first.
    pub rows: Vec<Likely>,
    /// Whether there are more after them.
    pub more: bool,
    /// Whether there were more candidates than are ranked.
    pub truncated: bool,
}

/// Names that are likely next: members of clusters with a family of which no source tells one, the strongest evidence
/// first, `after` one with this weight and id.
///
/// # Errors
/// The actor may not read, `first` is not 1 to 500, or the database refused.
pub async fn likely_next(
    env: &Env,
    actor: &Actor,
    first: u64,
    after: Option<(u64, ObservableId)>,
) -> Result<LikelyPage, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    if first == 0 || first > Page::MOST {
        return Err(Error::invalid("first", format!("must be 1 to {}", Page::MOST)));
    }
    let families: HashMap<ClusterId, (String, Option<OperationId>)> = visible::clusters(actor)
        .filter(cluster::Column::Family.ne(""))
        .filter(cluster::Column::Size.gt(1))
        .select_only()
        .columns([cluster::Column::Id, cluster::Column::Family, cluster::Column::OperationId])
        .into_tuple::<(ClusterId, String, Option<OperationId>)>()
        .all(&env.db)
        .await?
        .into_iter()
        .map(|(id, family, of)| (id, (family, of)))
        .collect();
    let known = visible::clusters(actor)
        .filter(cluster::Column::Family.ne(""))
        .select_only()
        .column(cluster::Column::Id)
        .into_query();
    let labelled = visible::sightings(actor)
        .filter(sighting::Column::Family.ne(""))
        .select_only()
        .column(sighting::Column::ObservableId)
        .into_query();
    let rows = visible::cluster_members(actor)
        .filter(cluster_member::Column::ClusterId.in_subquery(known))
        .filter(cluster_member::Column::ObservableId.not_in_subquery(labelled))
        .order_by_desc(cluster_member::Column::JoinedAt)
        .order_by_asc(cluster_member::Column::ObservableId)
        .limit(MOST_CANDIDATES + 1)
        .all(&env.db)
        .await?;
    let truncated = rows.len() as u64 > MOST_CANDIDATES;
    let weight = |reasons: &serde_json::Value| {
        reasons.as_array().into_iter().flatten().filter_map(|reason| reason["weight"].as_u64()).sum()
    };
    let mut likely: Vec<Likely> = rows
        .into_iter()
        .filter_map(|row| {
            let (family, _) = families.get(&row.cluster_id)?.clone();
            let weight = weight(&row.reasons);
            Some(Likely {
                observable: row.observable_id,
                cluster: row.cluster_id,
                family,
                weight,
                reasons: told(actor, row.reasons),
            })
        })
        .collect();
    let place = |weight: u64, observable: ObservableId| (std::cmp::Reverse(weight), observable);
    likely.sort_by_key(|one| place(one.weight, one.observable));
    if let Some((weight, observable)) = after {
        likely.retain(|one| place(one.weight, one.observable) > place(weight, observable));
    }
    let first = usize::try_from(first).unwrap_or(usize::MAX);
    let more = likely.len() > first;
    likely.truncate(first);
    actor.shown(likely.iter().filter_map(|one| families.get(&one.cluster)).map(|(_, of)| *of));
    Ok(LikelyPage { rows: likely, more, truncated })
}
