//! The names to be grouped and what they share, ready for the engine.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use entities::{ObservableId, PivotRuling, observable, pivot, sighting};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{
    changed::Around,
    features::{Collector, Features, Row},
    gather::{Holdings, gather},
    holdings::{self, Value},
    kind::PivotKind,
};
use crate::{actor::Actor, env::Env, error::Error, visible};

/// Names in one page.
const PAGE: u64 = 10_000;
/// Ids in one condition.
const IDS: usize = 5_000;

/// The names and what they share.
#[derive(Default)]
pub struct Population {
    /// What they share.
    pub features: Features,
    /// Their ids, as [`Features::names`].
    pub ids: Vec<ObservableId>,
    /// The families that sightings of each name tell.
    families: HashMap<ObservableId, Vec<String>>,
}

impl Population {
    /// The ids by name.
    pub fn by_name(&self) -> HashMap<String, ObservableId> {
        let names = self.features.names.iter().map(ToString::to_string);
        names.zip(self.ids.iter().copied()).collect()
    }

    /// The family that most of the sightings of these names tell; empty if none does.
    pub fn family_of<'a>(&self, members: impl Iterator<Item = &'a ObservableId>) -> String {
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for family in members.filter_map(|id| self.families.get(id)).flatten() {
            *votes.entry(family).or_default() += 1;
        }
        // Of equals the first by name, so that the outcome does not depend on order.
        votes
            .into_iter()
            .rev()
            .max_by_key(|(_, count)| *count)
            .map(|(family, _)| family.to_owned())
            .unwrap_or_default()
    }
}

/// What people ruled about pivots.
type Rulings = HashMap<Value, PivotRuling>;

async fn rulings(db: &impl ConnectionTrait, actor: &Actor) -> Result<Rulings, Error> {
    let rows = visible::pivots(actor).filter(pivot::Column::Ruling.ne(PivotRuling::Unruled)).all(db).await?;
    Ok(rows.into_iter().map(|row| ((row.kind, row.value), row.ruling)).collect())
}

/// The values that are parked as hubs.
async fn parked(db: &impl ConnectionTrait, actor: &Actor) -> Result<HashSet<Value>, Error> {
    let rows = visible::pivots(actor).filter(pivot::Column::ParkedAt.is_not_null()).all(db).await?;
    Ok(rows.into_iter().map(|row| (row.kind, row.value)).collect())
}

/// Every name, with what the holdings tell.
///
/// # Errors
/// The database refused.
pub async fn everything(db: &impl ConnectionTrait, actor: &Actor) -> Result<Population, Error> {
    let mut loading = Loading::new(rulings(db, actor).await?);
    let mut after: Option<ObservableId> = None;
    loop {
        let mut page = holdings::names(actor)
            .select_only()
            .columns([observable::Column::Id, observable::Column::Value])
            .order_by_asc(observable::Column::Id)
            .limit(PAGE);
        if let Some(after) = after {
            page = page.filter(observable::Column::Id.gt(after));
        }
        let names: Vec<(ObservableId, String)> = page.into_tuple().all(db).await?;
        let (Some(first), Some(last)) = (names.first(), names.last()) else { break };
        let (first, last) = (first.0, last.0);
        after = Some(last);
        loading.names(names);
        for row in holdings::between(db, actor, first, last).await? {
            loading.row(row.of, &row.kind, &row.value);
        }
    }
    let families = families(db, actor, None, &loading).await?;
    Ok(loading.finish(families))
}

/// What is around some names, with how many others hold the same; of the names beside them the registrations alone.
///
/// # Errors
/// The database refused.
pub async fn around(db: &impl ConnectionTrait, actor: &Actor, around: &Around) -> Result<Population, Error> {
    let mut loading = Loading::new(rulings(db, actor).await?);
    let ids: Vec<ObservableId> = around.ids.iter().copied().collect();
    let beside: Vec<ObservableId> = around.beside.iter().copied().collect();
    for part in ids.chunks(IDS) {
        loading.names(named(db, actor, part).await?);
        for row in holdings::of(db, actor, part).await? {
            loading.row(row.of, &row.kind, &row.value);
        }
    }
    for part in beside.chunks(IDS) {
        let names = named(db, actor, part).await?;
        loading.beside.extend(names.iter().map(|(_, name)| Box::from(name.as_str())));
        loading.names(names);
        for row in holdings::registrations(db, actor, part).await? {
            loading.row(row.of, &row.kind, &row.value);
        }
    }
    let families = families(db, actor, Some(&ids), &loading).await?;
    let mut population = loading.finish(families);
    count(db, actor, &mut population.features, &around.counts).await?;
    Ok(population)
}

/// Some names, with what `actor` sees of them, and when each held what.
///
/// # Errors
/// The database refused.
pub async fn seen(env: &Env, actor: &Actor, ids: &[ObservableId]) -> Result<(Population, Holdings), Error> {
    let db = &env.db;
    let mut loading = Loading::new(rulings(db, actor).await?);
    for part in ids.chunks(IDS) {
        loading.names(named(db, actor, part).await?);
    }
    let held = gather(&env.intake.benign, db, actor, ids).await?;
    for (of, kind, value) in held.keys() {
        loading.row(*of, kind, value);
    }
    let families = families(db, actor, Some(ids), &loading).await?;
    let mut population = loading.finish(families);
    count(db, actor, &mut population.features, &HashMap::new()).await?;
    Ok((population, held))
}

/// The names among these observables.
async fn named(
    db: &impl ConnectionTrait,
    actor: &Actor,
    ids: &[ObservableId],
) -> Result<Vec<(ObservableId, String)>, Error> {
    let names = holdings::names(actor)
        .select_only()
        .columns([observable::Column::Id, observable::Column::Value])
        .filter(observable::Column::Id.is_in(ids.iter().copied()));
    Ok(names.into_tuple().all(db).await?)
}

/// Counts those who hold a value without being loaded, where that is not `known`, and silences what is parked as a hub.
async fn count(
    db: &impl ConnectionTrait,
    actor: &Actor,
    features: &mut Features,
    known: &HashMap<Value, usize>,
) -> Result<(), Error> {
    let parked = parked(db, actor).await?;
    let keys: Vec<Value> = features.pivots.iter().map(|pivot| features.key(pivot)).collect();
    let open = |key: &&Value| !parked.contains(*key) && !known.contains_key(*key);
    let asked: BTreeSet<Value> = keys.iter().filter(open).cloned().collect();
    let counts = holdings::counts(db, actor, &asked).await?;
    for (at, key) in keys.iter().enumerate() {
        let pivot = &mut features.pivots[at];
        match known.get(key).or_else(|| counts.get(key)) {
            Some(count) => pivot.shared_by = pivot.shared_by.max(*count),
            None if parked.contains(key) && !pivot.trusted => features.silence(at),
            None => {}
        }
    }
    Ok(())
}

struct Loading {
    collector: Collector,
    /// The names, by id.
    names: HashMap<ObservableId, Box<str>>,
    ids: HashMap<Box<str>, ObservableId>,
    beside: HashSet<Box<str>>,
    rulings: Rulings,
}

impl Loading {
    fn new(rulings: Rulings) -> Self {
        Self {
            collector: Collector::default(),
            names: HashMap::new(),
            ids: HashMap::new(),
            beside: HashSet::new(),
            rulings,
        }
    }

    fn names(&mut self, rows: Vec<(ObservableId, String)>) {
        for (id, name) in rows {
            self.collector.name(&name);
            let name: Box<str> = name.into();
            self.ids.insert(name.clone(), id);
            self.names.insert(id, name);
        }
    }

    fn row(&mut self, of: ObservableId, kind: &str, value: &str) {
        // The engine works registrars' days out of the dates.
        if kind == PivotKind::Day.as_str() {
            return;
        }
        let (Some(name), Some(number)) = (self.names.get(&of), self.collector.kind(kind)) else { return };
        let ruled = || self.rulings.get(&(kind.to_owned(), value.to_owned()));
        if !self.rulings.is_empty() && ruled() == Some(&PivotRuling::Excluded) {
            return;
        }
        self.collector.rows(&[Row { name, kind: number, value, since: None, ends: false }]);
    }

    fn finish(self, families: HashMap<ObservableId, Vec<String>>) -> Population {
        let mut features = self.collector.finish();
        for at in 0..features.pivots.len() {
            let key = features.key(&features.pivots[at]);
            features.pivots[at].trusted = self.rulings.get(&key) == Some(&PivotRuling::Trusted);
        }
        if !self.beside.is_empty() {
            features.beside = features.names.iter().map(|name| self.beside.contains(name)).collect();
        }
        let ids = features.names.iter().filter_map(|name| self.ids.get(name).copied()).collect();
        Population { features, ids, families }
    }
}

async fn families(
    db: &impl ConnectionTrait,
    actor: &Actor,
    within: Option<&[ObservableId]>,
    loading: &Loading,
) -> Result<HashMap<ObservableId, Vec<String>>, Error> {
    let select = || {
        visible::sightings(actor)
            .select_only()
            .columns([sighting::Column::ObservableId, sighting::Column::Family])
            .filter(sighting::Column::Family.ne(""))
            .distinct()
    };
    let mut families: HashMap<ObservableId, Vec<String>> = HashMap::new();
    let mut take = |rows: Vec<(ObservableId, String)>| {
        for (id, family) in rows {
            if loading.names.contains_key(&id) {
                families.entry(id).or_default().push(family);
            }
        }
    };
    match within {
        Some(within) => {
            for part in within.chunks(IDS) {
                let part = select().filter(sighting::Column::ObservableId.is_in(part.iter().copied()));
                take(part.into_tuple().all(db).await?);
            }
        }
        None => take(select().into_tuple().all(db).await?),
    }
    Ok(families)
}
