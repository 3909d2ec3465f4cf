//! The one writer of clusters, memberships and hubs: brings the rows to what a run found and people ruled, and
//! writes down what became of each cluster.

mod history;
mod hubs;
mod rulings;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entities::{ClusterId, ObservableId, OperationId, Timestamp, cluster, cluster_change, cluster_member};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, IntoActiveModel, QueryFilter,
    sea_query::{Expr, Query},
};
use serde_json::json;

use self::history::history;
pub use self::{hubs::hubs, rulings::memberships};
use super::{
    engine::Hub,
    explain::Reason,
    holdings::Value,
    identity,
    kind::{Meaning, meaning},
    load::Population,
};
use crate::{env::Env, error::Error};

/// The key of the PostgreSQL advisory lock that lets one writer at a time change clusters.
const CLUSTER_LOCK: i64 = 0x636c_7573_7465_7273;
/// Rows in one statement.
const ROWS: usize = 1_000;

/// What a run over changes moves: nothing else is written.
pub struct Scope {
    /// The names, in whole clusters.
    pub ids: BTreeSet<ObservableId>,
    /// The values that were counted.
    pub counts: HashMap<Value, usize>,
    /// How many may hold one.
    pub hub_limit: usize,
}

impl Scope {
    /// The counted values that too many hold, the most held first.
    pub fn hubs(&self) -> Vec<Hub> {
        let hubs = self.counts.iter().filter(|(_, count)| **count > self.hub_limit);
        let mut hubs: Vec<Hub> = hubs
            .filter_map(|((kind, value), count)| {
                let Meaning::Pivot(kind) = meaning(kind) else { return None };
                Some(Hub { kind, value: value.clone(), shared_by: *count })
            })
            .collect();
        hubs.sort_by(|a, b| {
            b.shared_by.cmp(&a.shared_by).then_with(|| (a.kind, &a.value).cmp(&(b.kind, &b.value)))
        });
        hubs
    }
}

/// What storing a run changed.
#[derive(Default)]
pub struct Changes {
    /// Clusters that are new.
    pub new: usize,
    /// Clusters with members.
    pub clusters: usize,
    /// Memberships.
    pub members: usize,
    /// Rows that changed.
    pub rows: usize,
    /// The clusters that changed.
    pub ids: BTreeSet<ClusterId>,
}

/// Lets nobody else write clusters until the transaction ends: two writers who read the same memberships would put a
/// name into two clusters. SQLite's write transaction is alone already.
///
/// # Errors
/// The database refused.
pub async fn alone(txn: &DatabaseTransaction) -> Result<(), Error> {
    if txn.get_database_backend() == DbBackend::Postgres {
        txn.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({CLUSTER_LOCK})")).await?;
    }
    Ok(())
}

/// What a run found, against what the store holds.
struct Found<'a> {
    /// The operation whose names were grouped.
    operation: Option<OperationId>,
    /// The clusters to insert, each with the name of its first member.
    fresh: BTreeMap<ClusterId, String>,
    wanted: &'a Wanted,
    /// The clusters whose members changed.
    moved: BTreeSet<ClusterId>,
}

type Wanted = BTreeMap<ObservableId, (ClusterId, serde_json::Value)>;

/// Brings the clusters and memberships of an operation, or of none, to what a run found: `groups` of name indexes, with the
/// reasons of each name. What is not in `scope` stays as it is.
///
/// # Errors
/// The database refused.
pub async fn groups(
    env: &Env,
    txn: &DatabaseTransaction,
    population: &Population,
    operation: Option<OperationId>,
    (groups, reasons): (&[Vec<usize>], &[Vec<Reason>]),
    scope: Option<&Scope>,
) -> Result<Changes, Error> {
    let present = present(txn, operation, scope).await?;
    let rows = clusters(txn, operation, scope, &present).await?;
    let mut rulings = memberships(txn).await?;
    if let Some(scope) = scope {
        rulings.pinned.retain(|observable, _| scope.ids.contains(observable));
    }
    let ids: Vec<Vec<ObservableId>> =
        groups.iter().map(|members| members.iter().map(|name| population.ids[*name]).collect()).collect();
    let home = |id: &ObservableId| rulings.pinned.get(id).map(|(cluster, _)| *cluster);
    let kept = identity::assign(&ids, present.iter().map(|row| (row.observable_id, row.cluster_id)), home);
    let mut changes = Changes::default();
    let mut wanted = Wanted::new();
    let mut fresh: BTreeMap<ClusterId, String> = BTreeMap::new();
    for ((members, group), kept) in groups.iter().zip(&ids).zip(kept) {
        let id = kept.filter(|id| rows.contains_key(id)).unwrap_or_else(|| {
            let id: ClusterId = env.id();
            fresh.insert(id, population.features.names[members[0]].to_string());
            id
        });
        for (name, observable) in members.iter().zip(group) {
            if !rulings.barred.contains(&(id, *observable)) {
                wanted.insert(*observable, (id, json!(reasons[*name])));
            }
        }
    }
    for (observable, (cluster, why)) in &rulings.pinned {
        if rows.contains_key(cluster) {
            // What ties it to another cluster is no reason to be in this one.
            let found = wanted.get(observable).filter(|(found, _)| found == cluster);
            let reasons = with_pin(found.map(|(_, reasons)| reasons), why);
            wanted.insert(*observable, (*cluster, reasons));
        }
    }
    // What rulings leave alone is no cluster, unless people put it there.
    let mut sizes: BTreeMap<ClusterId, usize> = BTreeMap::new();
    for (cluster, _) in wanted.values() {
        *sizes.entry(*cluster).or_default() += 1;
    }
    wanted.retain(|observable, (cluster, _)| {
        sizes.get(cluster).is_some_and(|size| *size > 1) || rulings.pinned.contains_key(observable)
    });
    changes.members = wanted.len();
    let history = history(env, &present, &wanted, &fresh);
    let moved = history.iter().filter_map(|change| change.cluster_id.try_as_ref().copied()).collect();
    let found = Found { operation, fresh, wanted: &wanted, moved };
    rows_of_clusters(env, txn, population, &rows, &found, &mut changes).await?;
    insert_all::<cluster_change::Entity, _>(txn, history).await?;
    changes.rows = changes.ids.len() + members(txn, &present, &wanted, env.now()).await?;
    Ok(changes)
}

/// The memberships of names in `scope`, and of all who are in a cluster with one: what people put there meanwhile too.
#[expect(clippy::disallowed_methods, reason = "the one writer of clusters, for all of them")]
async fn present(
    txn: &DatabaseTransaction,
    operation: Option<OperationId>,
    scope: Option<&Scope>,
) -> Result<Vec<cluster_member::Model>, Error> {
    let Some(scope) = scope else {
        let own = Query::select()
            .column(cluster::Column::Id)
            .from(cluster::Entity)
            .and_where(of(cluster::Column::OperationId, operation))
            .to_owned();
        let all = cluster_member::Entity::find().filter(cluster_member::Column::ClusterId.in_subquery(own));
        return Ok(all.all(txn).await?);
    };
    let ids: Vec<ObservableId> = scope.ids.iter().copied().collect();
    let mut rows = Vec::new();
    for part in ids.chunks(ROWS) {
        let select = cluster_member::Entity::find()
            .filter(cluster_member::Column::ObservableId.is_in(part.iter().copied()));
        rows.extend(select.all(txn).await?);
    }
    Ok(rows)
}

/// The clusters of these memberships; without a `scope` all there are.
#[expect(clippy::disallowed_methods, reason = "the one writer of clusters, for all of them")]
async fn clusters(
    txn: &DatabaseTransaction,
    operation: Option<OperationId>,
    scope: Option<&Scope>,
    present: &[cluster_member::Model],
) -> Result<BTreeMap<ClusterId, cluster::Model>, Error> {
    let mut rows = Vec::new();
    if scope.is_none() {
        rows = cluster::Entity::find().filter(of(cluster::Column::OperationId, operation)).all(txn).await?;
    } else {
        let ids: BTreeSet<ClusterId> = present.iter().map(|row| row.cluster_id).collect();
        let ids: Vec<ClusterId> = ids.into_iter().collect();
        for part in ids.chunks(ROWS) {
            let select = cluster::Entity::find().filter(cluster::Column::Id.is_in(part.iter().copied()));
            rows.extend(select.all(txn).await?);
        }
    }
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// What belongs to that operation, or to none.
fn of<C: ColumnTrait>(column: C, operation: Option<OperationId>) -> Expr {
    match operation {
        Some(operation) => column.eq(operation),
        None => column.is_null(),
    }
}

/// A pin's reason stands before those that the evidence gives.
fn with_pin(reasons: Option<&serde_json::Value>, why: &str) -> serde_json::Value {
    let mut all = vec![json!({ "kind": "ruling", "value": why, "shared_by": 1, "weight": 0 })];
    all.extend(reasons.and_then(serde_json::Value::as_array).cloned().unwrap_or_default());
    all.into()
}

/// Inserts the new clusters and brings sizes and families up to date.
async fn rows_of_clusters(
    env: &Env,
    txn: &DatabaseTransaction,
    population: &Population,
    rows: &BTreeMap<ClusterId, cluster::Model>,
    found: &Found<'_>,
    changes: &mut Changes,
) -> Result<(), Error> {
    let mut of: BTreeMap<ClusterId, Vec<ObservableId>> = BTreeMap::new();
    for (observable, (cluster, _)) in found.wanted {
        of.entry(*cluster).or_default().push(*observable);
    }
    changes.clusters = of.len();
    for (id, members) in &of {
        let family = population.family_of(members.iter());
        if let Some(row) = rows.get(id) {
            if update(txn, row, &family, members.len(), found.moved.contains(id), env.now()).await? {
                changes.ids.insert(*id);
            }
        } else {
            let first = found.fresh.get(id).map_or("", String::as_str);
            insert(env, txn, found.operation, *id, (&family, first), members.len()).await?;
            changes.new += 1;
            changes.ids.insert(*id);
        }
    }
    for row in rows.values().filter(|row| row.size > 0 && !of.contains_key(&row.id)) {
        update(txn, row, &row.family, 0, true, env.now()).await?;
        changes.ids.insert(row.id);
    }
    Ok(())
}

async fn insert(
    env: &Env,
    txn: &DatabaseTransaction,
    operation: Option<OperationId>,
    id: ClusterId,
    (family, first): (&str, &str),
    size: usize,
) -> Result<(), Error> {
    let name = if family.is_empty() { format!("around {first}") } else { format!("{family} around {first}") };
    let row = cluster::ActiveModel {
        id: Set(id),
        name: Set(name),
        family: Set(family.to_owned()),
        size: Set(i64::try_from(size).unwrap_or(i64::MAX)),
        created_at: Set(env.now()),
        updated_at: Set(env.now()),
        version: Set(1),
        operation_id: Set(operation),
    };
    cluster::Entity::insert(row).exec_without_returning(txn).await?;
    Ok(())
}

/// Brings a cluster's row up to date; false if it is. When members were exchanged for as many others, the row says so
/// by its date alone.
async fn update(
    txn: &DatabaseTransaction,
    row: &cluster::Model,
    family: &str,
    size: usize,
    moved: bool,
    now: Timestamp,
) -> Result<bool, Error> {
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    if row.size == size && row.family == family && !moved {
        return Ok(false);
    }
    let mut active = row.clone().into_active_model();
    active.family = Set(family.to_owned());
    active.size = Set(size);
    active.updated_at = Set(now);
    active.version = Set(row.version + 1);
    active.update(txn).await?;
    Ok(true)
}

/// Inserts rows, many in one statement.
///
/// # Errors
/// The database refused.
pub async fn insert_all<E, A>(txn: &DatabaseTransaction, rows: Vec<A>) -> Result<(), Error>
where
    E: EntityTrait,
    A: ActiveModelTrait<Entity = E> + Send,
{
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        E::insert_many(rows.by_ref().take(ROWS)).exec_without_returning(txn).await?;
    }
    Ok(())
}

/// Brings the memberships up to date; who stays keeps the date of joining. Returns how many rows changed.
#[expect(clippy::disallowed_methods, reason = "the one writer of memberships, for all of them")]
async fn members(
    txn: &DatabaseTransaction,
    present: &[cluster_member::Model],
    wanted: &Wanted,
    now: Timestamp,
) -> Result<usize, Error> {
    let joined: BTreeMap<_, _> = present
        .iter()
        .map(|row| ((row.cluster_id, row.observable_id), (row.joined_at, &row.reasons)))
        .collect();
    let stays = |(cluster, observable): &(ClusterId, ObservableId), reasons: &serde_json::Value| {
        wanted.get(observable).is_some_and(|(to, why)| to == cluster && why == reasons)
    };
    let gone: Vec<_> =
        joined.iter().filter(|(key, (_, reasons))| !stays(key, reasons)).map(|(key, _)| *key).collect();
    let mut by: BTreeMap<ClusterId, Vec<ObservableId>> = BTreeMap::new();
    for (cluster, observable) in &gone {
        by.entry(*cluster).or_default().push(*observable);
    }
    for (cluster, observables) in by {
        for part in observables.chunks(ROWS) {
            cluster_member::Entity::delete_many()
                .filter(cluster_member::Column::ClusterId.eq(cluster))
                .filter(cluster_member::Column::ObservableId.is_in(part.iter().copied()))
                .exec(txn)
                .await?;
        }
    }
    let new: Vec<_> = wanted
        .iter()
        .filter(|(observable, (cluster, reasons))| {
            joined.get(&(*cluster, **observable)).is_none_or(|(_, present)| *present != reasons)
        })
        .map(|(observable, (cluster, reasons))| cluster_member::ActiveModel {
            cluster_id: Set(*cluster),
            observable_id: Set(*observable),
            reasons: Set(reasons.clone()),
            joined_at: Set(joined.get(&(*cluster, *observable)).map_or(now, |(at, _)| *at)),
        })
        .collect();
    let changed = gone.len() + new.len();
    insert_all::<cluster_member::Entity, _>(txn, new).await?;
    Ok(changed)
}
