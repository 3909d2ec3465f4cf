//! Cluster: names that share rare things belong together, with the reason for every member.
//!
//! The pure engine ([`engine`]) turns what names share into weighted evidence and finds communities in it; around
//! it stand loading, identities that last, what people ruled, and explanations.

pub mod burst;
pub mod edge_list;
pub mod engine;
pub mod explain;
pub mod features;
pub mod fleet;
pub mod graph;
mod identity;
mod intern;
pub mod kind;
pub mod leiden;
mod load;
pub mod moment;
pub mod project;
pub mod ruling;
pub mod shape;
mod store;
pub mod tell;

use entities::ObservableId;
use serde_json::json;

use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    audit,
    env::Env,
    error::Error,
    job::{JobError, Run, kinds::Recluster},
    settings::ClusterSettings,
};

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
    pub hubs: Vec<engine::Hub>,
    /// Clusters that are new.
    pub new: usize,
}

impl ClusterReport {
    /// In one phrase.
    pub fn text(&self) -> String {
        format!(
            "{} of {} names in {} clusters, {} hubs parked",
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

/// How the settings say to group.
pub fn tuning(settings: &ClusterSettings) -> engine::Tuning {
    engine::Tuning {
        hub_limit: settings.hub_limit,
        resolution: settings.threshold,
        ..engine::Tuning::default()
    }
}

/// Groups every sighted name anew. A cluster keeps its id as long as it keeps most of its members, and what people
/// ruled stands.
///
/// # Errors
/// The actor may not, or the database refused.
pub async fn recluster(env: &Env, actor: &Actor) -> Result<ClusterReport, Error> {
    access::check(actor, Action::Recluster, Subject::System)?;
    let population = load::population(&env.db, actor, None).await?;
    let tuning = tuning(&env.settings.cluster);
    // Seconds of computing for a large store: neither a worker's thread nor the database's one writer waits for it.
    // What people rule meanwhile is read again below.
    let computed = tokio::task::spawn_blocking(move || {
        let found = engine::find(&population.features, tuning);
        let reasons = explain::reasons(&population.features, &found, tuning);
        (population, found, reasons)
    });
    let (population, found, reasons) = computed.await.map_err(Error::internal)?;
    let txn = env.begin().await?;
    store::alone(&txn).await?;
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); found.clusters];
    for (name, cluster) in found.cluster.iter().enumerate() {
        groups[*cluster as usize].push(name);
    }
    groups.retain(|members| members.len() > 1);
    let changes = store::groups(env, &txn, &population, &groups, &reasons).await?;
    let parked = store::hubs(env, &txn, &found.hubs).await?;
    let report = ClusterReport {
        names: population.ids.len(),
        clusters: changes.clusters,
        members: changes.members,
        hubs: found.hubs,
        new: changes.new,
    };
    if changes.rows + parked > 0 {
        let mut detail = json!({
            "clusters": report.clusters, "members": report.members, "hubs": report.hubs.len(),
            "new": report.new, "changed": changes.rows,
        });
        // Listeners find more by their dates.
        if changes.ids.len() <= NAMED_IN_LEDGER {
            detail["ids"] = changes.ids.iter().map(ToString::to_string).collect();
        }
        audit::record(&txn, env.now(), actor, "reclustered", "clusters", detail).await?;
    }
    env.commit(txn).await?;
    Ok(report)
}

/// Clusters that a run's ledger event names.
const NAMED_IN_LEDGER: usize = 1_000;

/// Members of one cluster at most, in one question or ruling.
pub const MOST_MEMBERS: usize = 5_000;

/// Refuses more members than one act takes.
fn bounded(field: &'static str, members: &[ObservableId]) -> Result<(), Error> {
    if members.len() > MOST_MEMBERS {
        return Err(Error::invalid(field, "name at most 5,000 at a time"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
