//! RDAP answers as JSON (RFC 9083, RFC 9537, and the contacts that the gTLD response profile asks for). Pure.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::internet::{Internet, Standing};
use crate::scenario::{Network, Registrar};
use crate::world::Domain;

/// Days after a registration in which the registrar may take it back for free (`add period`).
const ADD_PERIOD: Duration = Duration::days(5);
/// AS numbers of the range (RFC 5398).
pub(crate) const AS_RANGES: [&str; 2] = ["64496-64511", "65536-65551"];
/// IPv4 prefixes of the range (RFC 5737, RFC 2544).
pub(crate) const V4_RANGES: [&str; 4] =
    ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15"];
/// The IPv6 prefix of the range (RFC 3849).
pub(crate) const V6_RANGES: [&str; 1] = ["2001:db8::/32"];

/// Whose answer about a domain it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Teller {
    /// The registry: thin, with a link to the registrar's answer.
    Registry,
    /// The registrar: with the registrant, shown or redacted.
    Registrar,
}

/// The answer about a registered domain.
pub(crate) fn domain(net: &Internet, base: &str, index: usize, standing: Standing, teller: Teller) -> Value {
    let domain = net.domain(index);
    let registrar = &net.scenario.registrars[domain.registrar];
    let at_registry = format!("{base}/registry/{}/domain/{}", domain.suffix, domain.name);
    let at_registrar = format!("{base}/registrar/{}/domain/{}", registrar.iana_id, domain.name);
    let own = if teller == Teller::Registry { &at_registry } else { &at_registrar };
    let mut events = vec![
        event("registration", domain.created_at),
        event("expiration", domain.expires_at),
        event("last changed", net.changed_at(index)),
        event("last update of RDAP database", net.now()),
    ];
    let mut links = vec![link(own, "self", own)];
    let mut entities = vec![registrar_entity(base, registrar)];
    match teller {
        Teller::Registry => links.push(link(own, "related", &at_registrar)),
        Teller::Registrar => {
            events.push(event("registrar expiration", domain.expires_at));
            entities.push(registrant_entity(domain, registrar));
        }
    }
    let servers = domain.name_servers.iter();
    let servers: Vec<Value> =
        servers.map(|ns| json!({"objectClassName": "nameserver", "ldhName": ns})).collect();
    let mut answer = json!({
        "rdapConformance": conformance(),
        "objectClassName": "domain",
        "handle": format!("{index}_DOMAIN-RANGE"),
        "ldhName": domain.name,
        "status": statuses(net, domain, standing),
        "events": events,
        "nameservers": servers,
        "secureDNS": {"delegationSigned": false},
        "entities": entities,
        "links": links,
        "notices": notices(),
    });
    if teller == Teller::Registrar && !registrar.shows_registrant {
        answer["redacted"] = redacted();
    }
    answer
}

/// The status strings of a domain: `client hold` while it is held, `active` when there is nothing else.
fn statuses(net: &Internet, domain: &Domain, standing: Standing) -> Vec<&'static str> {
    let mut all = domain.statuses.clone();
    if net.now() - domain.created_at < ADD_PERIOD {
        all.push("add period");
    }
    if matches!(standing, Standing::Held(_)) {
        all.push("client hold");
    }
    if all.is_empty() {
        all.push("active");
    }
    all
}

/// The entity of a registrar, with its IANA id and the contact of its abuse desk nested in it.
pub(crate) fn registrar_entity(base: &str, registrar: &Registrar) -> Value {
    let id = registrar.iana_id.to_string();
    let own = format!("{base}/registrar/{id}/entity/{id}");
    json!({
        "objectClassName": "entity",
        "handle": id,
        "roles": ["registrar"],
        "publicIds": [{"type": "IANA Registrar ID", "identifier": id}],
        "vcardArray": vcard(&registrar.name, &[]),
        "entities": [{
            "objectClassName": "entity",
            "roles": ["abuse"],
            "vcardArray": vcard("Abuse desk", &[
                json!(["tel", {"type": "voice"}, "uri", "tel:+1.5555550100"]),
                json!(["email", {}, "text", registrar.abuse]),
            ]),
        }],
        "links": [link(&own, "self", &own)],
    })
}

/// The registrant: the mail address where the registrar shows it, nothing of a person where not.
fn registrant_entity(domain: &Domain, registrar: &Registrar) -> Value {
    let card = if registrar.shows_registrant {
        vcard("", &[json!(["email", {}, "text", domain.registrant])])
    } else {
        vcard("", &[])
    };
    json!({"objectClassName": "entity", "handle": "", "roles": ["registrant"], "vcardArray": card})
}

/// What is left out of the registrant, and how (RFC 9537).
fn redacted() -> Value {
    let left_out = |what: &str, path: &str| {
        json!({
            "name": {"description": what},
            "prePath": path,
            "pathLang": "jsonpath",
            "method": "removal",
            "reason": {"description": "Server policy"},
        })
    };
    let of = "$.entities[?(@.roles[0]=='registrant')]";
    json!([
        left_out("Registrant Email", &format!("{of}.vcardArray[1][?(@[0]=='email')]")),
        left_out("Registrant Phone", &format!("{of}.vcardArray[1][?(@[0]=='tel')]")),
        left_out("Registrant Street", &format!("{of}.vcardArray[1][?(@[0]=='adr')]")),
    ])
}

/// The answer about the network that an address lies in: the longest prefix that holds it.
pub(crate) fn ip(net: &Internet, base: &str, address: IpAddr) -> Option<Value> {
    let networks = net.scenario.networks.iter();
    let holding =
        networks.flat_map(|n| n.prefixes.iter().filter(|p| p.contains(address)).map(move |p| (n, p)));
    let (network, prefix) = holding.max_by_key(|(_, p)| p.prefix())?;
    let (first, last) = bounds(*prefix);
    let (version, key) = if prefix.is_ipv4() { ("v4", "v4prefix") } else { ("v6", "v6prefix") };
    let own = format!("{base}/rir/ip/{}/{}", prefix.network(), prefix.prefix());
    Some(json!({
        "rdapConformance": conformance(),
        "objectClassName": "ip network",
        "handle": format!("NET-{}", handle(&format!("{}-{}", network.name, prefix.network()))),
        "startAddress": first.to_string(),
        "endAddress": last.to_string(),
        "ipVersion": version,
        "name": handle(&network.name),
        "type": "ALLOCATED PA",
        "country": network.country,
        "status": ["active"],
        "cidr0_cidrs": [{key: prefix.network().to_string(), "length": prefix.prefix()}],
        "arin_originas0_originautnums": [network.asn],
        "entities": holder(network),
        "events": [event("registration", net.scenario.starts_at() - Duration::days(2_000))],
        "links": [link(&own, "self", &own)],
        "notices": notices(),
    }))
}

/// The answer about an autonomous system.
pub(crate) fn autnum(net: &Internet, base: &str, asn: u32) -> Option<Value> {
    let network = net.scenario.networks.iter().find(|n| n.asn == asn)?;
    let own = format!("{base}/rir/autnum/{asn}");
    Some(json!({
        "rdapConformance": conformance(),
        "objectClassName": "autnum",
        "handle": format!("AS{asn}"),
        "startAutnum": asn,
        "endAutnum": asn,
        "name": handle(&network.name),
        "type": "DIRECT ALLOCATION",
        "country": network.country,
        "status": ["active"],
        "entities": holder(network),
        "events": [event("registration", net.scenario.starts_at() - Duration::days(2_000))],
        "links": [link(&own, "self", &own)],
        "notices": notices(),
    }))
}

/// An error as RFC 9083 §6 writes it.
pub(crate) fn error(code: u16, title: &str) -> Value {
    json!({"rdapConformance": ["rdap_level_0"], "errorCode": code, "title": title})
}

/// The answer to `help`.
pub(crate) fn help() -> Value {
    json!({"rdapConformance": conformance(), "notices": notices()})
}

/// A bootstrap file (RFC 9224): which entries are served where.
pub(crate) fn bootstrap(net: &Internet, what: &str, services: &[(Vec<String>, String)]) -> Value {
    let services: Vec<Value> = services.iter().map(|(entries, url)| json!([entries, [url]])).collect();
    json!({
        "version": "1.0",
        "publication": stamp(net.scenario.starts_at()),
        "description": format!("RDAP bootstrap file of the range for {what}"),
        "services": services,
    })
}

fn holder(network: &Network) -> Value {
    json!([
        {
            "objectClassName": "entity",
            "handle": format!("ORG-{}", handle(&network.name)),
            "roles": ["registrant"],
            "vcardArray": vcard(&network.name, &[json!(["kind", {}, "text", "org"])]),
        },
        {
            "objectClassName": "entity",
            "handle": format!("ABUSE-{}", handle(&network.name)),
            "roles": ["abuse"],
            "vcardArray": vcard("Abuse desk", &[json!(["email", {}, "text", network.abuse])]),
        },
    ])
}

fn conformance() -> Value {
    json!(["rdap_level_0", "cidr0", "redacted", "icann_rdap_response_profile_0"])
}

fn notices() -> Value {
    json!([{"title": "Synthetic", "description": ["This registration data is made up for rehearsals and tests."]}])
}

fn vcard(name: &str, more: &[Value]) -> Value {
    let mut card = vec![json!(["version", {}, "text", "4.0"]), json!(["fn", {}, "text", name])];
    card.extend_from_slice(more);
    json!(["vcard", card])
}

fn link(value: &str, rel: &str, href: &str) -> Value {
    json!({"value": value, "rel": rel, "href": href, "type": "application/rdap+json"})
}

fn event(action: &str, at: OffsetDateTime) -> Value {
    json!({"eventAction": action, "eventDate": stamp(at)})
}

fn stamp(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

/// A name as handles write it.
fn handle(name: &str) -> String {
    let fold = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '-' };
    name.chars().map(fold).collect()
}

/// First and last address of a prefix.
pub(crate) fn bounds(prefix: IpNetwork) -> (IpAddr, IpAddr) {
    match prefix {
        IpNetwork::V4(p) => (p.network().into(), p.broadcast().into()),
        IpNetwork::V6(p) => (p.network().into(), p.broadcast().into()),
    }
}
