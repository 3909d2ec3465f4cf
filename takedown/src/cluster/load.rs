//! What the store knows of the names to be grouped: the names, and what they share.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entities::{
    LinkKind, ObservableId, ObservableKind, Probe, Timestamp, link, observable, observation, sighting,
};
use sea_orm::{ColumnTrait, DatabaseTransaction, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use serde_json::Value;

use super::group::{Pivot, PivotKind};
use crate::{actor::Actor, error::Error, observe::reading::RdapDomainReading, visible};

/// Registrations of one registrar within so many microseconds are one burst.
const BURST: i64 = 600 * 1_000_000;

/// A sighted name.
pub struct Name {
    /// Its id.
    pub id: ObservableId,
    /// Its value.
    pub value: String,
}

/// The names and what they share.
pub struct Population {
    /// The names, in the order of their values.
    pub names: Vec<Name>,
    /// What they share.
    pub pivots: Vec<Pivot>,
    /// The families that sightings of each name tell.
    families: HashMap<usize, Vec<String>>,
}

impl Population {
    /// The family that most of the sightings of these names tell; empty if none does.
    pub fn family_of(&self, names: impl Iterator<Item = usize>) -> String {
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for family in names.filter_map(|name| self.families.get(&name)).flatten() {
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

/// Loads the population.
///
/// # Errors
/// The database refused.
pub async fn population(txn: &DatabaseTransaction, actor: &Actor) -> Result<Population, Error> {
    let sighted = visible::sightings(actor).select_only().column(sighting::Column::ObservableId).into_query();
    let names: Vec<Name> = visible::observables(actor)
        .select_only()
        .columns([observable::Column::Id, observable::Column::Value])
        .filter(observable::Column::Kind.is_in([ObservableKind::DomainName, ObservableKind::HostName]))
        .filter(observable::Column::Id.in_subquery(sighted))
        .order_by_asc(observable::Column::Value)
        .order_by_asc(observable::Column::Id)
        .into_tuple::<(ObservableId, String)>()
        .all(txn)
        .await?
        .into_iter()
        .map(|(id, value)| Name { id, value })
        .collect();
    let at: HashMap<ObservableId, usize> = names.iter().enumerate().map(|(at, name)| (name.id, at)).collect();
    let mut shared = Shared::default();
    links(txn, actor, &at, &mut shared).await?;
    bursts(txn, actor, &at, &mut shared).await?;
    let families = families(txn, actor, &at).await?;
    Ok(Population { names, pivots: shared.pivots(), families })
}

/// Who shares what, so far.
#[derive(Default)]
struct Shared {
    by: BTreeMap<(PivotKind, String), BTreeSet<usize>>,
    name_servers: BTreeMap<usize, BTreeSet<String>>,
}

impl Shared {
    fn add(&mut self, kind: PivotKind, value: String, name: usize) {
        self.by.entry((kind, value)).or_default().insert(name);
    }

    /// The set of name servers is one pivot: a provider's servers are shared by all, a pair only within one account.
    fn pivots(mut self) -> Vec<Pivot> {
        for (name, servers) in std::mem::take(&mut self.name_servers) {
            let set = servers.into_iter().collect::<Vec<_>>().join(" ");
            self.add(PivotKind::NameServers, set, name);
        }
        self.by.into_iter().map(|((kind, value), names)| Pivot { kind, value, names }).collect()
    }
}

/// The pivot that a link is, by its kind.
const fn pivot_kind(kind: LinkKind) -> Option<PivotKind> {
    match kind {
        LinkKind::ResolvesTo => Some(PivotKind::Address),
        LinkKind::SoaMailbox => Some(PivotKind::SoaMailbox),
        LinkKind::MailTo => Some(PivotKind::MailHost),
        LinkKind::Certified => Some(PivotKind::Certificate),
        LinkKind::RegisteredTo => Some(PivotKind::Registrant),
        LinkKind::DelegatedTo => Some(PivotKind::NameServers),
        LinkKind::AliasOf
        | LinkKind::SoaPrimary
        | LinkKind::InPrefix
        | LinkKind::AnnouncedBy
        | LinkKind::SponsoredBy
        | LinkKind::RegisteredAt
        | LinkKind::BelowDomain
        | LinkKind::HostedOn
        | LinkKind::RedirectsTo
        | LinkKind::Encodes
        | LinkKind::CommunicatesWith => None,
    }
}

async fn links(
    txn: &DatabaseTransaction,
    actor: &Actor,
    at: &HashMap<ObservableId, usize>,
    shared: &mut Shared,
) -> Result<(), Error> {
    let kinds = LinkKind::ALL.iter().copied().filter(|kind| pivot_kind(*kind).is_some());
    let rows: Vec<(ObservableId, LinkKind, ObservableId)> = visible::links(actor)
        .select_only()
        .columns([link::Column::FromId, link::Column::Kind, link::Column::ToId])
        .filter(link::Column::Kind.is_in(kinds))
        .into_tuple()
        .all(txn)
        .await?;
    let ends: BTreeSet<ObservableId> =
        rows.iter().filter(|(from, ..)| at.contains_key(from)).map(|(.., to)| *to).collect();
    let ends: Vec<ObservableId> = ends.into_iter().collect();
    let mut values: HashMap<ObservableId, String> = HashMap::new();
    for part in ends.chunks(10_000) {
        let named: Vec<(ObservableId, String)> = visible::observables(actor)
            .select_only()
            .columns([observable::Column::Id, observable::Column::Value])
            .filter(observable::Column::Id.is_in(part.iter().copied()))
            .into_tuple()
            .all(txn)
            .await?;
        values.extend(named);
    }
    for (from, kind, to) in rows {
        let (Some(name), Some(value), Some(kind)) = (at.get(&from), values.get(&to), pivot_kind(kind)) else {
            continue;
        };
        match kind {
            PivotKind::NameServers => {
                shared.name_servers.entry(*name).or_default().insert(value.clone());
            }
            // The address of a form is the registrar's, not the registrant's.
            PivotKind::Registrant if value.contains("://") => {}
            _ => shared.add(kind, value.clone(), *name),
        }
    }
    Ok(())
}

/// Names that one registrar registered within ten minutes: the actor's own hands, in seconds.
async fn bursts(
    txn: &DatabaseTransaction,
    actor: &Actor,
    at: &HashMap<ObservableId, usize>,
    shared: &mut Shared,
) -> Result<(), Error> {
    let rows: Vec<(ObservableId, Value)> = visible::observations(actor)
        .select_only()
        .columns([observation::Column::ObservableId, observation::Column::Reading])
        .filter(observation::Column::Probe.eq(Probe::RdapDomain))
        .order_by_asc(observation::Column::Id)
        .into_tuple()
        .all(txn)
        .await?;
    let mut registered: BTreeMap<String, BTreeSet<(Timestamp, usize)>> = BTreeMap::new();
    for (id, reading) in rows {
        let Some(name) = at.get(&id) else { continue };
        let reading: RdapDomainReading = serde_json::from_value(reading).map_err(Error::internal)?;
        let registrar = reading.registrar.and_then(|registrar| registrar.iana_id);
        let when = reading.registered_at.and_then(|text| text.parse().ok());
        if let (Some(registrar), Some(when)) = (registrar, when) {
            registered.entry(registrar).or_default().insert((when, *name));
        }
    }
    for (registrar, dates) in registered {
        let mut start: Option<Timestamp> = None;
        for (when, name) in dates {
            let first = *start.filter(|first| when.0 - first.0 < BURST).as_ref().unwrap_or(&when);
            start = Some(first);
            shared.add(PivotKind::Burst, format!("iana:{registrar} {first}"), name);
        }
    }
    Ok(())
}

async fn families(
    txn: &DatabaseTransaction,
    actor: &Actor,
    at: &HashMap<ObservableId, usize>,
) -> Result<HashMap<usize, Vec<String>>, Error> {
    let rows: Vec<(ObservableId, String)> = visible::sightings(actor)
        .select_only()
        .columns([sighting::Column::ObservableId, sighting::Column::Family])
        .filter(sighting::Column::Family.ne(""))
        .into_tuple()
        .all(txn)
        .await?;
    let mut families: HashMap<usize, Vec<String>> = HashMap::new();
    for (id, family) in rows {
        if let Some(name) = at.get(&id) {
            families.entry(*name).or_default().push(family);
        }
    }
    Ok(families)
}
