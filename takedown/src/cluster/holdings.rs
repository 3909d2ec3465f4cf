//! Table `holding`: brought to what [`gather`](super::gather) reads, and asked who else holds a value.

use std::collections::{BTreeSet, HashMap};

use entities::{ObservableId, ObservableKind, OperationId, holding, observable, sighting};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait, Select,
};

use super::{
    gather::{CREATED, gather},
    kind::PivotKind,
    store::{alone, insert_all},
};
use crate::{actor::Actor, env::Env, error::Error, visible};

/// Names that are refreshed in one transaction, so that nobody else who writes waits for long.
const NAMES: u64 = 1_000;
/// Values or ids in one condition.
const PART: usize = 2_000;

/// A kind and a value of it.
pub type Value = (String, String);

/// That a name holds a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// The name.
    pub of: ObservableId,
    /// Of what kind the value is.
    pub kind: String,
    /// The value.
    pub value: String,
}

impl From<(ObservableId, String, String)> for Held {
    fn from((of, kind, value): (ObservableId, String, String)) -> Self {
        Self { of, kind, value }
    }
}

/// What a page of names holds: those with ids from `first` to `last`.
///
/// # Errors
/// The database refused.
pub async fn between(
    db: &impl ConnectionTrait,
    actor: &Actor,
    first: ObservableId,
    last: ObservableId,
) -> Result<Vec<Held>, Error> {
    rows(db, actor, holding::Column::ObservableId.between(first, last).into()).await
}

async fn rows(db: &impl ConnectionTrait, actor: &Actor, condition: Condition) -> Result<Vec<Held>, Error> {
    let select = visible::holdings(actor)
        .select_only()
        .columns([holding::Column::ObservableId, holding::Column::Kind, holding::Column::Value])
        .filter(condition);
    let rows: Vec<(ObservableId, String, String)> = select.into_tuple().all(db).await?;
    Ok(rows.into_iter().map(Held::from).collect())
}

/// The names that are grouped: those with a sighting.
pub fn names(actor: &Actor) -> Select<observable::Entity> {
    let sighted = visible::sightings(actor).select_only().column(sighting::Column::ObservableId).into_query();
    visible::observables(actor)
        .filter(observable::Column::Kind.is_in([ObservableKind::DomainName, ObservableKind::HostName]))
        .filter(observable::Column::Id.in_subquery(sighted))
}

/// Brings the holdings of every name to what the store tells now.
///
/// # Errors
/// The database refused.
pub async fn refresh_all(env: &Env, actor: &Actor) -> Result<(), Error> {
    let mut after: Option<ObservableId> = None;
    loop {
        let mut page = names(actor)
            .select_only()
            .column(observable::Column::Id)
            .order_by_asc(observable::Column::Id)
            .limit(NAMES);
        if let Some(after) = after {
            page = page.filter(observable::Column::Id.gt(after));
        }
        let ids: Vec<ObservableId> = page.into_tuple().all(&env.db).await?;
        let Some(last) = ids.last() else { return Ok(()) };
        after = Some(*last);
        refresh(env, actor, &ids).await?;
    }
}

/// Brings the holdings of these names to what the store tells now.
///
/// # Errors
/// The database refused.
pub async fn refresh(env: &Env, actor: &Actor, ids: &[ObservableId]) -> Result<(), Error> {
    for part in ids.chunks(NAMES as usize) {
        // Mostly there is nothing to write, and nobody is kept waiting.
        if of(&env.db, actor, part).await? == wanted(env, &env.db, actor, part).await? {
            continue;
        }
        let txn = env.begin().await?;
        alone(&txn).await?;
        let (present, wanted) = (of(&txn, actor, part).await?, wanted(env, &txn, actor, part).await?);
        remove(&txn, present.difference(&wanted)).await?;
        let own = operations(&txn, actor, part).await?;
        let new = wanted.difference(&present).map(|row| holding::ActiveModel {
            observable_id: Set(row.of),
            kind: Set(row.kind.clone()),
            value: Set(row.value.clone()),
            operation_id: Set(own.get(&row.of).copied()),
        });
        insert_all::<holding::Entity, _>(&txn, new.collect()).await?;
        env.commit(txn).await?;
    }
    Ok(())
}

/// The operations of those of these names that belong to one.
async fn operations(
    db: &impl ConnectionTrait,
    actor: &Actor,
    ids: &[ObservableId],
) -> Result<HashMap<ObservableId, OperationId>, Error> {
    let rows: Vec<(ObservableId, OperationId)> = visible::observables(actor)
        .select_only()
        .columns([observable::Column::Id, observable::Column::OperationId])
        .filter(observable::Column::Id.is_in(ids.iter().copied()))
        .filter(observable::Column::OperationId.is_not_null())
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.into_iter().collect())
}

async fn wanted(
    env: &Env,
    db: &impl ConnectionTrait,
    actor: &Actor,
    ids: &[ObservableId],
) -> Result<BTreeSet<Held>, Error> {
    let row = |(of, kind, value): (_, &str, _)| Held { of, kind: kind.to_owned(), value };
    Ok(gather(&env.intake.benign, db, actor, ids).await?.into_keys().map(row).collect())
}

#[expect(clippy::disallowed_methods, reason = "the one writer of holdings, for all of them")]
async fn remove(txn: &DatabaseTransaction, gone: impl Iterator<Item = &Held>) -> Result<(), Error> {
    for row in gone {
        holding::Entity::delete_many()
            .filter(holding::Column::ObservableId.eq(row.of))
            .filter(holding::Column::Kind.eq(row.kind.as_str()))
            .filter(holding::Column::Value.eq(row.value.as_str()))
            .exec(txn)
            .await?;
    }
    Ok(())
}

/// What these names hold.
///
/// # Errors
/// The database refused.
pub async fn of(
    db: &impl ConnectionTrait,
    actor: &Actor,
    ids: &[ObservableId],
) -> Result<BTreeSet<Held>, Error> {
    some_of(db, actor, ids, Condition::all()).await
}

/// When these names were registered, and by whom.
///
/// # Errors
/// The database refused.
pub async fn registrations(
    db: &impl ConnectionTrait,
    actor: &Actor,
    ids: &[ObservableId],
) -> Result<BTreeSet<Held>, Error> {
    let kinds = [CREATED, PivotKind::Registrar.as_str()];
    some_of(db, actor, ids, Condition::all().add(holding::Column::Kind.is_in(kinds))).await
}

async fn some_of(
    db: &impl ConnectionTrait,
    actor: &Actor,
    ids: &[ObservableId],
    condition: Condition,
) -> Result<BTreeSet<Held>, Error> {
    let mut held = BTreeSet::new();
    for part in ids.chunks(PART) {
        let within = holding::Column::ObservableId.is_in(part.iter().copied());
        let rows = rows(db, actor, condition.clone().add(within)).await?;
        held.extend(rows);
    }
    Ok(held)
}

/// How many names hold each of these values.
///
/// # Errors
/// The database refused.
pub async fn counts(
    db: &impl ConnectionTrait,
    actor: &Actor,
    values: &BTreeSet<Value>,
) -> Result<HashMap<Value, usize>, Error> {
    let mut counts = HashMap::with_capacity(values.len());
    for (kind, part) in parts(values) {
        let rows: Vec<(String, i64)> = visible::holdings(actor)
            .select_only()
            .column(holding::Column::Value)
            .column_as(holding::Column::ObservableId.count(), "count")
            .filter(held(&kind, &part))
            .group_by(holding::Column::Value)
            .into_tuple()
            .all(db)
            .await?;
        let counted = rows.into_iter().map(|(value, count)| ((kind.clone(), value), count as usize));
        counts.extend(counted);
    }
    Ok(counts)
}

/// Who holds these values, with the value of each.
///
/// # Errors
/// The database refused.
pub async fn holders(
    db: &impl ConnectionTrait,
    actor: &Actor,
    values: &BTreeSet<Value>,
) -> Result<Vec<(Value, ObservableId)>, Error> {
    let mut holders = Vec::new();
    for (kind, part) in parts(values) {
        let rows: Vec<(String, ObservableId)> = visible::holdings(actor)
            .select_only()
            .columns([holding::Column::Value, holding::Column::ObservableId])
            .filter(held(&kind, &part))
            .into_tuple()
            .all(db)
            .await?;
        holders.extend(rows.into_iter().map(|(value, of)| ((kind.clone(), value), of)));
    }
    Ok(holders)
}

fn held(kind: &str, values: &[&str]) -> Condition {
    Condition::all()
        .add(holding::Column::Value.is_in(values.iter().copied()))
        .add(holding::Column::Kind.eq(kind))
}

/// Values by kind, as many as one condition takes.
fn parts(values: &BTreeSet<Value>) -> Vec<(String, Vec<&str>)> {
    let values: Vec<&Value> = values.iter().collect();
    values
        .chunk_by(|a, b| a.0 == b.0)
        .flat_map(|of_kind| of_kind.chunks(PART))
        .map(|part| (part[0].0.clone(), part.iter().map(|value| value.1.as_str()).collect()))
        .collect()
}
