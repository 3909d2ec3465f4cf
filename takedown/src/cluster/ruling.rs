//! What people decide about clusters and pivots. It stands through every run, and the ledger keeps who and why.

use std::collections::{BTreeMap, BTreeSet};

use entities::{
    ClusterId, ClusterRulingKind, ObservableId, OperationId, PivotRuling, cluster, cluster_member,
    cluster_ruling, observable, pivot,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::json;

use super::{
    MOST_MEMBERS, bounded,
    kind::PivotKind,
    store::{alone, insert_all},
};
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    audit,
    env::Env,
    error::Error,
    job::{kinds::Recluster, queue},
    visible,
};

/// Members that a ledger event names one by one; the rulings themselves name all.
const NAMED_IN_LEDGER: usize = 20;
/// The longest reason, in bytes.
const LONGEST_REASON: usize = 2_000;

/// Says that a cluster is one, or none. Its members stay; the ruling is a mark for people.
///
/// # Errors
/// The actor may not, there is no such cluster, the reason is empty, or the database refused.
pub async fn judge(
    env: &Env,
    actor: &Actor,
    id: ClusterId,
    accepted: bool,
    reason: &str,
) -> Result<(), Error> {
    access::check(actor, Action::RuleOnClusters, Subject::System)?;
    let reason = said(reason)?;
    let txn = begin(env).await?;
    let row = one(&txn, actor, id).await?;
    let kind = if accepted { ClusterRulingKind::Accepted } else { ClusterRulingKind::Rejected };
    rule(env, &txn, actor, kind, row.id, &[None], reason).await?;
    let verb = if accepted { "accepted" } else { "rejected" };
    audit::record_of(&txn, env.now(), actor, row.operation_id, verb, row.id, json!({ "reason": reason }))
        .await?;
    env.commit(txn).await
}

/// Gives a cluster a name.
///
/// # Errors
/// As [`judge`]; the name is empty or longer than 200 bytes.
pub async fn name(
    env: &Env,
    actor: &Actor,
    id: ClusterId,
    name: &str,
    reason: &str,
) -> Result<cluster::Model, Error> {
    access::check(actor, Action::RuleOnClusters, Subject::System)?;
    let (name, reason) = (name.trim(), said(reason)?);
    if name.is_empty() || name.len() > 200 {
        return Err(Error::invalid("name", "give a name of 1 to 200 bytes"));
    }
    let txn = begin(env).await?;
    let row = one(&txn, actor, id).await?;
    let detail = json!({ "from": row.name, "to": name, "reason": reason, "ids": [row.id.to_string()] });
    let version = row.version;
    let mut active = row.into_active_model();
    active.name = Set(name.to_owned());
    active.updated_at = Set(env.now());
    active.version = Set(version + 1);
    let row = active.update(&txn).await?;
    audit::record_of(&txn, env.now(), actor, row.operation_id, "named", row.id, detail).await?;
    env.commit(txn).await?;
    Ok(row)
}

/// Puts observables into a cluster, to stay there whatever the evidence says.
///
/// # Errors
/// As [`judge`]; an observable is not there; more than 5,000.
pub async fn pin(
    env: &Env,
    actor: &Actor,
    id: ClusterId,
    observables: &[ObservableId],
    reason: &str,
) -> Result<(), Error> {
    let (txn, row, reason) = about(env, actor, id, observables, reason).await?;
    let changed = put(env, &txn, actor, row.id, observables, reason).await?;
    let detail = detail(observables, reason, &changed);
    audit::record_of(&txn, env.now(), actor, row.operation_id, "pinned", row.id, detail).await?;
    env.commit(txn).await
}

/// Takes observables out of a cluster, to stay out whatever the evidence says.
///
/// # Errors
/// As [`pin`].
pub async fn bar(
    env: &Env,
    actor: &Actor,
    id: ClusterId,
    observables: &[ObservableId],
    reason: &str,
) -> Result<(), Error> {
    let (txn, row, reason) = about(env, actor, id, observables, reason).await?;
    let each: Vec<_> = observables.iter().copied().map(Some).collect();
    rule(env, &txn, actor, ClusterRulingKind::Barred, row.id, &each, reason).await?;
    take_out(&txn, Some(row.id), observables).await?;
    let changed = BTreeSet::from([row.id]);
    resize(env, &txn, &changed).await?;
    let detail = detail(observables, reason, &changed);
    audit::record_of(&txn, env.now(), actor, row.operation_id, "barred", row.id, detail).await?;
    env.commit(txn).await
}

/// Lets the evidence decide again about observables and a cluster; the next run acts on it.
///
/// # Errors
/// As [`pin`].
pub async fn withdraw(
    env: &Env,
    actor: &Actor,
    id: ClusterId,
    observables: &[ObservableId],
    reason: &str,
) -> Result<(), Error> {
    let (txn, row, reason) = about(env, actor, id, observables, reason).await?;
    let each: Vec<_> = observables.iter().copied().map(Some).collect();
    rule(env, &txn, actor, ClusterRulingKind::Withdrawn, row.id, &each, reason).await?;
    let detail = detail(observables, reason, &BTreeSet::new());
    audit::record_of(&txn, env.now(), actor, row.operation_id, "withdrawn", row.id, detail).await?;
    queue::enqueue_at(env, &txn, &Recluster {}, env.now()).await?;
    env.commit(txn).await
}

/// Puts all members of one cluster into another.
///
/// # Errors
/// As [`pin`]; both are the same.
pub async fn merge(
    env: &Env,
    actor: &Actor,
    from: ClusterId,
    into: ClusterId,
    reason: &str,
) -> Result<(), Error> {
    access::check(actor, Action::RuleOnClusters, Subject::System)?;
    let reason = said(reason)?;
    if from == into {
        return Err(Error::invalid("into", "name another cluster"));
    }
    let txn = begin(env).await?;
    let (from, into) = (one(&txn, actor, from).await?, one(&txn, actor, into).await?);
    if from.operation_id != into.operation_id {
        return Err(Error::invalid(
            "into",
            "is of another operation: clusters do not lead from one to another",
        ));
    }
    let mut all = members(&txn, actor, from.id).await?;
    all.extend(members(&txn, actor, into.id).await?);
    bounded("from", &all)?;
    let changed = put(env, &txn, actor, into.id, &all, reason).await?;
    let mut detail = detail(&all, reason, &changed);
    detail["from"] = json!(from.id.to_string());
    audit::record_of(&txn, env.now(), actor, into.operation_id, "merged", into.id, detail).await?;
    env.commit(txn).await
}

/// Puts members of a cluster into one of their own, and returns it.
///
/// # Errors
/// As [`pin`]; one of them is no member.
pub async fn split(
    env: &Env,
    actor: &Actor,
    id: ClusterId,
    observables: &[ObservableId],
    reason: &str,
) -> Result<ClusterId, Error> {
    let (txn, row, reason) = about(env, actor, id, observables, reason).await?;
    let members = members(&txn, actor, row.id).await?;
    if let Some(stranger) = observables.iter().find(|id| !members.contains(id)) {
        return Err(Error::not_found("member", *stranger));
    }
    let new = cluster::ActiveModel {
        id: Set(env.id()),
        name: Set(format!("split from {}", row.name)),
        family: Set(row.family.clone()),
        size: Set(0),
        created_at: Set(env.now()),
        updated_at: Set(env.now()),
        version: Set(1),
        operation_id: Set(row.operation_id),
    };
    let new = new.insert(&txn).await?;
    let changed = put(env, &txn, actor, new.id, observables, reason).await?;
    // The others are pinned too: a run would else see one group of which most are pinned elsewhere, and move them after.
    let rest: Vec<_> = members.into_iter().filter(|id| !observables.contains(id)).map(Some).collect();
    rule(env, &txn, actor, ClusterRulingKind::Pinned, row.id, &rest, reason).await?;
    let mut detail = detail(observables, reason, &changed);
    detail["into"] = json!(new.id.to_string());
    audit::record_of(&txn, env.now(), actor, row.operation_id, "split", row.id, detail).await?;
    env.commit(txn).await?;
    Ok(new.id)
}

/// Says that a shared value tells nothing, or much, or that the machine decides again, of what belongs to no operation; the
/// next run acts on it.
///
/// # Errors
/// The actor may not, the reason or value is empty, or the database refused.
pub async fn pivot(
    env: &Env,
    actor: &Actor,
    kind: PivotKind,
    value: &str,
    ruling: PivotRuling,
    reason: &str,
) -> Result<pivot::Model, Error> {
    access::check(actor, Action::RuleOnClusters, Subject::Common)?;
    let (value, reason) = (value.trim(), said(reason)?);
    if matches!(kind, PivotKind::Burst | PivotKind::Day | PivotKind::Link) {
        let why = "it is worked out of other things: rule on the registrar, or bar the member";
        return Err(Error::invalid("kind", why));
    }
    if value.is_empty() || value.len() > LONGEST_REASON {
        return Err(Error::invalid("value", "give the shared value as a reason spells it"));
    }
    let txn = begin(env).await?;
    let present = visible::pivots(actor)
        .filter(pivot::Column::Kind.eq(kind.as_str()))
        .filter(pivot::Column::Value.eq(value))
        .filter(pivot::Column::OperationId.is_null())
        .one(&txn)
        .await?;
    let mut active = match present {
        Some(row) => row.into_active_model(),
        None => {
            let row = pivot::ActiveModel {
                id: Set(env.id()),
                kind: Set(kind.as_str().to_owned()),
                value: Set(value.to_owned()),
                shared_by: Set(0),
                parked_at: Set(None),
                ruling: Set(PivotRuling::Unruled),
                reason: Set(String::new()),
                ruled_by: Set(String::new()),
                ruled_at: Set(None),
                operation_id: Set(None),
            };
            row.insert(&txn).await?.into_active_model()
        }
    };
    active.ruling = Set(ruling);
    active.reason = Set(reason.to_owned());
    active.ruled_by = Set(actor.to_string());
    active.ruled_at = Set(Some(env.now()));
    let row = active.update(&txn).await?;
    let detail = json!({ "kind": kind.as_str(), "value": value, "ruling": ruling, "reason": reason });
    audit::record(&txn, env.now(), actor, "ruled", row.id, detail).await?;
    queue::enqueue_at(env, &txn, &Recluster {}, env.now()).await?;
    env.commit(txn).await?;
    Ok(row)
}

/// The way into a ruling on members: may, begin, see. Returns the transaction, the cluster and the reason, trimmed.
async fn about<'a>(
    env: &Env,
    actor: &Actor,
    id: ClusterId,
    observables: &[ObservableId],
    reason: &'a str,
) -> Result<(DatabaseTransaction, cluster::Model, &'a str), Error> {
    access::check(actor, Action::RuleOnClusters, Subject::System)?;
    let reason = said(reason)?;
    let txn = begin(env).await?;
    let row = one(&txn, actor, id).await?;
    seen(&txn, actor, row.operation_id, observables).await?;
    Ok((txn, row, reason))
}

/// A transaction in which nobody else writes clusters.
async fn begin(env: &Env) -> Result<DatabaseTransaction, Error> {
    let txn = env.begin().await?;
    alone(&txn).await?;
    Ok(txn)
}

/// What the ledger keeps of a ruling on members: the first by name, their count, and as `ids` the clusters that changed.
fn detail(observables: &[ObservableId], reason: &str, changed: &BTreeSet<ClusterId>) -> serde_json::Value {
    let named: Vec<String> = observables.iter().take(NAMED_IN_LEDGER).map(ToString::to_string).collect();
    let ids: Vec<String> = changed.iter().map(ToString::to_string).collect();
    json!({ "observables": named, "count": observables.len(), "reason": reason, "ids": ids })
}

fn said(reason: &str) -> Result<&str, Error> {
    let reason = reason.trim();
    if reason.is_empty() || reason.len() > LONGEST_REASON {
        return Err(Error::invalid("reason", "say why, in 1 to 2,000 bytes"));
    }
    Ok(reason)
}

async fn one(txn: &DatabaseTransaction, actor: &Actor, id: ClusterId) -> Result<cluster::Model, Error> {
    let select = visible::for_update(visible::clusters(actor).filter(cluster::Column::Id.eq(id)));
    select.one(txn).await?.ok_or_else(|| Error::not_found("cluster", id))
}

async fn members(
    txn: &DatabaseTransaction,
    actor: &Actor,
    id: ClusterId,
) -> Result<Vec<ObservableId>, Error> {
    let rows = visible::cluster_members(actor)
        .filter(cluster_member::Column::ClusterId.eq(id))
        .select_only()
        .column(cluster_member::Column::ObservableId)
        .limit(MOST_MEMBERS as u64 + 1)
        .into_tuple()
        .all(txn)
        .await?;
    bounded("from", &rows)?;
    Ok(rows)
}

/// Refuses what the actor does not see, what is of another operation than the cluster, and what is named twice.
async fn seen(
    txn: &DatabaseTransaction,
    actor: &Actor,
    operation: Option<OperationId>,
    observables: &[ObservableId],
) -> Result<(), Error> {
    if observables.is_empty() {
        return Err(Error::invalid("observables", "name at least one"));
    }
    if observables.iter().collect::<BTreeSet<_>>().len() < observables.len() {
        return Err(Error::invalid("observables", "name each once"));
    }
    bounded("observables", observables)?;
    let seen: BTreeMap<ObservableId, Option<OperationId>> = visible::observables(actor)
        .filter(observable::Column::Id.is_in(observables.iter().copied()))
        .select_only()
        .columns([observable::Column::Id, observable::Column::OperationId])
        .into_tuple::<(ObservableId, Option<OperationId>)>()
        .all(txn)
        .await?
        .into_iter()
        .collect();
    if let Some(missing) = observables.iter().find(|id| !seen.contains_key(id)) {
        return Err(Error::not_found("observable", *missing));
    }
    if seen.values().any(|of| *of != operation) {
        return Err(Error::invalid("observables", "must be of the operation that the cluster is of"));
    }
    Ok(())
}

async fn rule(
    env: &Env,
    txn: &DatabaseTransaction,
    actor: &Actor,
    kind: ClusterRulingKind,
    cluster: ClusterId,
    observables: &[Option<ObservableId>],
    reason: &str,
) -> Result<(), Error> {
    let rows = observables
        .iter()
        .map(|observable| cluster_ruling::ActiveModel {
            id: Set(env.id()),
            kind: Set(kind),
            cluster_id: Set(cluster),
            observable_id: Set(*observable),
            reason: Set(reason.to_owned()),
            ruled_by: Set(actor.to_string()),
            ruled_at: Set(env.now()),
        })
        .collect();
    insert_all::<cluster_ruling::Entity, _>(txn, rows).await
}

/// Pins observables to a cluster, in the rulings and, at once, in the memberships. Returns the clusters that changed.
async fn put(
    env: &Env,
    txn: &DatabaseTransaction,
    actor: &Actor,
    cluster: ClusterId,
    observables: &[ObservableId],
    reason: &str,
) -> Result<BTreeSet<ClusterId>, Error> {
    let each: Vec<_> = observables.iter().copied().map(Some).collect();
    rule(env, txn, actor, ClusterRulingKind::Pinned, cluster, &each, reason).await?;
    let mut changed = homes(txn, observables).await?;
    changed.insert(cluster);
    take_out(txn, None, observables).await?;
    let why =
        json!([{ "kind": "ruling", "value": format!("{actor}: {reason}"), "shared_by": 1, "weight": 0 }]);
    let rows = observables
        .iter()
        .map(|observable| cluster_member::ActiveModel {
            cluster_id: Set(cluster),
            observable_id: Set(*observable),
            reasons: Set(why.clone()),
            joined_at: Set(env.now()),
        })
        .collect();
    insert_all::<cluster_member::Entity, _>(txn, rows).await?;
    resize(env, txn, &changed).await?;
    Ok(changed)
}

/// The clusters that these observables are in.
#[expect(clippy::disallowed_methods, reason = "the observables were seen; their clusters change with them")]
async fn homes(
    txn: &DatabaseTransaction,
    observables: &[ObservableId],
) -> Result<BTreeSet<ClusterId>, Error> {
    let homes: Vec<ClusterId> = cluster_member::Entity::find()
        .select_only()
        .column(cluster_member::Column::ClusterId)
        .distinct()
        .filter(cluster_member::Column::ObservableId.is_in(observables.iter().copied()))
        .into_tuple()
        .all(txn)
        .await?;
    Ok(homes.into_iter().collect())
}

#[expect(clippy::disallowed_methods, reason = "writes memberships as a ruling says")]
async fn take_out(
    txn: &DatabaseTransaction,
    from: Option<ClusterId>,
    observables: &[ObservableId],
) -> Result<(), Error> {
    let mut delete = cluster_member::Entity::delete_many()
        .filter(cluster_member::Column::ObservableId.is_in(observables.iter().copied()));
    if let Some(from) = from {
        delete = delete.filter(cluster_member::Column::ClusterId.eq(from));
    }
    delete.exec(txn).await?;
    Ok(())
}

/// Brings the sizes of these clusters to their members.
#[expect(clippy::disallowed_methods, reason = "sizes count every member, whoever sees it")]
async fn resize(env: &Env, txn: &DatabaseTransaction, clusters: &BTreeSet<ClusterId>) -> Result<(), Error> {
    let counts: BTreeMap<ClusterId, i64> = cluster_member::Entity::find()
        .select_only()
        .column(cluster_member::Column::ClusterId)
        .column_as(cluster_member::Column::ObservableId.count(), "count")
        .filter(cluster_member::Column::ClusterId.is_in(clusters.iter().copied()))
        .group_by(cluster_member::Column::ClusterId)
        .into_tuple::<(ClusterId, i64)>()
        .all(txn)
        .await?
        .into_iter()
        .collect();
    let rows = cluster::Entity::find().filter(cluster::Column::Id.is_in(clusters.iter().copied()));
    for row in rows.order_by_asc(cluster::Column::Id).all(txn).await? {
        let version = row.version;
        let size = counts.get(&row.id).copied().unwrap_or(0);
        let mut active = row.into_active_model();
        active.size = Set(size);
        active.updated_at = Set(env.now());
        active.version = Set(version + 1);
        active.update(txn).await?;
    }
    Ok(())
}
