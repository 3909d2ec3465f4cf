//! What a reading says besides itself: links to other things, and facts. Pure.

use std::net::IpAddr;

use entities::{LinkKind, ObservableKind, Probe};

use super::{
    look::{Reading, Seen},
    reading::{DnsReading, Outcome, RdapDomainReading},
};
use crate::intake::entry::{Linked, Named};

/// The links that one answer about `of` states, held at the time of the look.
pub fn links(of: &Named, seen: &Seen) -> Vec<Linked> {
    match &seen.reading {
        Reading::Dns(reading) if reading.outcome == Outcome::Answer => dns(of, seen.probe, reading),
        Reading::Dns(_) | Reading::RdapNetwork(_) => Vec::new(),
        Reading::RdapDomain(reading) => rdap(of, reading),
        Reading::Route { prefix, asn, .. } => route(of, prefix, *asn),
    }
}

fn dns(of: &Named, probe: Probe, reading: &DnsReading) -> Vec<Linked> {
    let mut links = Vec::new();
    // The chain: of → first alias → … ; the records belong to its last name, and so do they to the name asked.
    let mut at = of.clone();
    for alias in &reading.aliases {
        let to = name(ObservableKind::HostName, alias);
        links.push(linked(&at, LinkKind::AliasOf, to.clone()));
        at = to;
    }
    for record in &reading.records {
        match probe {
            Probe::A | Probe::Aaaa => {
                if let Some(to) = address(record) {
                    links.push(linked(of, LinkKind::ResolvesTo, to));
                }
            }
            Probe::Ns | Probe::Delegation => {
                links.push(linked(of, LinkKind::DelegatedTo, name(ObservableKind::NameServer, record)));
            }
            Probe::Mx => links.extend(mail_host(record).map(|to| linked(of, LinkKind::MailTo, to))),
            Probe::Soa => links.extend(soa(of, record)),
            Probe::Txt
            | Probe::Caa
            | Probe::RdapDomain
            | Probe::RdapIp
            | Probe::RdapAutnum
            | Probe::RdapEntity
            | Probe::AsnTable => {}
        }
    }
    links
}

/// `10 mx.example` → the host; the null MX (`0 .`, RFC 7505) names none.
fn mail_host(record: &str) -> Option<Named> {
    let host = record.split_whitespace().nth(1)?.trim_end_matches('.');
    (!host.is_empty()).then(|| name(ObservableKind::MailHost, host))
}

/// `mname rname serial …`: the primary, and the responsible mailbox as a pivot (RFC 1035 §3.3.13).
fn soa(of: &Named, record: &str) -> Vec<Linked> {
    let mut fields = record.split_whitespace().map(|field| field.trim_end_matches('.'));
    let mut links = Vec::new();
    if let Some(primary) = fields.next().filter(|f| !f.is_empty()) {
        links.push(linked(of, LinkKind::SoaPrimary, name(ObservableKind::NameServer, primary)));
    }
    if let Some(mailbox) = fields.next().filter(|f| !f.is_empty()) {
        links.push(linked(of, LinkKind::SoaMailbox, token(&format!("rname:{mailbox}"))));
    }
    links
}

fn rdap(of: &Named, reading: &RdapDomainReading) -> Vec<Linked> {
    if reading.not_found {
        return Vec::new();
    }
    let mut links = Vec::new();
    if let Some(registrar) = reading.registrar.as_ref().and_then(registrar) {
        links.push(linked(of, LinkKind::SponsoredBy, registrar));
    }
    if let Some((_, suffix)) = of.value.split_once('.') {
        links.push(linked(of, LinkKind::RegisteredAt, name(ObservableKind::Registry, suffix)));
    }
    links.extend(reading.registrant.iter().map(|text| linked(of, LinkKind::RegisteredTo, token(text))));
    let servers = reading.name_servers.iter();
    links.extend(servers.map(|ns| linked(of, LinkKind::DelegatedTo, name(ObservableKind::NameServer, ns))));
    links
}

/// The registrar as an observable: by IANA id, else by name.
pub fn registrar(reading: &super::reading::RegistrarReading) -> Option<Named> {
    let value = match (&reading.iana_id, &reading.name) {
        (Some(id), _) => format!("iana:{id}"),
        (None, Some(name)) => format!("name:{}", name.to_lowercase()),
        (None, None) => return None,
    };
    Some(Named { kind: ObservableKind::Registrar, value, display: reading.name.clone(), registrable: None })
}

/// The prefix that covers an address, and the AS that announces it.
pub fn route(of: &Named, prefix: &str, asn: u32) -> Vec<Linked> {
    let prefix = name(ObservableKind::Prefix, prefix);
    let system = name(ObservableKind::AutonomousSystem, &format!("AS{asn}"));
    vec![linked(of, LinkKind::InPrefix, prefix.clone()), linked(&prefix, LinkKind::AnnouncedBy, system)]
}

/// An address as an observable; `None` for text that is none.
pub fn address(text: &str) -> Option<Named> {
    let kind = match text.parse().ok()? {
        IpAddr::V4(_) => ObservableKind::Ipv4Address,
        IpAddr::V6(_) => ObservableKind::Ipv6Address,
    };
    Some(name(kind, text))
}

/// A stand-in for a target whose own name does not matter, when only the other ends of the links are wanted.
pub fn nameless() -> Named {
    name(ObservableKind::DomainName, "")
}

fn name(kind: ObservableKind, value: &str) -> Named {
    Named { kind, value: value.trim_end_matches('.').to_owned(), display: None, registrable: None }
}

fn token(text: &str) -> Named {
    name(ObservableKind::RegistrantToken, &text.to_lowercase())
}

fn linked(from: &Named, kind: LinkKind, to: Named) -> Linked {
    Linked { from: from.clone(), kind, to, seen: None, count: 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::reading::RegistrarReading;

    fn domain() -> Named {
        name(ObservableKind::DomainName, "kq.shop.example")
    }

    fn answer(probe: Probe, aliases: &[&str], records: &[&str]) -> Seen {
        let own = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect();
        let reading = DnsReading { outcome: Outcome::Answer, records: own(records), aliases: own(aliases) };
        Seen { probe, server: "udp".into(), reading: Reading::Dns(reading), raw: String::new(), ttl: None }
    }

    fn told(seen: &Seen) -> Vec<String> {
        let arrow = |l: Linked| format!("{} {} {}:{}", l.from.value, l.kind, l.to.kind, l.to.value);
        links(&domain(), seen).into_iter().map(arrow).collect()
    }

    #[test]
    fn an_alias_chain_and_its_addresses_become_links() {
        let links = told(&answer(Probe::A, &["a.cdn.example", "b.cdn.example"], &["192.0.2.7"]));
        assert_eq!(
            links,
            [
                "kq.shop.example alias_of host_name:a.cdn.example",
                "a.cdn.example alias_of host_name:b.cdn.example",
                "kq.shop.example resolves_to ipv4_address:192.0.2.7",
            ]
        );
    }

    #[test]
    fn a_null_mx_names_no_mail_host_and_a_soa_names_two_things() {
        assert!(told(&answer(Probe::Mx, &[], &["0 ."])).is_empty());
        assert_eq!(
            told(&answer(Probe::Soa, &[], &["ns1.example. host.example. 1 2 3 4 5"])),
            [
                "kq.shop.example soa_primary name_server:ns1.example",
                "kq.shop.example soa_mailbox registrant_token:rname:host.example",
            ]
        );
    }

    #[test]
    fn registration_data_name_the_registrar_by_its_id_and_nothing_when_the_name_is_unknown() {
        let mut reading = RdapDomainReading {
            registrar: Some(RegistrarReading { iana_id: Some("9991".into()), ..RegistrarReading::default() }),
            registrant: vec!["Ana@Inbox.example".into()],
            ..RdapDomainReading::default()
        };
        let seen = |reading: &RdapDomainReading| Seen {
            probe: Probe::RdapDomain,
            server: "rdap".into(),
            reading: Reading::RdapDomain(reading.clone()),
            raw: String::new(),
            ttl: None,
        };
        assert_eq!(
            told(&seen(&reading)),
            [
                "kq.shop.example sponsored_by registrar:iana:9991",
                "kq.shop.example registered_at registry:shop.example",
                "kq.shop.example registered_to registrant_token:ana@inbox.example",
            ]
        );
        reading.not_found = true;
        assert!(told(&seen(&reading)).is_empty());
    }
}
