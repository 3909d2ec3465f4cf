//! The verdict on one look (reference/domain.md §1.3), pure. Deny by default: what is not clearly absent is not down.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use entities::{Probe, Verdict};
use serde_json::{Value, json};

use crate::observe::{
    look::Look,
    reading::{DnsReading, Outcome},
};

/// What the target was before anybody was asked to act.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// The autonomous systems of its addresses.
    pub systems: BTreeSet<u32>,
    /// Its name servers.
    pub name_servers: BTreeSet<String>,
    /// Its registrar's IANA id.
    pub registrar: Option<String>,
}

/// What a look points at, by the lists and the routing table that we hold. Addresses in RFC 5952's text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PointsAt {
    /// The addresses and name servers that are on a sinkhole list, each with the list.
    pub sinkholes: BTreeMap<String, String>,
    /// The addresses and name servers that are on a parking list, each with the list.
    pub parking: BTreeMap<String, String>,
    /// The autonomous systems of its addresses.
    pub systems: BTreeSet<u32>,
}

/// What kind of thing a verdict says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It is down.
    Down,
    /// It is not down.
    Up,
    /// Nothing can be said.
    Unclear,
}

impl Class {
    /// The class of a verdict.
    pub const fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::HeldByRegistrar
            | Verdict::HeldByRegistry
            | Verdict::DeletedPending
            | Verdict::Unregistered
            | Verdict::Sinkholed
            | Verdict::Seized => Self::Down,
            // A name without an address may be staged, a moved one serves on.
            Verdict::NoAddress | Verdict::Moved | Verdict::Live => Self::Up,
            // A null address may be a resolver's filter, and a parked name is somebody's still: that is not down,
            // and of a name that was down it does not say that the malware is back.
            Verdict::Parked | Verdict::Nullrouted | Verdict::Inconclusive => Self::Unclear,
        }
    }
}

/// A verdict and what it stands on.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// What each resolver, the parent and the registries said, and why that gives the verdict.
    pub evidence: Value,
}

/// Judges one look.
pub fn judge(look: &Look, before: &Baseline, points_at: &PointsAt) -> Judgement {
    let voices = Voices::hear(look);
    let registration = Registration::of(look);
    let (verdict, because) = if voices.agreed_absent() {
        absent(&registration)
    } else if voices.real_addresses().next().is_some() {
        present(&voices, before, points_at, &registration)
    } else if voices.null_addresses() {
        (Verdict::Nullrouted, "every address is a null address")
    } else if voices.agreed_without_address() {
        (Verdict::NoAddress, "the name exists and has no address")
    } else {
        (Verdict::Inconclusive, "the answers do not agree, or none came")
    };
    Judgement { verdict, evidence: evidence(look, &registration, points_at, because) }
}

/// The name is not in the DNS: the registries say by whose hand.
fn absent(registration: &Registration) -> (Verdict, &'static str) {
    let has = |status: &str| registration.status.contains(status);
    // Servers win over clients (RFC 5731 §2.3): both stop resolution, the registry's is the stronger.
    if has("server hold") {
        (Verdict::HeldByRegistry, "not in the DNS, and on the registry's hold")
    } else if has("client hold") {
        (Verdict::HeldByRegistrar, "not in the DNS, and on the registrar's hold")
    } else if has("redemption period") || has("pending delete") {
        (Verdict::DeletedPending, "not in the DNS, deleted and not free yet")
    } else if registration.unknown_to_registry {
        (Verdict::Unregistered, "not in the DNS, and unknown to the registry: anybody may register it")
    } else if registration.read {
        (Verdict::Inconclusive, "not in the DNS, but the registry shows no reason")
    } else {
        (Verdict::Inconclusive, "not in the DNS, but the registry could not be read")
    }
}

/// The name has an address: whose?
fn present(
    voices: &Voices<'_>,
    before: &Baseline,
    points_at: &PointsAt,
    registration: &Registration,
) -> (Verdict, &'static str) {
    if voices.all_at(&points_at.sinkholes) {
        return (Verdict::Sinkholed, "it points at a known sinkhole");
    }
    if voices.real_addresses().all(|address| points_at.sinkholes.contains_key(&address.to_string())) {
        return (
            Verdict::Inconclusive,
            "a sinkhole's address, which one resolver's filter may have put there",
        );
    }
    let locks = ["server transfer prohibited", "server update prohibited", "server delete prohibited"];
    let locked = locks.iter().all(|lock| registration.status.contains(*lock));
    let another_registrar = before.registrar.is_some()
        && registration.registrar.is_some()
        && before.registrar != registration.registrar;
    let servers = voices.name_servers();
    let other_servers =
        !before.name_servers.is_empty() && !servers.is_empty() && before.name_servers.is_disjoint(&servers);
    if locked && another_registrar && other_servers {
        return (Verdict::Seized, "registrar and name servers changed, under every lock of the registry");
    }
    if voices.all_at(&points_at.parking) {
        return (Verdict::Parked, "it points at a parking service");
    }
    if !before.systems.is_empty()
        && !points_at.systems.is_empty()
        && before.systems.is_disjoint(&points_at.systems)
    {
        return (Verdict::Moved, "it answers from another network than before");
    }
    (Verdict::Live, "it answers")
}

/// What the resolvers and the parent say of the name.
struct Voices<'a> {
    a: Vec<(&'a str, &'a DnsReading)>,
    aaaa: Vec<(&'a str, &'a DnsReading)>,
    ns: Vec<&'a DnsReading>,
    parent: Option<Outcome>,
    delegated_to: BTreeSet<&'a str>,
}

impl<'a> Voices<'a> {
    fn hear(look: &'a Look) -> Self {
        Self {
            a: look.dns(Probe::A).collect(),
            aaaa: look.dns(Probe::Aaaa).collect(),
            ns: look.dns(Probe::Ns).chain(look.dns(Probe::Delegation)).map(|(_, reading)| reading).collect(),
            parent: look.dns(Probe::Delegation).map(|(_, reading)| reading.outcome).last(),
            delegated_to: look
                .dns(Probe::Delegation)
                .filter(|(_, reading)| reading.outcome == Outcome::Answer)
                .flat_map(|(_, reading)| reading.records.iter().map(String::as_str))
                .collect(),
        }
    }

    /// NXDOMAIN from two resolvers, or from one and the parent zone; no resolver has the name, and the parent does
    /// not delegate it.
    fn agreed_absent(&self) -> bool {
        let says = |outcome| self.a.iter().filter(|(_, reading)| reading.outcome == outcome).count();
        let parent_denies = self.parent == Some(Outcome::NxDomain);
        let somebody_has_it = says(Outcome::Answer) + says(Outcome::NoData) > 0;
        let delegated = self.parent == Some(Outcome::Answer);
        !somebody_has_it
            && !delegated
            && says(Outcome::NxDomain) + usize::from(parent_denies) >= 2
            && says(Outcome::NxDomain) > 0
    }

    /// Every resolver that has a say says that the name is there without an address of either family; two of them, or
    /// one and the parent that delegates it. One that answers a null address filters, and has no say.
    fn agreed_without_address(&self) -> bool {
        let said = |all: &[(&'a str, &'a DnsReading)]| -> Option<usize> {
            let mut words = all.iter().filter(|(_, reading)| !reading.is_nullrouted()).peekable();
            words.peek()?;
            let words: Vec<_> = words.collect();
            words.iter().all(|(_, reading)| reading.outcome == Outcome::NoData).then_some(words.len())
        };
        let voices = said(&self.a).filter(|_| said(&self.aaaa).is_some()).unwrap_or(0);
        voices > 0 && voices + usize::from(self.parent == Some(Outcome::Answer)) >= 2
    }

    /// A resolver that filters answers a null address or denies the name; one that has a real address outvotes it,
    /// unless the parent zone no longer has the name: then the address is a cache's.
    fn real_addresses(&self) -> impl Iterator<Item = IpAddr> {
        let gone = self.parent == Some(Outcome::NxDomain);
        let readings =
            self.a.iter().chain(&self.aaaa).filter(|(_, reading)| reading.outcome == Outcome::Answer);
        readings.flat_map(|(_, reading)| reading.addresses()).filter(move |_| !gone)
    }

    /// Whether the name belongs to a list's places: the parent delegates it to one of their name servers, or two
    /// resolvers agree on their addresses and none has another. Some resolvers filter by answering a block page's
    /// or a sinkhole's address, and one such answer beside a real one says nothing about the name.
    fn all_at(&self, places: &BTreeMap<String, String>) -> bool {
        if self.delegated_to.iter().any(|server| places.contains_key(*server)) {
            return true;
        }
        let at_place = |reading: &&DnsReading| {
            let mut addresses =
                reading.records.iter().filter_map(|text| text.parse::<IpAddr>().ok()).peekable();
            addresses.peek().is_some() && addresses.all(|address| places.contains_key(&address.to_string()))
        };
        let answers: Vec<(&str, &DnsReading)> =
            self.a.iter().chain(&self.aaaa).filter(|(_, r)| r.outcome == Outcome::Answer).copied().collect();
        let resolvers: BTreeSet<&str> = answers.iter().map(|(server, _)| *server).collect();
        resolvers.len() >= 2 && answers.iter().all(|(_, reading)| at_place(reading))
    }

    /// Every resolver that answers for addresses answers null ones.
    fn null_addresses(&self) -> bool {
        !self.a.is_empty() && self.a.iter().all(|(_, reading)| reading.is_nullrouted())
    }

    fn name_servers(&self) -> BTreeSet<String> {
        let readings = self.ns.iter().filter(|reading| reading.outcome == Outcome::Answer);
        readings.flat_map(|reading| reading.records.iter().cloned()).collect()
    }
}

/// What the registries say, registry and registrar together.
#[derive(Default)]
struct Registration {
    read: bool,
    unknown_to_registry: bool,
    status: BTreeSet<String>,
    registrar: Option<String>,
}

impl Registration {
    fn of(look: &Look) -> Self {
        let mut registration = Self::default();
        for (at, reading) in look.rdap_domain().enumerate() {
            registration.read = true;
            // The registry comes first; that a registrar does not know a name says nothing.
            registration.unknown_to_registry |= at == 0 && reading.not_found;
            registration.status.extend(reading.status.iter().cloned());
            let id = reading.registrar.as_ref().and_then(|registrar| registrar.iana_id.clone());
            registration.registrar = registration.registrar.or(id);
        }
        registration
    }
}

fn evidence(look: &Look, registration: &Registration, points_at: &PointsAt, because: &str) -> Value {
    let voice = |(server, reading): (&str, &DnsReading)| json!({ "server": server, "outcome": reading.outcome, "records": reading.records, "aliases": reading.aliases });
    let said = |probe| look.dns(probe).map(voice).collect::<Vec<_>>();
    json!({
        "because": because,
        "a": said(Probe::A),
        "aaaa": said(Probe::Aaaa),
        "delegation": said(Probe::Delegation),
        "rdap": {
            "read": registration.read,
            "unknown": registration.unknown_to_registry,
            "status": registration.status,
            "registrar": registration.registrar,
        },
        "sinkholes": points_at.sinkholes,
        "parking": points_at.parking,
        "systems": points_at.systems,
        "unanswered": look.unanswered.iter().map(|(probe, why)| json!({ "probe": probe, "why": why })).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use entities::{ObservableId, Timestamp};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::observe::{
        look::{Reading, Seen},
        reading::{RdapDomainReading, RegistrarReading},
    };

    /// A resolver's or the parent's word: `nx`, `nodata`, `fail`, `timeout`, `refused`, or addresses/servers.
    fn dns(probe: Probe, server: &str, word: &str) -> Seen {
        let (outcome, records) = match word {
            "nx" => (Outcome::NxDomain, Vec::new()),
            "nodata" => (Outcome::NoData, Vec::new()),
            "fail" => (Outcome::ServFail, Vec::new()),
            "timeout" => (Outcome::Timeout, Vec::new()),
            "refused" => (Outcome::Refused, Vec::new()),
            records => (Outcome::Answer, records.split(' ').map(str::to_owned).collect()),
        };
        let reading = Reading::Dns(DnsReading { outcome, records, aliases: Vec::new() });
        Seen { probe, server: server.into(), reading, raw: String::new(), ttl: None }
    }

    fn rdap(status: &[&str], registrar: &str, not_found: bool) -> Seen {
        let registrar = RegistrarReading { iana_id: Some(registrar.into()), ..RegistrarReading::default() };
        let reading = RdapDomainReading {
            not_found,
            status: status.iter().map(|s| (*s).to_owned()).collect(),
            registrar: Some(registrar),
            ..RdapDomainReading::default()
        };
        let reading = Reading::RdapDomain(reading);
        Seen { probe: Probe::RdapDomain, server: "rdap".into(), reading, raw: String::new(), ttl: None }
    }

    fn look(resolvers: &[&str], parent: &str, registration: Option<Seen>) -> Look {
        let mut look = Look::begun(ObservableId(Uuid::nil()), Timestamp(0));
        for (at, word) in resolvers.iter().enumerate() {
            let server = format!("resolver {at}");
            look.answers.push(dns(Probe::A, &server, word));
            let aaaa = if word.contains('.') { "nodata" } else { word };
            look.answers.push(dns(Probe::Aaaa, &server, aaaa));
        }
        look.answers.push(dns(Probe::Delegation, "parent", parent));
        look.answers.extend(registration);
        look
    }

    fn verdict(resolvers: &[&str], parent: &str, registration: Option<Seen>) -> Verdict {
        judge(&look(resolvers, parent, registration), &Baseline::default(), &PointsAt::default()).verdict
    }

    #[test]
    fn every_row_of_the_table_gives_its_verdict() {
        let known = |status: &[&str]| Some(rdap(status, "9990", false));
        let rows: [(&[&str], &str, Option<Seen>, Verdict); 19] = [
            (&["nx", "nx"], "nx", known(&["client hold"]), Verdict::HeldByRegistrar),
            (&["nx", "nx"], "nx", known(&["client hold", "server hold"]), Verdict::HeldByRegistry),
            (&["nx"], "nx", known(&["client hold"]), Verdict::HeldByRegistrar),
            (&["nx", "nx"], "timeout", known(&["redemption period"]), Verdict::DeletedPending),
            (&["nx", "nx"], "nx", known(&["pending delete"]), Verdict::DeletedPending),
            (&["nx", "nx"], "nx", Some(rdap(&[], "", true)), Verdict::Unregistered),
            (&["nx", "nx"], "nx", known(&["active"]), Verdict::Inconclusive),
            (&["nx", "nx"], "nx", known(&["client transfer prohibited"]), Verdict::Inconclusive),
            (&["nx", "nx"], "nx", None, Verdict::Inconclusive),
            (&["fail", "timeout"], "timeout", known(&["client hold"]), Verdict::Inconclusive),
            (&["refused", "refused"], "nx", known(&["client hold"]), Verdict::Inconclusive),
            (&["nx", "timeout"], "timeout", known(&["client hold"]), Verdict::Inconclusive),
            (&["nx", "nx"], "ns1.example", known(&["client hold"]), Verdict::Inconclusive),
            (&["nx", "192.0.2.1"], "ns1.example", known(&["active"]), Verdict::Live),
            (&["nx", "192.0.2.1"], "nx", known(&["client hold"]), Verdict::Inconclusive),
            (&["nodata", "nodata"], "ns1.example", known(&["active"]), Verdict::NoAddress),
            (&["0.0.0.0", "0.0.0.0"], "ns1.example", known(&["active"]), Verdict::Nullrouted),
            (&["0.0.0.0", "192.0.2.1"], "ns1.example", known(&["active"]), Verdict::Live),
            (&["0.0.0.0", "nodata"], "ns1.example", known(&["active"]), Verdict::NoAddress),
        ];
        for (resolvers, parent, registration, expected) in rows {
            let shown = format!("{resolvers:?} parent {parent} {registration:?}");
            assert_eq!(verdict(resolvers, parent, registration), expected, "{shown}");
        }
    }

    #[test]
    fn sinkholes_seizures_parking_and_moves_are_told_apart() {
        let locks = ["server delete prohibited", "server transfer prohibited", "server update prohibited"];
        let look = look(&["192.0.2.1", "192.0.2.1"], "ns1.seized.example", Some(rdap(&locks, "292", false)));
        let before = Baseline {
            systems: [64500].into(),
            name_servers: ["ada.ns.example".to_owned()].into(),
            registrar: Some("9990".into()),
        };
        let at =
            |systems: &[u32]| PointsAt { systems: systems.iter().copied().collect(), ..PointsAt::default() };
        let verdict = |before: &Baseline, at: &PointsAt| judge(&look, before, at).verdict;
        let listed = || BTreeMap::from([("192.0.2.1".to_owned(), "a list".to_owned())]);
        let sinkhole = PointsAt { sinkholes: listed(), ..at(&[64500]) };
        assert_eq!(verdict(&before, &sinkhole), Verdict::Sinkholed);
        assert_eq!(verdict(&before, &at(&[64501])), Verdict::Seized);
        let same_registrar = Baseline { registrar: Some("292".into()), ..before };
        assert_eq!(verdict(&same_registrar, &at(&[64501])), Verdict::Moved);
        assert_eq!(verdict(&same_registrar, &at(&[64500])), Verdict::Live);
        let parking = PointsAt { parking: listed(), ..at(&[64500]) };
        assert_eq!(verdict(&same_registrar, &parking), Verdict::Parked);
    }

    #[test]
    fn a_resolver_that_filters_to_a_sinkhole_does_not_make_one() {
        let listed = |place: &str| PointsAt {
            sinkholes: [(place.to_owned(), "a list".to_owned())].into(),
            ..PointsAt::default()
        };
        let active = || Some(rdap(&["active"], "9990", false));
        let verdict = |resolvers: &[&str], parent: &str, place: &str| {
            judge(&look(resolvers, parent, active()), &Baseline::default(), &listed(place)).verdict
        };
        let (sink, real, servers) = ("192.0.2.66", "192.0.2.1", "ns1.example");
        assert_eq!(verdict(&[sink, real], servers, sink), Verdict::Live);
        assert_eq!(verdict(&[sink, "192.0.2.66 192.0.2.1"], servers, sink), Verdict::Live);
        assert_eq!(verdict(&[sink], servers, sink), Verdict::Inconclusive);
        assert_eq!(verdict(&[sink, "fail"], servers, sink), Verdict::Inconclusive);
        assert_eq!(verdict(&[sink, sink], servers, sink), Verdict::Sinkholed);
        assert_eq!(verdict(&[real], servers, servers), Verdict::Sinkholed);
    }

    #[test]
    fn what_may_be_a_filter_or_a_parking_page_does_not_reopen_a_task() {
        let class = |class| Verdict::ALL.iter().copied().filter(move |verdict| Class::of(*verdict) == class);
        assert_eq!(class(Class::Up).collect::<Vec<_>>(), [Verdict::NoAddress, Verdict::Moved, Verdict::Live]);
        assert_eq!(
            class(Class::Unclear).collect::<Vec<_>>(),
            [Verdict::Parked, Verdict::Nullrouted, Verdict::Inconclusive]
        );
    }

    proptest! {
        /// Whatever the registries say, servers that only fail never make a target down.
        #[test]
        fn failures_alone_are_never_down(
            resolvers in prop::collection::vec(prop::sample::select(vec!["fail", "timeout", "refused"]), 0..4),
            parent in prop::sample::select(vec!["fail", "timeout", "refused", "nx", "nodata"]),
            status in prop::collection::vec(prop::sample::select(vec![
                "client hold", "server hold", "pending delete", "redemption period", "inactive", "active",
            ]), 0..3),
            not_found in any::<bool>(),
        ) {
            let verdict = verdict(&resolvers, parent, Some(rdap(&status, "9990", not_found)));
            prop_assert_ne!(Class::of(verdict), Class::Down);
        }

        /// A name that some resolver has an address for, and the parent delegates, is not held.
        #[test]
        fn who_answers_is_not_held(
            others in prop::collection::vec(prop::sample::select(vec!["nx", "nodata", "fail", "timeout"]), 0..4),
            status in prop::collection::vec(prop::sample::select(vec!["client hold", "server hold"]), 0..2),
        ) {
            let mut resolvers = others;
            resolvers.push("192.0.2.1");
            let verdict = verdict(&resolvers, "ns1.example", Some(rdap(&status, "9990", false)));
            prop_assert_eq!(verdict, Verdict::Live);
        }
    }
}
