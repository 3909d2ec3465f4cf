//! What the store knows of the names to be grouped, read page by page.

use std::collections::{BTreeMap, HashMap, HashSet};

use entities::{
    LinkId, LinkKind, ObservableId, ObservableKind, ObservationId, PivotRuling, Probe, link, observable,
    observation, pivot, sighting,
};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select};
use serde_json::Value;

use super::{
    features::{Collector, Features, Row},
    moment::Moment,
};
use crate::{actor::Actor, error::Error, observe::reading::RdapDomainReading, visible};

/// Rows in one page.
const PAGE: u64 = 10_000;
/// Readings in one page: they are larger.
const READINGS: u64 = 1_000;
/// Ids in one condition.
const IDS: usize = 5_000;

/// The names and what they share.
pub struct Population {
    /// What they share.
    pub features: Features,
    /// Their ids, as [`Features::names`].
    pub ids: Vec<ObservableId>,
    /// The families that sightings of each name tell.
    families: HashMap<ObservableId, Vec<String>>,
}

impl Population {
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
pub type Rulings = HashMap<(String, String), PivotRuling>;

/// The rulings that stand.
///
/// # Errors
/// The database refused.
pub async fn rulings(db: &impl ConnectionTrait, actor: &Actor) -> Result<Rulings, Error> {
    let rows = visible::pivots(actor).filter(pivot::Column::Ruling.ne(PivotRuling::Unruled)).all(db).await?;
    Ok(rows.into_iter().map(|row| ((row.kind, row.value), row.ruling)).collect())
}

/// The values that are parked as hubs.
async fn parked(db: &impl ConnectionTrait, actor: &Actor) -> Result<HashSet<(String, String)>, Error> {
    let rows = visible::pivots(actor).filter(pivot::Column::ParkedAt.is_not_null()).all(db).await?;
    Ok(rows.into_iter().map(|row| (row.kind, row.value)).collect())
}

/// Loads the sighted names and what they share; `within` limits it to those.
///
/// # Errors
/// The database refused.
pub async fn population(
    db: &impl ConnectionTrait,
    actor: &Actor,
    within: Option<&[ObservableId]>,
) -> Result<Population, Error> {
    let rulings = rulings(db, actor).await?;
    let mut loading = Loading { collector: Collector::default(), names: HashMap::new(), rulings: &rulings };
    let ids = names(db, actor, within, &mut loading).await?;
    links(db, actor, within, &mut loading).await?;
    registrations(db, actor, within, &mut loading).await?;
    let families = families(db, actor, within, &loading).await?;
    let mut features = loading.collector.finish();
    // The set of name servers is known only now; what is parked has more holders outside of `within`.
    let parked = if within.is_some() { parked(db, actor).await? } else { HashSet::new() };
    for at in 0..features.pivots.len() {
        let kind = features.pivot_kind(features.pivots[at].kind);
        let key = (kind.as_str().to_owned(), features.pivots[at].value.to_string());
        match rulings.get(&key) {
            Some(PivotRuling::Trusted) => features.pivots[at].trusted = true,
            Some(PivotRuling::Excluded) => features.silence(at),
            Some(PivotRuling::Unruled) | None if parked.contains(&key) => features.silence(at),
            Some(PivotRuling::Unruled) | None => {}
        }
    }
    let ids = features.names.iter().filter_map(|name| ids.get(&**name).copied()).collect();
    Ok(Population { features, ids, families })
}

struct Loading<'a> {
    collector: Collector,
    /// The names, by id.
    names: HashMap<ObservableId, Box<str>>,
    rulings: &'a Rulings,
}

impl Loading<'_> {
    fn row(&mut self, from: ObservableId, kind: &str, value: &str, since: Option<Moment>) {
        let (Some(name), Some(number)) = (self.names.get(&from), self.collector.kind(kind)) else { return };
        let pivot = match super::kind::meaning(kind) {
            super::kind::Meaning::Pivot(pivot) => pivot.as_str(),
            _ => "",
        };
        if self.rulings.get(&(pivot.to_owned(), value.to_owned())) == Some(&PivotRuling::Excluded) {
            return;
        }
        self.collector.rows(&[Row { name, kind: number, value, since, ends: false }]);
    }
}

async fn names(
    db: &impl ConnectionTrait,
    actor: &Actor,
    within: Option<&[ObservableId]>,
    loading: &mut Loading<'_>,
) -> Result<HashMap<Box<str>, ObservableId>, Error> {
    let mut ids = HashMap::new();
    let mut take = |rows: Vec<(ObservableId, String)>| {
        let last = rows.last().map(|(id, _)| *id);
        for (id, value) in rows {
            loading.collector.name(&value);
            let value: Box<str> = value.into();
            ids.insert(value.clone(), id);
            loading.names.insert(id, value);
        }
        last
    };
    let select = || -> Select<observable::Entity> {
        let sighted =
            visible::sightings(actor).select_only().column(sighting::Column::ObservableId).into_query();
        visible::observables(actor)
            .select_only()
            .columns([observable::Column::Id, observable::Column::Value])
            .filter(observable::Column::Kind.is_in([ObservableKind::DomainName, ObservableKind::HostName]))
            .filter(observable::Column::Id.in_subquery(sighted))
    };
    if let Some(within) = within {
        for part in within.chunks(IDS) {
            let part = select().filter(observable::Column::Id.is_in(part.iter().copied()));
            take(part.into_tuple().all(db).await?);
        }
        return Ok(ids);
    }
    let mut after: Option<ObservableId> = None;
    loop {
        let mut page = select().order_by_asc(observable::Column::Id).limit(PAGE);
        if let Some(after) = after {
            page = page.filter(observable::Column::Id.gt(after));
        }
        match take(page.into_tuple().all(db).await?) {
            Some(last) => after = Some(last),
            None => return Ok(ids),
        }
    }
}

/// What a link tells, as the kind of an edge list.
const fn edge_kind(kind: LinkKind) -> Option<&'static str> {
    match kind {
        LinkKind::ResolvesTo => Some("ip"),
        LinkKind::SoaMailbox => Some("soa"),
        LinkKind::MailTo => Some("mx"),
        LinkKind::Certified => Some("cert"),
        LinkKind::RegisteredTo => Some("registrant"),
        LinkKind::DelegatedTo => Some("ns"),
        LinkKind::SponsoredBy => Some("registrar"),
        LinkKind::RedirectsTo | LinkKind::AliasOf => Some("redirect"),
        LinkKind::Encodes => Some("dead_drop"),
        LinkKind::CommunicatesWith => Some("payload_host"),
        LinkKind::SoaPrimary
        | LinkKind::InPrefix
        | LinkKind::AnnouncedBy
        | LinkKind::RegisteredAt
        | LinkKind::BelowDomain
        | LinkKind::HostedOn => None,
    }
}

type LinkRow = (LinkId, ObservableId, LinkKind, ObservableId);

async fn links(
    db: &impl ConnectionTrait,
    actor: &Actor,
    within: Option<&[ObservableId]>,
    loading: &mut Loading<'_>,
) -> Result<(), Error> {
    let select = || {
        let kinds = LinkKind::ALL.iter().copied().filter(|kind| edge_kind(*kind).is_some());
        visible::links(actor)
            .select_only()
            .columns([link::Column::Id, link::Column::FromId, link::Column::Kind, link::Column::ToId])
            .filter(link::Column::Kind.is_in(kinds))
    };
    let mut values: HashMap<ObservableId, Box<str>> = HashMap::new();
    if let Some(within) = within {
        for part in within.chunks(IDS) {
            let part = select().filter(link::Column::FromId.is_in(part.iter().copied()));
            let rows: Vec<LinkRow> = part.into_tuple().all(db).await?;
            tell(db, actor, &rows, &mut values, loading).await?;
        }
        return Ok(());
    }
    let mut after: Option<LinkId> = None;
    loop {
        let mut page = select().order_by_asc(link::Column::Id).limit(PAGE);
        if let Some(after) = after {
            page = page.filter(link::Column::Id.gt(after));
        }
        let rows: Vec<LinkRow> = page.into_tuple().all(db).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = Some(last.0);
        tell(db, actor, &rows, &mut values, loading).await?;
    }
}

async fn tell(
    db: &impl ConnectionTrait,
    actor: &Actor,
    rows: &[LinkRow],
    values: &mut HashMap<ObservableId, Box<str>>,
    loading: &mut Loading<'_>,
) -> Result<(), Error> {
    let mut new: Vec<ObservableId> = rows
        .iter()
        .filter(|(_, from, ..)| loading.names.contains_key(from))
        .map(|(.., to)| *to)
        .filter(|to| !values.contains_key(to))
        .collect();
    new.sort_unstable();
    new.dedup();
    for part in new.chunks(IDS) {
        let named: Vec<(ObservableId, String)> = visible::observables(actor)
            .select_only()
            .columns([observable::Column::Id, observable::Column::Value])
            .filter(observable::Column::Id.is_in(part.iter().copied()))
            .into_tuple()
            .all(db)
            .await?;
        values.extend(named.into_iter().map(|(id, value)| (id, value.into())));
    }
    for (_, from, kind, to) in rows {
        if let (Some(kind), Some(value)) = (edge_kind(*kind), values.get(to)) {
            loading.row(*from, kind, value, None);
        }
    }
    Ok(())
}

/// Registrars and moments of registration, from readings of registration data.
async fn registrations(
    db: &impl ConnectionTrait,
    actor: &Actor,
    within: Option<&[ObservableId]>,
    loading: &mut Loading<'_>,
) -> Result<(), Error> {
    type ReadingRow = (ObservationId, ObservableId, Value);
    let select = || {
        visible::observations(actor)
            .select_only()
            .columns([
                observation::Column::Id,
                observation::Column::ObservableId,
                observation::Column::Reading,
            ])
            .filter(observation::Column::Probe.eq(Probe::RdapDomain))
            .order_by_asc(observation::Column::Id)
    };
    let mut take = |rows: Vec<ReadingRow>| -> Result<Option<ObservationId>, Error> {
        let last = rows.last().map(|row| row.0);
        for (_, of, reading) in rows {
            let reading: RdapDomainReading = serde_json::from_value(reading).map_err(Error::internal)?;
            if let Some(registrar) = reading.registrar.and_then(|registrar| registrar.iana_id) {
                loading.row(of, "registrar", &format!("iana:{registrar}"), None);
            }
            if let Some(at) = reading.registered_at {
                loading.row(of, "created", &at, None);
            }
        }
        Ok(last)
    };
    if let Some(within) = within {
        for part in within.chunks(IDS) {
            let part = select().filter(observation::Column::ObservableId.is_in(part.iter().copied()));
            take(part.into_tuple().all(db).await?)?;
        }
        return Ok(());
    }
    let mut after: Option<ObservationId> = None;
    loop {
        let mut page = select().limit(READINGS);
        if let Some(after) = after {
            page = page.filter(observation::Column::Id.gt(after));
        }
        match take(page.into_tuple().all(db).await?)? {
            Some(last) => after = Some(last),
            None => return Ok(()),
        }
    }
}

async fn families(
    db: &impl ConnectionTrait,
    actor: &Actor,
    within: Option<&[ObservableId]>,
    loading: &Loading<'_>,
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
