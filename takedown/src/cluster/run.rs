//! Runs: over everything, or over what the ledger tells has changed.

use std::collections::HashMap;

use entities::{ClusterId, ObservableId, OperationId, audit_event, cluster_run, import};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect, sea_query::OnConflict,
};
use serde_json::json;

use super::{
    changed::{self, Around, Touched},
    engine::{self, Found, Hub},
    explain::{self, Reason},
    holdings,
    load::{self, Population},
    store::{self, Scope},
    tuning,
};
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    audit,
    env::Env,
    error::Error,
    job::{Job, JobError, Run, kinds::Recluster},
};

/// Clusters that a run's ledger event names.
const NAMED_IN_LEDGER: usize = 1_000;

/// What grouping found.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct ClusterReport {
    /// Whether every name was grouped anew, and not only what changes could move.
    pub full: bool,
    /// Names that were looked at: those with a sighting.
    pub names: usize,
    /// Clusters of two or more among them.
    pub clusters: usize,
    /// Names in them.
    pub members: usize,
    /// Pivots that too many names share to say anything, largest first.
    pub hubs: Vec<Hub>,
    /// Clusters that are new.
    pub new: usize,
}

impl ClusterReport {
    /// In one phrase.
    pub fn text(&self) -> String {
        format!(
            "{} of {} names{} in {} clusters, {} hubs parked",
            self.members,
            self.names,
            if self.full { "" } else { " around what changed" },
            self.clusters,
            self.hubs.len()
        )
    }
}

impl Run for Recluster {
    async fn run(self, env: &Env) -> Result<(), JobError> {
        recluster_changed(env, &Actor::System("recluster")).await?;
        Ok(())
    }
}

/// Groups every sighted name anew, those of each operation by themselves, and tells of those that belong to none. A
/// cluster keeps its id as long as it keeps most of its members, and what people ruled stands.
///
/// # Errors
/// The actor may not, or the database refused.
pub async fn recluster(env: &Env, actor: &Actor) -> Result<ClusterReport, Error> {
    access::check(actor, Action::Recluster, Subject::System)?;
    let began = began(env).await?;
    for operation in operations(env, None).await? {
        anew(env, actor, Some(operation), None).await?;
    }
    anew(env, actor, None, Some(began)).await
}

/// Groups anew every name of one operation, or of none, as if there were no others.
async fn anew(
    env: &Env,
    actor: &Actor,
    of: Option<OperationId>,
    began: Option<cluster_run::Model>,
) -> Result<ClusterReport, Error> {
    let own = Own { by: actor, only: Actor::Confined(Recluster::NAME, of), of };
    holdings::refresh_all(env, &own.only).await?;
    everything(env, &own, began).await
}

/// Whose names a run groups, and for whom.
struct Own<'a> {
    /// Who asked for it.
    by: &'a Actor,
    /// As whom it reads: what one operation has, or what belongs to none, and nothing else.
    only: Actor,
    of: Option<OperationId>,
}

/// The operations that something was brought into; with `since`, those of which the ledger tells something between two
/// events.
#[expect(clippy::disallowed_methods, reason = "each is grouped by itself; nobody is shown which they are")]
async fn operations(env: &Env, since: Option<(i64, i64)>) -> Result<Vec<OperationId>, Error> {
    let ids: Vec<OperationId> = match since {
        None => {
            import::Entity::find()
                .select_only()
                .column(import::Column::OperationId)
                .distinct()
                .filter(import::Column::OperationId.is_not_null())
                .order_by_asc(import::Column::OperationId)
                .into_tuple()
                .all(&env.db)
                .await?
        }
        Some((after, until)) => {
            audit_event::Entity::find()
                .select_only()
                .column(audit_event::Column::OperationId)
                .distinct()
                .filter(audit_event::Column::Seq.gt(after))
                .filter(audit_event::Column::Seq.lte(until))
                .filter(audit_event::Column::Verb.is_in(changed::VERBS))
                .filter(audit_event::Column::OperationId.is_not_null())
                .order_by_asc(audit_event::Column::OperationId)
                .into_tuple()
                .all(&env.db)
                .await?
        }
    };
    Ok(ids)
}

/// Groups anew what changed since the last run can move: the names that the ledger tells of, those that share
/// something with them, and the clusters of all of these. Everything, if nothing was grouped yet, if the last run over
/// everything is `cluster.full_every` ago, if a person ruled on what counts, or if that is most of the names anyway. Of an
/// operation of which the ledger tells something, every name.
///
/// # Errors
/// The actor may not, or the database refused.
pub async fn recluster_changed(env: &Env, actor: &Actor) -> Result<ClusterReport, Error> {
    access::check(actor, Action::Recluster, Subject::System)?;
    let Some(last) = last(&env.db).await? else { return recluster(env, actor).await };
    if env.now().since(last.full_at) >= env.settings.cluster.full_every {
        return recluster(env, actor).await;
    }
    let began = cluster_run::Model { full_at: last.full_at, names: last.names, ..began(env).await? };
    for operation in operations(env, Some((last.seq, began.seq))).await? {
        anew(env, actor, Some(operation), None).await?;
    }
    let own = Own { by: actor, only: Actor::Confined(Recluster::NAME, None), of: None };
    let Touched { names: touched, ruled } = changed::since(&env.db, &own.only, last.seq, began.seq).await?;
    let ids: Vec<ObservableId> = touched.iter().copied().collect();
    holdings::refresh(env, &own.only, &ids).await?;
    let most = usize::try_from(last.names / 2).unwrap_or(usize::MAX);
    if ruled || touched.len() > most {
        return everything(env, &own, Some(began)).await;
    }
    let tuning = tuning(&env.settings.cluster);
    let around = changed::around(&env.db, &own.only, &touched, tuning).await?;
    if around.ids.len() + around.beside.len() > most {
        return everything(env, &own, Some(began)).await;
    }
    let population = load::around(&env.db, &own.only, &around).await?;
    let groups = standing(&population, &around);
    let computed = tokio::task::spawn_blocking(move || {
        let found = engine::regroup(&population.features, tuning, groups);
        let reasons = explain::reasons(&population.features, &found, tuning);
        Computed { population, found, reasons }
    });
    let computed = computed.await.map_err(Error::internal)?;
    let scope = Scope { ids: around.ids, counts: around.counts, hub_limit: tuning.hub_limit };
    keep(env, &own, computed, Some(scope), Some(began)).await
}

/// The clusters that names are in, as numbers of communities; names in none are alone.
fn standing(population: &Population, around: &Around) -> Vec<u32> {
    let mut first: HashMap<ClusterId, u32> = HashMap::new();
    let of = |(at, id)| {
        let alone = at as u32;
        around.homes.get(id).map_or(alone, |home| *first.entry(*home).or_insert(alone))
    };
    population.ids.iter().enumerate().map(of).collect()
}

/// What was computed, to be stored.
struct Computed {
    population: Population,
    found: Found,
    reasons: Vec<Vec<Reason>>,
}

async fn everything(
    env: &Env,
    own: &Own<'_>,
    began: Option<cluster_run::Model>,
) -> Result<ClusterReport, Error> {
    let population = load::everything(&env.db, &own.only).await?;
    let tuning = tuning(&env.settings.cluster);
    // Seconds of computing for a large store: neither a worker's thread nor the database's one writer waits for it.
    // What people rule meanwhile is read again when it is stored.
    let computed = tokio::task::spawn_blocking(move || {
        let found = engine::find(&population.features, tuning);
        let reasons = explain::reasons(&population.features, &found, tuning);
        Computed { population, found, reasons }
    });
    let computed = computed.await.map_err(Error::internal)?;
    keep(env, own, computed, None, began).await
}

/// Stores what was computed and, of a run over what belongs to no operation, what it knew.
async fn keep(
    env: &Env,
    own: &Own<'_>,
    computed: Computed,
    scope: Option<Scope>,
    run: Option<cluster_run::Model>,
) -> Result<ClusterReport, Error> {
    let Computed { population, found, reasons } = computed;
    let txn = env.begin().await?;
    store::alone(&txn).await?;
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); found.clusters];
    for (name, cluster) in found.cluster.iter().enumerate() {
        groups[*cluster as usize].push(name);
    }
    groups.retain(|members| members.len() > 1);
    let scope = scope.as_ref();
    let changes = store::groups(env, &txn, &population, own.of, (&groups, &reasons), scope).await?;
    let hubs = scope.map_or(found.hubs, Scope::hubs);
    let parked = store::hubs(env, &txn, own.of, &hubs, scope).await?;
    let report = ClusterReport {
        full: scope.is_none(),
        names: scope.map_or(population.ids.len(), |scope| scope.ids.len()),
        clusters: changes.clusters,
        members: changes.members,
        hubs,
        new: changes.new,
    };
    if changes.rows + parked > 0 {
        let mut detail = json!({
            "full": report.full, "clusters": report.clusters, "members": report.members,
            "hubs": report.hubs.len(), "new": report.new, "changed": changes.rows,
        });
        // Listeners find more by their dates.
        if changes.ids.len() <= NAMED_IN_LEDGER {
            detail["ids"] = changes.ids.iter().map(ToString::to_string).collect();
        }
        audit::record_of(&txn, env.now(), own.by, own.of, "reclustered", "clusters", detail).await?;
    }
    if let Some(mut run) = run {
        if report.full {
            (run.full_at, run.names) = (run.ran_at, i64::try_from(report.names).unwrap_or(i64::MAX));
        }
        remember(&txn, run).await?;
    }
    env.commit(txn).await?;
    Ok(report)
}

/// A run that begins now and knows what the ledger tells by now: what comes while it reads is the next one's.
async fn began(env: &Env) -> Result<cluster_run::Model, Error> {
    let seq = audit::head(&env.db).await?.map_or(0, |event| event.seq);
    Ok(cluster_run::Model { id: 1, seq, ran_at: env.now(), full_at: env.now(), names: 0 })
}

#[expect(clippy::disallowed_methods, reason = "a run asks what the last one knew; nobody is shown it")]
async fn last(db: &impl ConnectionTrait) -> Result<Option<cluster_run::Model>, Error> {
    Ok(cluster_run::Entity::find_by_id(1).one(db).await?)
}

/// Writes down what the run knew. Of two that ran side by side the last to store is believed: if it knew less, the next
/// run reads again what it did not know.
async fn remember(txn: &DatabaseTransaction, run: cluster_run::Model) -> Result<(), Error> {
    let row = cluster_run::ActiveModel {
        id: Set(run.id),
        seq: Set(run.seq),
        ran_at: Set(run.ran_at),
        full_at: Set(run.full_at),
        names: Set(run.names),
    };
    let mut known = OnConflict::column(cluster_run::Column::Id);
    known.update_columns([
        cluster_run::Column::Seq,
        cluster_run::Column::RanAt,
        cluster_run::Column::FullAt,
        cluster_run::Column::Names,
    ]);
    cluster_run::Entity::insert(row).on_conflict(known).exec_without_returning(txn).await?;
    Ok(())
}
