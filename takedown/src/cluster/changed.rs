//! What the ledger tells of names since a run, and what grouping them anew can move.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entities::{
    ClusterId, ImportId, LinkId, LinkKind, ObservableId, PivotRuling, audit_event, cluster_member, link,
    observable, pivot, sighting,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{
    burst,
    engine::{MOST_OF_A_DAY, Tuning},
    gather::{CREATED, day},
    holdings::{self, Held, Value},
    kind::PivotKind,
    moment::Moment,
};
use crate::{access, actor::Actor, error::Error, visible};

/// Events that one reading takes.
const EVENTS: u64 = 500;
/// Ids in one condition.
const IDS: usize = 5_000;

/// The events after which names are grouped anew.
pub const VERBS: [&str; 4] = ["observed", "imported", "ruled", "withdrawn"];

/// What happened since a run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// The names whose holdings may have changed.
    pub names: BTreeSet<ObservableId>,
    /// Whether a person ruled about a value or withdrew a ruling, which can move anybody.
    pub ruled: bool,
}

/// What events after number `after` and up to number `until` tell.
///
/// # Errors
/// The database refused.
#[expect(clippy::disallowed_methods, reason = "the ledger tells a run what to read; nobody is shown it")]
pub async fn since(
    db: &impl ConnectionTrait,
    actor: &Actor,
    mut after: i64,
    until: i64,
) -> Result<Touched, Error> {
    let (mut told, mut imports, mut ruled) = (BTreeSet::new(), BTreeSet::<ImportId>::new(), false);
    loop {
        let events = audit_event::Entity::find()
            .filter(audit_event::Column::Seq.gt(after))
            .filter(audit_event::Column::Seq.lte(until))
            .filter(audit_event::Column::Verb.is_in(VERBS))
            .filter(access::ledger(actor))
            .order_by_asc(audit_event::Column::Seq)
            .limit(EVENTS)
            .all(db)
            .await?;
        let Some(last) = events.last() else { break };
        after = last.seq;
        for event in &events {
            match event.verb.as_str() {
                "observed" => told.extend(named(event)?),
                "imported" => imports.extend(event.subject.parse::<ImportId>().ok()),
                _ => ruled = true,
            }
        }
    }
    for import in &imports {
        told.extend(sighted(db, actor, *import).await?);
    }
    // An import stores its links after itself, and ids rise: the first import's and all that came since.
    if let Some(first) = imports.first() {
        told.extend(linked(db, actor, LinkId(first.0)).await?);
    }
    Ok(Touched { names: names(db, actor, &told).await?, ruled })
}

/// The observables that an event names.
fn named(event: &audit_event::Model) -> Result<Vec<ObservableId>, Error> {
    let detail: serde_json::Value = serde_json::from_str(&event.detail).map_err(Error::internal)?;
    let ids = detail["ids"].as_array().into_iter().flatten();
    Ok(ids.filter_map(|id| id.as_str()?.parse().ok()).collect())
}

/// What an import sighted first.
async fn sighted(
    db: &impl ConnectionTrait,
    actor: &Actor,
    import: ImportId,
) -> Result<Vec<ObservableId>, Error> {
    let select = visible::sightings(actor)
        .select_only()
        .column(sighting::Column::ObservableId)
        .distinct()
        .filter(sighting::Column::ImportId.eq(import));
    Ok(select.into_tuple().all(db).await?)
}

/// The ends of links stored since a link, and what hosts the pages among them.
async fn linked(
    db: &impl ConnectionTrait,
    actor: &Actor,
    first: LinkId,
) -> Result<BTreeSet<ObservableId>, Error> {
    let mut ends = BTreeSet::new();
    let mut pages: Vec<ObservableId> = Vec::new();
    let mut from = first;
    loop {
        let rows: Vec<(LinkId, ObservableId, LinkKind, ObservableId)> = visible::links(actor)
            .select_only()
            .columns([link::Column::Id, link::Column::FromId, link::Column::Kind, link::Column::ToId])
            .filter(link::Column::Id.gt(from))
            .order_by_asc(link::Column::Id)
            .limit(IDS as u64)
            .into_tuple()
            .all(db)
            .await?;
        let Some(last) = rows.last() else { break };
        from = last.0;
        for (_, from, kind, to) in &rows {
            ends.extend([*from, *to]);
            if *kind == LinkKind::RedirectsTo {
                pages.push(*from);
            }
        }
    }
    for part in pages.chunks(IDS) {
        let hosts: Vec<ObservableId> = visible::links(actor)
            .select_only()
            .column(link::Column::ToId)
            .filter(link::Column::FromId.is_in(part.iter().copied()))
            .filter(link::Column::Kind.eq(LinkKind::HostedOn))
            .into_tuple()
            .all(db)
            .await?;
        ends.extend(hosts);
    }
    Ok(ends)
}

/// Those that are grouped.
async fn names(
    db: &impl ConnectionTrait,
    actor: &Actor,
    ids: &BTreeSet<ObservableId>,
) -> Result<BTreeSet<ObservableId>, Error> {
    let ids: Vec<ObservableId> = ids.iter().copied().collect();
    let mut names = BTreeSet::new();
    for part in ids.chunks(IDS) {
        let select = holdings::names(actor)
            .select_only()
            .column(observable::Column::Id)
            .filter(observable::Column::Id.is_in(part.iter().copied()));
        names.extend(select.into_tuple::<ObservableId>().all(db).await?);
    }
    Ok(names)
}

/// What grouping some names anew can move, and what it needs to know.
pub struct Around {
    /// The names, those that share something with them, and the clusters of all of these, whole.
    pub ids: BTreeSet<ObservableId>,
    /// The cluster of each that is in one.
    pub homes: BTreeMap<ObservableId, ClusterId>,
    /// Others that were registered at the same registrars' days.
    pub beside: BTreeSet<ObservableId>,
    /// How many hold what the names hold.
    pub counts: HashMap<Value, usize>,
}

/// What is around some names.
///
/// # Errors
/// The database refused.
pub async fn around(
    db: &impl ConnectionTrait,
    actor: &Actor,
    touched: &BTreeSet<ObservableId>,
    tuning: Tuning,
) -> Result<Around, Error> {
    let ids: Vec<ObservableId> = touched.iter().copied().collect();
    let held = holdings::of(db, actor, &ids).await?;
    let values: BTreeSet<Value> = held
        .iter()
        .filter(|row| row.kind != CREATED && row.kind != PivotKind::Day.as_str())
        .map(|row| (row.kind.clone(), row.value.clone()))
        .collect();
    let counts = holdings::counts(db, actor, &values).await?;
    let trusted = trusted(db, actor).await?;
    let telling = |value: &&Value| {
        trusted.contains(*value) || counts.get(*value).is_some_and(|count| *count <= tuning.hub_limit)
    };
    let shared: BTreeSet<Value> = values.iter().filter(telling).cloned().collect();
    let holders = holdings::holders(db, actor, &shared).await?;
    let mut near: BTreeSet<ObservableId> = holders.into_iter().map(|(_, of)| of).collect();
    near.extend(registered_with(db, actor, &held).await?);
    near.extend(touched);
    let homes = with_clusters(db, actor, &near).await?;
    near.extend(homes.keys());
    let ids: Vec<ObservableId> = near.iter().copied().collect();
    let registrations = holdings::registrations(db, actor, &ids).await?;
    let days: BTreeSet<Value> = days(&registrations).into_values().flatten().collect();
    let beside = holdings::holders(db, actor, &days).await?.into_iter().map(|(_, of)| of);
    let beside = beside.filter(|of| !near.contains(of)).collect();
    Ok(Around { ids: near, homes, beside, counts })
}

/// The registrars' days that a burst with each name may lie in: the day itself, and over midnight the next.
fn days(held: &BTreeSet<Held>) -> BTreeMap<ObservableId, Vec<Value>> {
    let mut registrar: HashMap<ObservableId, &str> = HashMap::new();
    for row in held.iter().filter(|row| row.kind == PivotKind::Registrar.as_str()) {
        registrar.entry(row.of).or_insert(&row.value);
    }
    let mut days: BTreeMap<ObservableId, Vec<Value>> = BTreeMap::new();
    for (of, moment) in created(held) {
        let Some(registrar) = registrar.get(&of) else { continue };
        let near = |shift: i64| Moment { second: moment.second + shift, ..moment };
        let mut values: Vec<Value> = [near(-burst::FARTHEST_APART), moment, near(burst::FARTHEST_APART)]
            .map(|moment| (PivotKind::Day.as_str().to_owned(), day(registrar, moment)))
            .into();
        values.dedup();
        days.insert(of, values);
    }
    days
}

/// When each was registered.
fn created(held: &BTreeSet<Held>) -> BTreeMap<ObservableId, Moment> {
    let mut created: BTreeMap<ObservableId, Moment> = BTreeMap::new();
    for row in held.iter().filter(|row| row.kind == CREATED) {
        if let Some(moment) = Moment::read(&row.value) {
            let known = created.entry(row.of).or_insert(moment);
            *known = known.earlier(moment);
        }
    }
    created
}

/// Who was registered at the same registrar within minutes of one of these, or on one of its few of that day.
async fn registered_with(
    db: &impl ConnectionTrait,
    actor: &Actor,
    held: &BTreeSet<Held>,
) -> Result<BTreeSet<ObservableId>, Error> {
    let mut moments: BTreeMap<Value, Vec<i64>> = BTreeMap::new();
    let at = created(held);
    for (of, values) in days(held) {
        for value in values {
            moments.entry(value).or_default().push(at[&of].second);
        }
    }
    moments.values_mut().for_each(|seconds| seconds.sort_unstable());
    let values: BTreeSet<Value> = moments.keys().cloned().collect();
    let mut of_day: HashMap<Value, Vec<ObservableId>> = HashMap::new();
    for (value, of) in holdings::holders(db, actor, &values).await? {
        of_day.entry(value).or_default().push(of);
    }
    let ids: Vec<ObservableId> =
        of_day.values().flatten().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let at = created(&holdings::registrations(db, actor, &ids).await?);
    let mut found = BTreeSet::new();
    for (value, seconds) in &moments {
        let names = of_day.get(value).map(Vec::as_slice).unwrap_or_default();
        for of in names {
            let close = at.get(of).is_some_and(|moment| {
                let next = seconds.partition_point(|one| *one < moment.second - burst::FARTHEST_APART);
                seconds.get(next).is_some_and(|one| *one <= moment.second + burst::FARTHEST_APART)
            });
            if close || names.len() <= MOST_OF_A_DAY {
                found.insert(*of);
            }
        }
    }
    Ok(found)
}

/// The values that people trust, however many hold them.
async fn trusted(db: &impl ConnectionTrait, actor: &Actor) -> Result<BTreeSet<Value>, Error> {
    let rows = visible::pivots(actor).filter(pivot::Column::Ruling.eq(PivotRuling::Trusted)).all(db).await?;
    Ok(rows.into_iter().map(|row| (row.kind, row.value)).collect())
}

/// The members of every cluster that one of these is in, with their clusters.
async fn with_clusters(
    db: &impl ConnectionTrait,
    actor: &Actor,
    ids: &BTreeSet<ObservableId>,
) -> Result<BTreeMap<ObservableId, ClusterId>, Error> {
    let ids: Vec<ObservableId> = ids.iter().copied().collect();
    let mut clusters: BTreeSet<ClusterId> = BTreeSet::new();
    for part in ids.chunks(IDS) {
        let select = visible::cluster_members(actor)
            .select_only()
            .column(cluster_member::Column::ClusterId)
            .distinct()
            .filter(cluster_member::Column::ObservableId.is_in(part.iter().copied()));
        clusters.extend(select.into_tuple::<ClusterId>().all(db).await?);
    }
    let clusters: Vec<ClusterId> = clusters.into_iter().collect();
    let mut homes = BTreeMap::new();
    for part in clusters.chunks(IDS) {
        let select = visible::cluster_members(actor)
            .select_only()
            .columns([cluster_member::Column::ObservableId, cluster_member::Column::ClusterId])
            .filter(cluster_member::Column::ClusterId.is_in(part.iter().copied()));
        homes.extend(select.into_tuple::<(ObservableId, ClusterId)>().all(db).await?);
    }
    Ok(homes)
}

#[cfg(test)]
mod tests;
