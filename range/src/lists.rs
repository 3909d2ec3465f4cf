//! What sources publish about the world: indicator lists, benign lists, tables of addresses. Pure text.

use std::net::IpAddr;

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::dice;
use crate::infrastructure::platform_host;
use crate::rdap_json::bounds;
use crate::scenario::{Family, Network, Scenario};
use crate::world::{Domain, Role, World};

/// A line of comment is put in after so many indicators.
const REFERENCE_EVERY: usize = 40;
/// One indicator in so many is there twice, written differently.
const TWICE: usize = 60;

/// An indicator list of one family.
pub(crate) struct Indicators {
    /// The text of the file.
    pub(crate) text: String,
    /// Distinct domains of the family on it.
    pub(crate) domains: usize,
    /// Lines that repeat one of them.
    pub(crate) duplicates: usize,
    /// Popular names that are on it by mistake.
    pub(crate) mistakes: usize,
}

/// The list that a source publishes of a family; `mistakes` popular names are on it too.
pub(crate) fn indicators(scenario: &Scenario, world: &World, family: &Family, mistakes: usize) -> Indicators {
    let rng = &mut dice::stream(scenario.seed, &format!("list/{}", family.name));
    let mut mine: Vec<&Domain> =
        world.domains.iter().filter(|d| d.family() == Some(family.name.as_str())).collect();
    mine.shuffle(rng);
    let mut lines: Vec<String> = mine.iter().map(|d| written(rng, d)).collect();
    let duplicates = mine.len() / TWICE;
    lines.extend(mine.iter().take(duplicates).map(|d| format!("hxxps://{}{}", defanged(&d.name), gate(d))));
    lines.extend(scenario.popular.iter().take(mistakes).cloned());
    lines.shuffle(rng);
    let host = "reports.example";
    let mut text =
        format!("# Indicators of {}\n# Made up for rehearsals; nothing here exists.\n", family.name);
    for (i, line) in lines.iter().enumerate() {
        if i % REFERENCE_EVERY == 0 {
            let article = i / REFERENCE_EVERY + 1;
            text.push_str(&format!("\n# Reference: https://{host}/{}/{article}\n\n", family.name));
        }
        text.push_str(line);
        text.push('\n');
    }
    Indicators { text, domains: mine.len(), duplicates, mistakes }
}

/// Honest names that somebody noticed, one a line: they sit at the registrars, name servers and networks of the families.
pub(crate) fn neighbours(world: &World) -> String {
    let honest = world.domains.iter().filter(|domain| domain.role == Role::Bystander);
    honest.map(|domain| domain.name.clone() + "\n").collect()
}

/// A domain as a careless source writes it.
fn written(rng: &mut ChaCha8Rng, domain: &Domain) -> String {
    let name = &domain.name;
    match rng.random_range(0..100) {
        0..70 => name.clone(),
        70..80 => defanged(name),
        80..88 => format!("http://{name}{}", gate(domain)),
        88..92 => format!("hxxps://{}{}", defanged(name), gate(domain)),
        92..97 => format!("{name}:443"),
        97..99 => name.to_ascii_uppercase(),
        _ => format!("{name}."),
    }
}

fn defanged(name: &str) -> String {
    name.replace('.', "[.]")
}

fn gate(domain: &Domain) -> &str {
    match &domain.role {
        Role::Malicious { gate, .. } => gate,
        Role::Bystander | Role::Popular(_) | Role::Infrastructure => "/",
    }
}

/// Accounts that name domains, as CSV: platform, address, family, names separated by blanks.
pub(crate) fn dead_drops(world: &World) -> String {
    let mut text = "platform,url,family,names\n".to_owned();
    for drop in &world.dead_drops {
        let platform = format!("{:?}", drop.platform).to_ascii_lowercase();
        text.push_str(&format!("{platform},{},{},{}\n", drop.url, drop.family, drop.names.join(" ")));
    }
    text
}

/// Benign lists in the format of misp-warninglists: folder name and content.
pub(crate) fn warning_lists(scenario: &Scenario) -> Vec<(&'static str, Value)> {
    let cdns = scenario.networks.iter().filter(|n| n.cdn);
    let cdn: Vec<String> = cdns.flat_map(|n| n.prefixes.iter().map(ToString::to_string)).collect();
    let platforms = scenario.families.iter().flat_map(|f| &f.dead_drops);
    let mut popular = scenario.popular.clone();
    popular.extend(platforms.map(|d| platform_host(scenario, d.platform)));
    popular.dedup();
    let sinkholes = scenario.sinkhole.addresses.iter().map(ToString::to_string).collect();
    let parking = scenario.parking.addresses.iter().map(ToString::to_string).collect();
    vec![
        ("popular", list("Popular sites of the range", "hostname", popular)),
        ("cdn", list("CDN ranges of the range", "cidr", cdn)),
        ("sinkholes", list("Sinkholes of the range", "cidr", sinkholes)),
        ("sinkholes-ns", list("Sinkhole name servers of the range", "hostname", domains(scenario, true))),
        ("parking-domain", list("Parking domains of the range", "cidr", parking)),
        (
            "parking-domain-ns",
            list("Parking name servers of the range", "hostname", domains(scenario, false)),
        ),
    ]
}

/// The domains that the name servers of the sinkhole, or of the parking service, lie under.
fn domains(scenario: &Scenario, sinkhole: bool) -> Vec<String> {
    let diversion = if sinkhole { &scenario.sinkhole } else { &scenario.parking };
    let mut all: Vec<String> =
        diversion.name_servers.iter().filter_map(|ns| scenario.domain_of(ns)).collect();
    all.sort();
    all.dedup();
    all
}

fn list(name: &str, kind: &str, mut entries: Vec<String>) -> Value {
    entries.sort();
    entries.dedup();
    let attributes: &[&str] = match kind {
        "cidr" => &["ip-src", "ip-dst", "domain|ip", "ip-src|port", "ip-dst|port"],
        _ => &["domain", "hostname", "url", "domain|ip"],
    };
    json!({
        "name": name,
        "description": format!("{name}, made up for rehearsals"),
        "version": 1,
        "type": kind,
        "matching_attributes": attributes,
        "list": entries,
    })
}

/// Ranges and their AS as CSV: first address, last address, AS number, name in quotes; sorted by address.
pub(crate) fn asn_table(scenario: &Scenario, v4: bool) -> String {
    let mut rows: Vec<(IpAddr, IpAddr, &Network)> = Vec::new();
    for network in &scenario.networks {
        for prefix in network.prefixes.iter().filter(|p| p.is_ipv4() == v4) {
            let (first, last) = bounds(*prefix);
            rows.push((first, last, network));
        }
    }
    rows.sort_by_key(|(first, _, _)| *first);
    let line = |(first, last, n): &(IpAddr, IpAddr, &Network)| {
        format!("{first},{last},{},\"{}\"\n", n.asn, n.name.replace('"', "\"\""))
    };
    rows.iter().map(line).collect()
}
