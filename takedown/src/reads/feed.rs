//! What changed, for who listens: the ledger read with a cursor. Its numbers have no gap and become visible in their
//! order, on every replica, so a reader that remembers the last one loses nothing and hears nothing twice.

use std::{str::FromStr, time::Duration};

use entities::{ClusterId, ImportId, ObservableId, Timestamp, audit_event, cluster, observable, sighting};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use tokio::{sync::Mutex, time::Instant};

use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    audit,
    env::Env,
    error::Error,
    visible,
};

/// Events that one reading takes.
const BATCH: u64 = 100;

/// The events that say that something changed that listeners hear of.
const VERBS: [&str; 8] =
    ["imported", "observed", "reclustered", "named", "pinned", "barred", "merged", "split"];

/// A change of what the API shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// An import arrived.
    Imported(ImportId),
    /// Look-ups said something new of these, in the order of their ids.
    Observed(Vec<ObservableId>),
    /// The clusters that changed, in the order of their ids.
    Reclustered(Vec<ClusterId>),
}

/// A change and its place in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The number in the ledger.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub change: Change,
}

/// The number of the newest event, shared by all who wait for the next: however many they are, the database is asked
/// once an interval.
#[derive(Debug, Default)]
pub struct Tide(Mutex<Option<(Instant, i64)>>);

impl Tide {
    /// The newest number, read at or after `since`.
    async fn head(&self, env: &Env, since: Instant) -> Result<i64, Error> {
        let mut last = self.0.lock().await;
        if let Some((at, seq)) = *last
            && at >= since
        {
            return Ok(seq);
        }
        let now = Instant::now();
        let seq = audit::head(&env.db).await?.map_or(0, |event| event.seq);
        *last = Some((now, seq));
        Ok(seq)
    }

    /// The newest number now.
    ///
    /// # Errors
    /// The database refused.
    pub async fn now(&self, env: &Env) -> Result<i64, Error> {
        self.head(env, Instant::now()).await
    }

    /// Waits until there is an event after number `seq`. A write of this process wakes it; one of another process is
    /// seen within the interval.
    ///
    /// # Errors
    /// The database refused.
    pub async fn beyond(&self, env: &Env, seq: i64) -> Result<(), Error> {
        let interval = env.settings.jobs.poll.max(Duration::from_millis(50));
        loop {
            let woken = env.jobs_waiting.notified();
            tokio::pin!(woken);
            // Listening begins before the look, so that no commit falls between.
            woken.as_mut().enable();
            let begun = Instant::now();
            let since = begun.checked_sub(interval / 2).unwrap_or(begun);
            if self.head(env, since).await? > seq {
                return Ok(());
            }
            let _ = tokio::time::timeout(interval, woken).await;
            if self.head(env, Instant::now()).await? > seq {
                return Ok(());
            }
        }
    }
}

/// The first events after number `seq`, oldest first, and the number up to which nothing is left out.
///
/// # Errors
/// The actor may not read, or the database refused.
#[expect(clippy::disallowed_methods, reason = "numbers and ids only; what they name is loaded for the actor")]
pub async fn after(env: &Env, actor: &Actor, seq: i64) -> Result<(Vec<Event>, i64), Error> {
    access::check(actor, Action::Read, Subject::System)?;
    // Read before the events: what is committed in between is the next reading's.
    let head = audit::head(&env.db).await?.map_or(0, |event| event.seq);
    let rows = audit_event::Entity::find()
        .filter(audit_event::Column::Seq.gt(seq))
        .filter(audit_event::Column::Seq.lte(head))
        .filter(audit_event::Column::Verb.is_in(VERBS))
        .filter(access::ledger(actor))
        .order_by_asc(audit_event::Column::Seq)
        .limit(BATCH)
        .all(&env.db)
        .await?;
    let full = rows.len() as u64 == BATCH;
    let through = rows.last().filter(|_| full).map_or(head.max(seq), |row| row.seq);
    let mut events = Vec::new();
    for row in rows {
        if let Some(change) = change(env, actor, &row).await? {
            events.push(Event { seq: row.seq, at: row.at, change });
        }
    }
    Ok((events, through))
}

async fn change(env: &Env, actor: &Actor, row: &audit_event::Model) -> Result<Option<Change>, Error> {
    Ok(match row.verb.as_str() {
        "imported" => row.subject.parse().ok().map(Change::Imported),
        "observed" => named(row).map(Change::Observed),
        "reclustered" => Some(Change::Reclustered(match named(row) {
            Some(ids) => ids,
            None => clusters_of(env, actor, row).await?,
        })),
        // What people ruled: its event names the clusters.
        "named" | "pinned" | "barred" | "merged" | "split" => named(row).map(Change::Reclustered),
        _ => None,
    })
}

/// The ids that an event names, sorted.
fn named<T: FromStr + Ord>(row: &audit_event::Model) -> Option<Vec<T>> {
    let detail: serde_json::Value = serde_json::from_str(&row.detail).ok()?;
    let ids = detail.get("ids")?.as_array()?.iter();
    let mut ids: Vec<T> = ids.filter_map(|id| id.as_str()?.parse().ok()).collect();
    ids.sort_unstable();
    Some(ids)
}

/// The clusters that were last written between the run before and this one.
#[expect(clippy::disallowed_methods, reason = "the instant of the run before, of the ledger itself")]
async fn clusters_of(env: &Env, actor: &Actor, row: &audit_event::Model) -> Result<Vec<ClusterId>, Error> {
    let before = audit_event::Entity::find()
        .filter(audit_event::Column::Seq.lt(row.seq))
        .filter(audit_event::Column::Verb.eq("reclustered"))
        .filter(match row.operation_id {
            Some(of) => audit_event::Column::OperationId.eq(of),
            None => audit_event::Column::OperationId.is_null(),
        })
        .order_by_desc(audit_event::Column::Seq)
        .one(&env.db)
        .await?;
    let written = visible::clusters(actor)
        .filter(cluster::Column::UpdatedAt.gt(before.map_or(Timestamp(i64::MIN), |event| event.at)))
        .filter(cluster::Column::UpdatedAt.lte(row.at))
        .order_by_asc(cluster::Column::Id);
    Ok(written.all(&env.db).await?.into_iter().map(|row| row.id).collect())
}

/// Which of these observables an import has sightings of, as the actor sees them, in the order of their ids.
///
/// # Errors
/// The database refused.
pub async fn brought(
    env: &Env,
    actor: &Actor,
    import: ImportId,
    ids: &[ObservableId],
) -> Result<Vec<ObservableId>, Error> {
    let found: Vec<ObservableId> = visible::sightings(actor)
        .filter(sighting::Column::ImportId.eq(import))
        .filter(sighting::Column::ObservableId.is_in(ids.iter().copied()))
        .select_only()
        .column(sighting::Column::ObservableId)
        .distinct()
        .order_by_asc(sighting::Column::ObservableId)
        .into_tuple()
        .all(&env.db)
        .await?;
    Ok(found)
}

/// How many of an import's observables the actor sees, and how many of these were looked at.
///
/// # Errors
/// The database refused.
pub async fn progress(env: &Env, actor: &Actor, import: ImportId) -> Result<(u64, u64), Error> {
    let of_import = visible::sightings(actor)
        .filter(sighting::Column::ImportId.eq(import))
        .select_only()
        .column(sighting::Column::ObservableId)
        .into_query();
    let all = visible::observables(actor).filter(observable::Column::Id.in_subquery(of_import));
    let observed = all.clone().filter(observable::Column::ObservedAt.is_not_null());
    Ok((all.count(&env.db).await?, observed.count(&env.db).await?))
}
