//! Labelled names out of the store, and models into it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entities::{
    ClusterId, ObservableId, ObservableKind, SightingId, Timestamp, cluster_member, cluster_model,
    observable, sighting,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, QueryFilter,
    QueryOrder, QuerySelect,
};
use sha2::{Digest, Sha256};

use super::{
    MOST_MEMBERS,
    learn::{Labelled, Model, PIVOTS},
};
use crate::{
    actor::Actor,
    cluster::{
        holdings::{self, Value},
        store::alone,
    },
    env::Env,
    error::Error,
    visible,
};

/// The most labelled names that are learned from: the newest.
const MOST_EXAMPLES: usize = 200_000;
/// Ids in one condition.
const IDS: usize = 5_000;
/// Sightings in one page.
const PAGE: u64 = 50_000;
/// What more names hold is no evidence, unless the model keeps it.
const HOLDERS: usize = 1_000;

/// The columns of a sighting that tell a family.
type SightingRow = (SightingId, ObservableId, String, Option<Timestamp>);

/// The labelled domain names in the order in which sources first saw them. Names without a date come first, in an order
/// of chance, that of their hashes: when a list was imported says nothing of when its names were in use, and no family
/// may be wholly before another by it. Names below a domain tell the same as the domain, and are left out.
///
/// # Errors
/// The database refused.
pub async fn examples(db: &impl ConnectionTrait, actor: &Actor) -> Result<Vec<Labelled>, Error> {
    let mut first: HashMap<ObservableId, (Option<Timestamp>, String)> = HashMap::new();
    let mut after: Option<SightingId> = None;
    loop {
        let mut page = visible::sightings(actor)
            .select_only()
            .columns([
                sighting::Column::Id,
                sighting::Column::ObservableId,
                sighting::Column::Family,
                sighting::Column::SeenAt,
            ])
            .filter(sighting::Column::Family.ne(""))
            .order_by_asc(sighting::Column::Id)
            .limit(PAGE);
        if let Some(after) = after {
            page = page.filter(sighting::Column::Id.gt(after));
        }
        let rows: Vec<SightingRow> = page.into_tuple().all(db).await?;
        let Some(last) = rows.last() else { break };
        after = Some(last.0);
        for (_, of, family, seen) in rows {
            let told = (seen, family);
            let known = first.entry(of).or_insert_with(|| told.clone());
            // A date is worth more than none.
            if (told.0.is_none(), &told) < (known.0.is_none(), &*known) {
                *known = told;
            }
        }
    }
    let mut ids: Vec<ObservableId> = first.keys().copied().collect();
    ids.sort_unstable();
    let mut order: Vec<(Option<Timestamp>, [u8; 32], ObservableId, String)> = Vec::with_capacity(ids.len());
    for part in ids.chunks(IDS) {
        let domains = visible::observables(actor)
            .select_only()
            .columns([observable::Column::Id, observable::Column::Value])
            .filter(observable::Column::Kind.eq(ObservableKind::DomainName))
            .filter(observable::Column::Id.is_in(part.iter().copied()));
        for (id, name) in domains.into_tuple::<(ObservableId, String)>().all(db).await? {
            order.push((first[&id].0, Sha256::digest(&name).into(), id, name));
        }
    }
    order.sort_unstable();
    let order = &order[order.len().saturating_sub(MOST_EXAMPLES)..];
    let mut examples = Vec::with_capacity(order.len());
    for part in order.chunks(IDS) {
        let ids: Vec<ObservableId> = part.iter().map(|(.., id, _)| *id).collect();
        let mut held = held(db, actor, &ids).await?;
        for (.., id, name) in part {
            let held = held.remove(id).unwrap_or_default();
            examples.push(Labelled { name: name.clone(), family: first[id].1.clone(), held });
        }
    }
    Ok(examples)
}

/// What names hold that is evidence.
///
/// # Errors
/// The database refused.
pub async fn held(
    db: &impl ConnectionTrait,
    actor: &Actor,
    ids: &[ObservableId],
) -> Result<HashMap<ObservableId, Vec<Value>>, Error> {
    let mut held: HashMap<ObservableId, Vec<Value>> = HashMap::new();
    for row in holdings::of(db, actor, ids).await? {
        if PIVOTS.iter().any(|kind| kind.as_str() == row.kind) {
            held.entry(row.of).or_default().push((row.kind, row.value));
        }
    }
    Ok(held)
}

/// The names among these observables.
///
/// # Errors
/// The database refused.
pub async fn names(
    db: &impl ConnectionTrait,
    actor: &Actor,
    ids: &[ObservableId],
) -> Result<BTreeMap<ObservableId, String>, Error> {
    let mut names = BTreeMap::new();
    for part in ids.chunks(IDS) {
        let select = holdings::names(actor)
            .select_only()
            .columns([observable::Column::Id, observable::Column::Value])
            .filter(observable::Column::Id.is_in(part.iter().copied()));
        names.extend(select.into_tuple::<(ObservableId, String)>().all(db).await?);
    }
    Ok(names)
}

/// The family that a source tells of each of these; of several the first by name.
///
/// # Errors
/// The database refused.
pub async fn labels(
    db: &impl ConnectionTrait,
    actor: &Actor,
    ids: &[ObservableId],
) -> Result<BTreeMap<ObservableId, String>, Error> {
    let mut labels: BTreeMap<ObservableId, String> = BTreeMap::new();
    for part in ids.chunks(IDS) {
        let select = visible::sightings(actor)
            .select_only()
            .columns([sighting::Column::ObservableId, sighting::Column::Family])
            .distinct()
            .filter(sighting::Column::Family.ne(""))
            .filter(sighting::Column::ObservableId.is_in(part.iter().copied()));
        for (of, family) in select.into_tuple::<(ObservableId, String)>().all(db).await? {
            let known = labels.entry(of).or_insert_with(|| family.clone());
            if family < *known {
                *known = family;
            }
        }
    }
    Ok(labels)
}

/// Who holds these values, with the family that a source tells of each. A value that many hold, of whom few are labelled,
/// is no evidence.
///
/// # Errors
/// The database refused.
pub async fn labelled_holders(
    db: &impl ConnectionTrait,
    actor: &Actor,
    values: &BTreeSet<Value>,
) -> Result<HashMap<Value, Vec<(ObservableId, String)>>, Error> {
    let counts = holdings::counts(db, actor, values).await?;
    let few: BTreeSet<Value> =
        counts.into_iter().filter(|(_, count)| *count <= HOLDERS).map(|(value, _)| value).collect();
    let mut holders: HashMap<Value, Vec<(ObservableId, String)>> = HashMap::new();
    let held = holdings::holders(db, actor, &few).await?;
    let ids: BTreeSet<ObservableId> = held.iter().map(|(_, of)| *of).collect();
    let labels = labels(db, actor, &ids.into_iter().collect::<Vec<_>>()).await?;
    for (value, of) in held {
        if let Some(family) = labels.get(&of) {
            holders.entry(value).or_default().push((of, family.clone()));
        }
    }
    Ok(holders)
}

/// The first members of each of these clusters.
///
/// # Errors
/// The database refused.
pub async fn members(
    db: &impl ConnectionTrait,
    actor: &Actor,
    ids: &[ClusterId],
) -> Result<HashMap<ClusterId, Vec<ObservableId>>, Error> {
    let mut members: HashMap<ClusterId, Vec<ObservableId>> = HashMap::new();
    for part in ids.chunks(IDS) {
        let select = visible::cluster_members(actor)
            .select_only()
            .columns([cluster_member::Column::ClusterId, cluster_member::Column::ObservableId])
            .filter(cluster_member::Column::ClusterId.is_in(part.iter().copied()))
            .order_by_asc(cluster_member::Column::ObservableId);
        for (cluster, of) in select.into_tuple::<(ClusterId, ObservableId)>().all(db).await? {
            let first = members.entry(cluster).or_default();
            if first.len() < MOST_MEMBERS {
                first.push(of);
            }
        }
    }
    Ok(members)
}

/// The newest model that `actor` may see.
///
/// # Errors
/// The database refused, or the row is of another program.
pub async fn newest(
    db: &impl ConnectionTrait,
    actor: &Actor,
) -> Result<Option<(cluster_model::Model, Model)>, Error> {
    let newest = visible::cluster_models(actor).order_by_desc(cluster_model::Column::Version).limit(1);
    let Some(row) = newest.one(db).await? else { return Ok(None) };
    let model = serde_json::from_str(&row.model).map_err(Error::internal)?;
    Ok(Some((row, model)))
}

/// Keeps a model as the next version.
///
/// # Errors
/// The database refused.
pub async fn keep(
    env: &Env,
    txn: &DatabaseTransaction,
    actor: &Actor,
    model: &Model,
) -> Result<cluster_model::Model, Error> {
    alone(txn).await?;
    let last = visible::cluster_models(actor).order_by_desc(cluster_model::Column::Version).limit(1);
    let version = last.one(txn).await?.map_or(0, |row| row.version) + 1;
    let row = cluster_model::ActiveModel {
        id: Set(env.id()),
        version: Set(version),
        model: Set(serde_json::to_string(model).map_err(Error::internal)?),
        trained_by: Set(actor.to_string()),
        trained_at: Set(env.now()),
    };
    Ok(row.insert(txn).await?)
}
