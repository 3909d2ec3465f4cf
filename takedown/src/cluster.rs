//! Cluster: names that share rare things belong together, with the reason for every member.
//!
//! This is the thin form: pivots over a limit are hubs and left out, the others weigh by rarity, and names whose
//! shared pivots weigh enough are joined.

pub mod burst;
pub mod edge_list;
pub mod engine;
pub mod features;
pub mod fleet;
pub mod graph;
pub mod group;
mod identity;
mod intern;
pub mod kind;
pub mod leiden;
mod load;
pub mod moment;
pub mod project;
pub mod shape;

use std::collections::BTreeMap;

use entities::{ClusterId, ObservableId, Timestamp, cluster, cluster_member};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel,
    QueryFilter,
};
use serde_json::json;

use self::{group::Grouping, load::Population};
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    audit,
    env::Env,
    error::Error,
    job::{JobError, Run, kinds::Recluster},
};

/// Rows in one statement.
const ROWS: usize = 2_000;

/// What grouping found.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct ClusterReport {
    /// Names that were looked at: those with a sighting.
    pub names: usize,
    /// Clusters of two or more.
    pub clusters: usize,
    /// Names in them.
    pub members: usize,
    /// Pivots that too many names share to say anything, largest first.
    pub hubs: Vec<group::Hub>,
    /// Clusters that are new.
    pub new: usize,
}

impl ClusterReport {
    /// In one phrase.
    pub fn text(&self) -> String {
        format!(
            "{} of {} names in {} clusters, {} hubs left out",
            self.members,
            self.names,
            self.clusters,
            self.hubs.len()
        )
    }
}

impl Run for Recluster {
    async fn run(self, env: &Env) -> Result<(), JobError> {
        recluster(env, &Actor::System("recluster")).await?;
        Ok(())
    }
}

/// Groups every sighted name anew. A cluster keeps its id as long as it keeps most of its members.
///
/// # Errors
/// The actor may not, or the database refused.
pub async fn recluster(env: &Env, actor: &Actor) -> Result<ClusterReport, Error> {
    access::check(actor, Action::Recluster, Subject::System)?;
    let txn = env.begin().await?;
    let population = load::population(&txn, actor).await?;
    let grouping = group::group(population.names.len(), &population.pivots, &env.settings.cluster);
    let changes = store(env, &txn, &population, &grouping).await?;
    let report = ClusterReport {
        names: population.names.len(),
        clusters: grouping.clusters.len(),
        members: grouping.clusters.iter().map(Vec::len).sum(),
        hubs: grouping.hubs,
        new: changes.new,
    };
    if changes.rows > 0 {
        let detail = json!({
            "clusters": report.clusters, "members": report.members, "hubs": report.hubs.len(),
            "new": report.new, "changed": changes.rows,
        });
        audit::record(&txn, env.now(), actor, "reclustered", "clusters", detail).await?;
    }
    env.commit(txn).await?;
    Ok(report)
}

/// What storing a grouping changed.
#[derive(Default)]
struct Changes {
    new: usize,
    rows: usize,
}

#[expect(clippy::disallowed_methods, reason = "the one writer of clusters, for all of them")]
async fn store(
    env: &Env,
    txn: &DatabaseTransaction,
    population: &Population,
    grouping: &Grouping,
) -> Result<Changes, Error> {
    let present = cluster_member::Entity::find().all(txn).await?;
    let rows: BTreeMap<ClusterId, cluster::Model> =
        cluster::Entity::find().all(txn).await?.into_iter().map(|row| (row.id, row)).collect();
    let groups: Vec<Vec<ObservableId>> = grouping
        .clusters
        .iter()
        .map(|members| members.iter().map(|member| population.names[member.name].id).collect())
        .collect();
    let kept = identity::assign(&groups, present.iter().map(|row| (row.observable_id, row.cluster_id)));
    let mut wanted: BTreeMap<(ClusterId, ObservableId), serde_json::Value> = BTreeMap::new();
    let mut changes = Changes::default();
    for ((members, kept), group) in grouping.clusters.iter().zip(kept).zip(&groups) {
        let family = population.family_of(members.iter().map(|member| member.name));
        let id = match kept.and_then(|id| rows.get(&id)) {
            Some(row) => {
                changes.rows += usize::from(update(txn, row, &family, group.len(), env.now()).await?);
                row.id
            }
            None => {
                changes.new += 1;
                changes.rows += 1;
                insert(env, txn, &family, &population.names[members[0].name].value, group.len()).await?
            }
        };
        for member in members {
            wanted.insert((id, population.names[member.name].id), json!(member.reasons));
        }
    }
    changes.rows += members(txn, &present, &wanted, env.now()).await?;
    for row in rows.values().filter(|row| row.size > 0 && !wanted.keys().any(|(id, _)| *id == row.id)) {
        update(txn, row, &row.family, 0, env.now()).await?;
        changes.rows += 1;
    }
    Ok(changes)
}

async fn insert(
    env: &Env,
    txn: &DatabaseTransaction,
    family: &str,
    first: &str,
    size: usize,
) -> Result<ClusterId, Error> {
    let id: ClusterId = env.id();
    let name = if family.is_empty() { format!("around {first}") } else { format!("{family} around {first}") };
    let row = cluster::ActiveModel {
        id: Set(id),
        name: Set(name),
        family: Set(family.to_owned()),
        size: Set(i64::try_from(size).unwrap_or(i64::MAX)),
        created_at: Set(env.now()),
        updated_at: Set(env.now()),
        version: Set(1),
    };
    cluster::Entity::insert(row).exec_without_returning(txn).await?;
    Ok(id)
}

/// Brings a cluster's row up to date; false if it is.
async fn update(
    txn: &DatabaseTransaction,
    row: &cluster::Model,
    family: &str,
    size: usize,
    now: Timestamp,
) -> Result<bool, Error> {
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    if row.size == size && row.family == family {
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

/// Brings the memberships up to date; who stays keeps the date of joining. Returns how many rows changed.
#[expect(clippy::disallowed_methods, reason = "the one writer of memberships, for all of them")]
async fn members(
    txn: &DatabaseTransaction,
    present: &[cluster_member::Model],
    wanted: &BTreeMap<(ClusterId, ObservableId), serde_json::Value>,
    now: Timestamp,
) -> Result<usize, Error> {
    let joined: BTreeMap<_, _> = present
        .iter()
        .map(|row| ((row.cluster_id, row.observable_id), (row.joined_at, &row.reasons)))
        .collect();
    let gone: Vec<_> = joined.iter().filter(|(key, (_, reasons))| wanted.get(key) != Some(reasons)).collect();
    for ((cluster, observable), _) in &gone {
        cluster_member::Entity::delete_many()
            .filter(cluster_member::Column::ClusterId.eq(*cluster))
            .filter(cluster_member::Column::ObservableId.eq(*observable))
            .exec(txn)
            .await?;
    }
    let new: Vec<_> = wanted
        .iter()
        .filter(|(key, reasons)| joined.get(key).is_none_or(|(_, present)| present != reasons))
        .map(|(key, reasons)| cluster_member::ActiveModel {
            cluster_id: Set(key.0),
            observable_id: Set(key.1),
            reasons: Set(reasons.clone()),
            joined_at: Set(joined.get(key).map_or(now, |(at, _)| *at)),
        })
        .collect();
    let changed = gone.len() + new.len();
    let mut new = new.into_iter().peekable();
    while new.peek().is_some() {
        cluster_member::Entity::insert_many(new.by_ref().take(ROWS)).exec_without_returning(txn).await?;
    }
    Ok(changed)
}
