//! What is known of targets, read in bulk: for the planner, for notices, for verification's baseline.

use std::collections::{BTreeMap, BTreeSet};

use entities::{FactKind, ObservableId, Probe, Timestamp, fact, observable, observation, sighting};
use playbooks::{Facts, Listing};
use sea_orm::{
    ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::SelectStatement,
};

use crate::{
    access,
    actor::Actor,
    error::Error,
    marking::Marking,
    observe::reading::{DnsReading, Outcome, RdapDomainReading},
    visible,
};

/// What is known of one target.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// The target.
    pub observable: observable::Model,
    /// Who saw it do what.
    pub sightings: Vec<sighting::Model>,
    /// Lists it is on, and our own findings.
    pub facts: Vec<fact::Model>,
    /// What the registry and registrar say.
    pub registration: Option<Registration>,
    /// The addresses last seen for it.
    pub addresses: BTreeSet<String>,
    /// When they were last seen.
    pub resolved_at: Option<Timestamp>,
    /// Its name servers as last seen.
    pub name_servers: BTreeSet<String>,
}

/// What RDAP says of a domain's registration, from all servers that answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registration {
    /// The registrar as the store names it: `iana:146`, else `name:…`.
    pub registrar: Option<String>,
    /// Its name.
    pub registrar_name: Option<String>,
    /// Its abuse desk's mailboxes (nested entity with role `abuse`), and the RDAP server that gave them.
    pub abuse_emails: Vec<(String, String)>,
    /// What is published of the registrant; only to be told apart from the desk.
    pub registrant: Vec<String>,
    /// When the name was registered.
    pub registered_at: Option<Timestamp>,
    /// Status values, as the last server gave them.
    pub status: Vec<String>,
    /// When RDAP was last read.
    pub read_at: Option<Timestamp>,
}

impl Known {
    /// The most restrictive marking of what is known.
    pub fn marking(&self) -> Marking {
        self.sightings.iter().map(Marking::of).fold(Marking::CLEAR, Marking::and)
    }

    /// May it be named to a provider's desk?
    ///
    /// # Errors
    /// [`Error::Forbidden`] with the marking that stops it.
    pub fn may_leave(&self) -> Result<(), Error> {
        access::may_leave(self.marking(), access::Recipient::Desk)
    }

    /// First and last time that a source saw it; the time it was stored where the source does not say.
    pub fn seen(&self) -> Option<(Timestamp, Timestamp)> {
        let times = self.sightings.iter().map(|s| s.seen_at.unwrap_or(s.created_at));
        Some((times.clone().min()?, times.max()?))
    }

    /// The family that most of its sightings name.
    pub fn family(&self) -> Option<&str> {
        majority(self.sightings.iter().map(|s| s.family.as_str()).filter(|family| !family.is_empty()))
    }

    /// What the planner needs.
    pub fn facts(&self) -> Facts {
        let registration = self.registration.as_ref();
        Facts {
            target: self.observable.value.clone(),
            kind: self.observable.kind,
            state: self.observable.state,
            roles: self.sightings.iter().map(|s| s.role).collect::<BTreeSet<_>>().into_iter().collect(),
            first_seen: self.seen().map(|(first, _)| first),
            last_seen: self.seen().map(|(_, last)| last),
            registered_at: registration.and_then(|r| r.registered_at),
            registrar: registration.and_then(|r| r.registrar.clone()),
            resolved_at: self.resolved_at,
            listings: self
                .facts
                .iter()
                .filter(|fact| fact.kind != FactKind::Published)
                .map(|fact| Listing { kind: fact.kind, list: fact.list.clone() })
                .collect(),
        }
    }
}

/// The most frequent of some words; of equals, the first in the alphabet.
pub(crate) fn majority<'a>(words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut counts = BTreeMap::<&str, usize>::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    let most = counts.values().copied().max()?;
    counts.into_iter().find(|(_, count)| *count == most).map(|(word, _)| word)
}

/// Everything that is known of the observables whose ids `within` selects and `actor` may see, in the order of
/// their values. Reads each table once, however many there are.
///
/// # Errors
/// The database refused.
pub async fn load(
    db: &impl ConnectionTrait,
    actor: &Actor,
    within: &SelectStatement,
) -> Result<Vec<Known>, Error> {
    let targets = visible::observables(actor)
        .filter(observable::Column::Id.in_subquery(within.clone()))
        .order_by_asc(observable::Column::Value)
        .all(db)
        .await?;
    let sightings = visible::sightings(actor)
        .filter(sighting::Column::ObservableId.in_subquery(within.clone()))
        .order_by_asc(sighting::Column::Id)
        .all(db)
        .await?;
    let facts = visible::facts(actor)
        .filter(fact::Column::ObservableId.in_subquery(within.clone()))
        .order_by_asc(fact::Column::Id)
        .all(db)
        .await?;
    let mut by_target: BTreeMap<ObservableId, Known> = targets
        .iter()
        .map(|observable| {
            let known = Known {
                observable: observable.clone(),
                sightings: Vec::new(),
                facts: Vec::new(),
                registration: None,
                addresses: BTreeSet::new(),
                resolved_at: None,
                name_servers: BTreeSet::new(),
            };
            (observable.id, known)
        })
        .collect();
    for sighting in sightings {
        if let Some(known) = by_target.get_mut(&sighting.observable_id) {
            known.sightings.push(sighting);
        }
    }
    for fact in facts {
        if let Some(known) = by_target.get_mut(&fact.observable_id) {
            known.facts.push(fact);
        }
    }
    for answer in answers(db, actor, within).await? {
        if let Some(known) = by_target.get_mut(&answer.observable_id) {
            learn(known, answer);
        }
    }
    Ok(targets.iter().filter_map(|target| by_target.remove(&target.id)).collect())
}

/// A stored answer without its raw text.
#[derive(sea_orm::FromQueryResult)]
struct Answer {
    observable_id: ObservableId,
    probe: Probe,
    server: String,
    reading: serde_json::Value,
    last_seen: Timestamp,
}

/// The stored answers that planning and notices look at, oldest first.
async fn answers(
    db: &impl ConnectionTrait,
    actor: &Actor,
    within: &SelectStatement,
) -> Result<Vec<Answer>, Error> {
    use observation::Column;
    let rows = visible::observations(actor)
        .filter(Column::ObservableId.in_subquery(within.clone()))
        .filter(Column::Probe.is_in([Probe::A, Probe::Aaaa, Probe::Ns, Probe::RdapDomain]))
        .order_by_asc(Column::LastSeen)
        .order_by_asc(Column::Id)
        .select_only()
        .columns([Column::ObservableId, Column::Probe, Column::Server, Column::Reading, Column::LastSeen])
        .into_model::<Answer>()
        .all(db)
        .await?;
    Ok(rows)
}

/// Takes one stored answer into what is known; later ones win. A reading that this version cannot read is
/// passed over: it was stored by another version and says nothing to this one.
fn learn(known: &mut Known, answer: Answer) {
    if answer.probe == Probe::RdapDomain {
        if let Ok(reading) = serde_json::from_value::<RdapDomainReading>(answer.reading) {
            let registration = known.registration.get_or_insert_default();
            register(registration, &reading, &answer.server, answer.last_seen);
        }
        return;
    }
    let Ok(reading) = serde_json::from_value::<DnsReading>(answer.reading) else { return };
    if reading.outcome != Outcome::Answer {
        return;
    }
    if answer.probe == Probe::Ns {
        known.name_servers = reading.records.into_iter().collect();
        return;
    }
    // Answers of the same look stand together; a later look's replace them.
    if known.resolved_at.is_none_or(|at| answer.last_seen.since(at).as_secs() > 300) {
        known.addresses.clear();
    }
    known.addresses.extend(reading.records);
    known.resolved_at = known.resolved_at.max(Some(answer.last_seen));
}

fn register(known: &mut Registration, reading: &RdapDomainReading, server: &str, at: Timestamp) {
    known.read_at = Some(at);
    if reading.not_found {
        return;
    }
    if let Some(date) = reading.registered_at.as_deref().and_then(|text| text.parse().ok()) {
        known.registered_at = Some(date);
    }
    if !reading.status.is_empty() {
        known.status.clone_from(&reading.status);
    }
    known.registrant.extend(reading.registrant.iter().cloned());
    let Some(registrar) = &reading.registrar else { return };
    let scope = registrar
        .iana_id
        .as_deref()
        .map(|id| format!("iana:{}", id.trim()))
        .or_else(|| registrar.name.as_deref().map(|name| format!("name:{}", name.trim().to_lowercase())));
    let Some(scope) = scope else { return };
    if known.registrar.as_ref() != Some(&scope) {
        // Another registrar than before: its desk is another, too.
        known.abuse_emails.clear();
        known.registrar_name = None;
    }
    known.registrar = Some(scope);
    known.registrar_name = registrar.name.clone().or(known.registrar_name.take());
    for email in &registrar.abuse_emails {
        known.abuse_emails.retain(|(known, _)| !known.eq_ignore_ascii_case(email));
        known.abuse_emails.push((email.clone(), server.to_owned()));
    }
}
