//! What names hold that others may hold too, out of links, readings and sightings, and from when to when.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entities::{
    ImportId, LinkKind, ObservableId, Probe, Timestamp, import, link, observable, observation, sighting,
};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect, QueryTrait};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    kind::{PivotKind, is_placeholder},
    moment::Moment,
    service::hosts_others,
};
use crate::{
    actor::Actor,
    error::Error,
    intake::{benign::Benign, format::Format},
    observe::reading::{DnsReading, RdapDomainReading},
    visible,
};

/// The kind of a holding that tells the moment of registration.
pub const CREATED: &str = "created";
/// A value longer than this is cut and ends in its hash, since indexes hold no longer ones.
const LONGEST: usize = 500;
/// Ids in one condition.
const IDS: usize = 5_000;

/// From when to when something was seen.
pub type Span = (Timestamp, Timestamp);

/// What names hold: the name, the kind and the value, each once.
pub type Holdings = BTreeMap<(ObservableId, &'static str, String), Span>;

/// What a link of a name tells by itself.
const fn direct(kind: LinkKind) -> Option<PivotKind> {
    match kind {
        LinkKind::ResolvesTo => Some(PivotKind::Address),
        LinkKind::SoaMailbox => Some(PivotKind::SoaMailbox),
        LinkKind::MailTo => Some(PivotKind::MailHost),
        LinkKind::Certified => Some(PivotKind::Certificate),
        LinkKind::RegisteredTo => Some(PivotKind::Registrant),
        LinkKind::DelegatedTo => Some(PivotKind::NameServers),
        LinkKind::SponsoredBy => Some(PivotKind::Registrar),
        LinkKind::RedirectsTo | LinkKind::AliasOf => Some(PivotKind::Redirect),
        _ => None,
    }
}

/// What a link to a name tells: who holds a thing is whom it leads to.
const fn reverse(kind: LinkKind) -> Option<PivotKind> {
    match kind {
        LinkKind::Encodes => Some(PivotKind::DeadDrop),
        LinkKind::CommunicatesWith => Some(PivotKind::PayloadHost),
        _ => None,
    }
}

/// Inputs that tell of one matter, so that to be named in one says something. A list says nothing by that.
const DOCUMENTS: [Format; 3] = [Format::Text, Format::Stix, Format::Misp];

/// What these names hold, as far as `actor` sees it, without what parking services and sinkholes give to all they hold.
///
/// # Errors
/// The database refused.
pub async fn gather(
    benign: &Benign,
    db: &impl ConnectionTrait,
    actor: &Actor,
    ids: &[ObservableId],
) -> Result<Holdings, Error> {
    let mut held = Holdings::new();
    for ids in ids.chunks(IDS) {
        links(db, actor, ids, &mut held).await?;
        redirects(db, actor, ids, &mut held).await?;
        carriers(db, actor, ids, &mut held).await?;
        documents(db, actor, ids, &mut held).await?;
        readings(db, actor, ids, &mut held).await?;
    }
    held.retain(|(_, kind, value), _| !hosts_others(benign, kind, value));
    Ok(held)
}

/// Notes a holding; what several sources tell was seen from the earliest to the latest of them.
fn note(held: &mut Holdings, of: ObservableId, kind: PivotKind, value: &str, span: Span) {
    if !is_placeholder(kind, value) {
        put(held, (of, kind.as_str(), short(value)), span);
    }
}

fn put(held: &mut Holdings, key: (ObservableId, &'static str, String), span: Span) {
    let known = held.entry(key).or_insert(span);
    *known = (known.0.min(span.0), known.1.max(span.1));
}

/// The value, or its beginning and its hash if it is too long for an index.
fn short(value: &str) -> String {
    if value.len() <= LONGEST {
        return value.to_owned();
    }
    let hash = crate::hex(&Sha256::digest(value)[..16]);
    let mut end = LONGEST - hash.len() - "…".len();
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…{hash}", &value[..end])
}

/// A dated link: from, kind, to.
type Row = (ObservableId, LinkKind, ObservableId, Timestamp, Timestamp);

const COLUMNS: [link::Column; 5] = [
    link::Column::FromId,
    link::Column::Kind,
    link::Column::ToId,
    link::Column::FirstSeen,
    link::Column::LastSeen,
];

/// The links of these kinds with one of these ids at one end.
async fn rows(
    db: &impl ConnectionTrait,
    actor: &Actor,
    end: link::Column,
    ids: &[ObservableId],
    kinds: &[LinkKind],
) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    for ids in ids.chunks(IDS) {
        let part: Vec<Row> = visible::links(actor)
            .select_only()
            .columns(COLUMNS)
            .filter(end.is_in(ids.iter().copied()))
            .filter(link::Column::Kind.is_in(kinds.iter().copied()))
            .into_tuple()
            .all(db)
            .await?;
        rows.extend(part);
    }
    Ok(rows)
}

/// The values of observables.
async fn values(
    db: &impl ConnectionTrait,
    actor: &Actor,
    ids: impl Iterator<Item = ObservableId>,
) -> Result<HashMap<ObservableId, String>, Error> {
    let ids: Vec<ObservableId> = ids.collect::<BTreeSet<_>>().into_iter().collect();
    let mut values = HashMap::with_capacity(ids.len());
    for part in ids.chunks(IDS) {
        let rows: Vec<(ObservableId, String)> = visible::observables(actor)
            .select_only()
            .columns([observable::Column::Id, observable::Column::Value])
            .filter(observable::Column::Id.is_in(part.iter().copied()))
            .into_tuple()
            .all(db)
            .await?;
        values.extend(rows);
    }
    Ok(values)
}

/// What a name links to; the prefixes of its addresses, and the systems that announce those.
async fn links(
    db: &impl ConnectionTrait,
    actor: &Actor,
    ids: &[ObservableId],
    held: &mut Holdings,
) -> Result<(), Error> {
    let kinds: Vec<LinkKind> = LinkKind::ALL.iter().copied().filter(|kind| direct(*kind).is_some()).collect();
    let rows = rows(db, actor, link::Column::FromId, ids, &kinds).await?;
    let values = values(db, actor, rows.iter().map(|row| row.2)).await?;
    let mut servers: BTreeMap<ObservableId, (BTreeSet<&str>, Span)> = BTreeMap::new();
    let mut addresses: BTreeMap<ObservableId, Vec<(ObservableId, Span)>> = BTreeMap::new();
    for (of, kind, to, first, last) in &rows {
        let (Some(pivot), Some(value)) = (direct(*kind), values.get(to)) else { continue };
        let span = (*first, *last);
        match pivot {
            PivotKind::NameServers => {
                // The whole set is held since the last of them joined.
                let (set, known) = servers.entry(*of).or_insert((BTreeSet::new(), span));
                set.insert(value);
                *known = (known.0.max(span.0), known.1.max(span.1));
            }
            PivotKind::Address => {
                addresses.entry(*to).or_default().push((*of, span));
                note(held, *of, pivot, value, span);
            }
            _ => note(held, *of, pivot, value, span),
        }
    }
    for (of, (set, span)) in servers {
        let set: Vec<String> = set.into_iter().map(str::to_ascii_lowercase).collect();
        note(held, of, PivotKind::NameServers, &set.join(" "), span);
    }
    networks(db, actor, addresses, held).await
}

/// Where addresses are announced: what holds an address holds its prefix and its system.
async fn networks(
    db: &impl ConnectionTrait,
    actor: &Actor,
    mut holders: BTreeMap<ObservableId, Vec<(ObservableId, Span)>>,
    held: &mut Holdings,
) -> Result<(), Error> {
    // An address is in a prefix, and either may be announced.
    for _ in 0..2 {
        let ids: Vec<ObservableId> = holders.keys().copied().collect();
        let kinds = [LinkKind::InPrefix, LinkKind::AnnouncedBy];
        let rows = rows(db, actor, link::Column::FromId, &ids, &kinds).await?;
        let values = values(db, actor, rows.iter().map(|row| row.2)).await?;
        let mut next: BTreeMap<ObservableId, Vec<(ObservableId, Span)>> = BTreeMap::new();
        for (from, kind, to, ..) in &rows {
            let (Some(names), Some(value)) = (holders.get(from), values.get(to)) else { continue };
            let pivot = if *kind == LinkKind::InPrefix {
                next.entry(*to).or_default().extend(names);
                PivotKind::Prefix
            } else {
                PivotKind::AutonomousSystem
            };
            for (of, span) in names {
                note(held, *of, pivot, value, *span);
            }
        }
        holders = next;
    }
    Ok(())
}

/// Where the pages of a name send visitors.
async fn redirects(
    db: &impl ConnectionTrait,
    actor: &Actor,
    ids: &[ObservableId],
    held: &mut Holdings,
) -> Result<(), Error> {
    let pages = visible::links(actor)
        .select_only()
        .column(link::Column::FromId)
        .filter(link::Column::Kind.eq(LinkKind::HostedOn))
        .filter(link::Column::ToId.is_in(ids.iter().copied()))
        .into_query();
    let sent: Vec<Row> = visible::links(actor)
        .select_only()
        .columns(COLUMNS)
        .filter(link::Column::Kind.eq(LinkKind::RedirectsTo))
        .filter(link::Column::FromId.in_subquery(pages))
        .into_tuple()
        .all(db)
        .await?;
    if sent.is_empty() {
        return Ok(());
    }
    let pages: Vec<ObservableId> =
        sent.iter().map(|row| row.0).collect::<BTreeSet<_>>().into_iter().collect();
    let mut hosts: HashMap<ObservableId, Vec<ObservableId>> = HashMap::new();
    for (page, _, host, ..) in rows(db, actor, link::Column::FromId, &pages, &[LinkKind::HostedOn]).await? {
        hosts.entry(page).or_default().push(host);
    }
    let wanted: BTreeSet<&ObservableId> = ids.iter().collect();
    let values = values(db, actor, sent.iter().map(|row| row.2)).await?;
    for (page, _, to, first, last) in &sent {
        let of = hosts.get(page).into_iter().flatten().filter(|host| wanted.contains(host));
        if let Some(value) = values.get(to) {
            of.for_each(|of| note(held, *of, PivotKind::Redirect, value, (*first, *last)));
        }
    }
    Ok(())
}

/// What leads to a name: dead drops that hold it, files that talk to it.
async fn carriers(
    db: &impl ConnectionTrait,
    actor: &Actor,
    ids: &[ObservableId],
    held: &mut Holdings,
) -> Result<(), Error> {
    let kinds: Vec<LinkKind> =
        LinkKind::ALL.iter().copied().filter(|kind| reverse(*kind).is_some()).collect();
    let rows = rows(db, actor, link::Column::ToId, ids, &kinds).await?;
    let values = values(db, actor, rows.iter().map(|row| row.0)).await?;
    for (from, kind, of, first, last) in &rows {
        if let (Some(pivot), Some(value)) = (reverse(*kind), values.get(from)) {
            note(held, *of, pivot, value, (*first, *last));
        }
    }
    Ok(())
}

/// The documents that name a name.
async fn documents(
    db: &impl ConnectionTrait,
    actor: &Actor,
    ids: &[ObservableId],
    held: &mut Holdings,
) -> Result<(), Error> {
    let documents = visible::imports(actor)
        .select_only()
        .column(import::Column::Id)
        .filter(import::Column::Format.is_in(DOCUMENTS.map(Format::as_str)))
        .into_query();
    let rows: Vec<(ObservableId, ImportId, Option<Timestamp>, Timestamp)> = visible::sightings(actor)
        .select_only()
        .columns([
            sighting::Column::ObservableId,
            sighting::Column::ImportId,
            sighting::Column::SeenAt,
            sighting::Column::CreatedAt,
        ])
        .filter(sighting::Column::ObservableId.is_in(ids.iter().copied()))
        .filter(sighting::Column::ImportId.in_subquery(documents))
        .into_tuple()
        .all(db)
        .await?;
    for (of, document, seen, stored) in rows {
        let at = seen.unwrap_or(stored);
        note(held, of, PivotKind::Mention, &document.to_string(), (at, at));
    }
    Ok(())
}

/// The registrar and the moment of registration, from registration data; the shape of the SOA's timers.
async fn readings(
    db: &impl ConnectionTrait,
    actor: &Actor,
    ids: &[ObservableId],
    held: &mut Holdings,
) -> Result<(), Error> {
    type ReadingRow = (ObservableId, Probe, Value, Timestamp, Timestamp);
    let rows: Vec<ReadingRow> = visible::observations(actor)
        .select_only()
        .columns([
            observation::Column::ObservableId,
            observation::Column::Probe,
            observation::Column::Reading,
            observation::Column::FirstSeen,
            observation::Column::LastSeen,
        ])
        .filter(observation::Column::ObservableId.is_in(ids.iter().copied()))
        .filter(observation::Column::Probe.is_in([Probe::RdapDomain, Probe::Soa]))
        .into_tuple()
        .all(db)
        .await?;
    let mut created: BTreeMap<ObservableId, Moment> = BTreeMap::new();
    for (of, probe, reading, first, last) in rows {
        if probe == Probe::Soa {
            let reading: DnsReading = serde_json::from_value(reading).map_err(Error::internal)?;
            for shape in reading.records.iter().filter_map(|record| timers(record)) {
                note(held, of, PivotKind::RecordShape, &shape, (first, last));
            }
            continue;
        }
        let reading: RdapDomainReading = serde_json::from_value(reading).map_err(Error::internal)?;
        if let Some(registrar) = reading.registrar.and_then(|registrar| registrar.iana_id) {
            note(held, of, PivotKind::Registrar, &format!("iana:{registrar}"), (first, last));
        }
        if let Some(text) = reading.registered_at {
            if let Some(moment) = Moment::read(&text) {
                created.entry(of).and_modify(|known| *known = known.earlier(moment)).or_insert(moment);
            }
            put(held, (of, CREATED, short(&text)), (first, last));
        }
    }
    for (of, moment) in created {
        let registrar = held
            .range((of, PivotKind::Registrar.as_str(), String::new())..)
            .next()
            .filter(|((other, kind, _), _)| *other == of && *kind == PivotKind::Registrar.as_str());
        if let Some(((.., registrar), span)) = registrar {
            let (value, span) = (day(registrar, moment), *span);
            put(held, (of, PivotKind::Day.as_str(), value), span);
        }
    }
    Ok(())
}

/// A registrar's day, as a value that names hold.
pub fn day(registrar: &str, moment: Moment) -> String {
    short(&format!("{registrar} {}", moment.day()))
}

/// The timers of an SOA record (RFC 1035 §3.3.13), which an operator's template sets and no edit moves.
fn timers(record: &str) -> Option<String> {
    let fields: Vec<&str> = record.split_whitespace().collect();
    let [_, _, _, timers @ ..] = fields.as_slice() else { return None };
    (timers.len() == 4).then(|| format!("soa {}", timers.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timers_of_an_soa_are_its_shape_and_the_serial_is_not() {
        let shape = timers("ns1.example hostmaster.example 2025051301 3600 900 1209600 300");
        assert_eq!(shape.as_deref(), Some("soa 3600 900 1209600 300"));
        assert_eq!(timers("ns1.example hostmaster.example 7"), None);
    }

    #[test]
    fn what_no_index_holds_is_cut_and_stays_distinct() {
        let (one, two) = ("ä".repeat(400), format!("{}b", "ä".repeat(400)));
        assert!(short(&one).len() <= LONGEST && short(&one) != short(&two));
        assert_eq!(short("short"), "short");
    }
}
