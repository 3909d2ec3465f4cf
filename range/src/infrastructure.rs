//! What a world needs beside its campaigns: the domains of parties and platforms, and the accounts on these.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use rand::RngExt;
use rand::seq::IndexedRandom;

use crate::campaign;
use crate::dice;
use crate::labels;
use crate::scenario::{NameServerScheme, Platform, Scenario};
use crate::world::{DeadDrop, Domain, Manner};

/// The whole domains that the scenario's parties live on, with the hosts that each must have.
pub(crate) fn infrastructure_hosts(scenario: &Scenario) -> BTreeMap<String, BTreeMap<String, Vec<IpAddr>>> {
    let mut wanted: BTreeMap<String, BTreeMap<String, Vec<IpAddr>>> = BTreeMap::new();
    let mut add = |host: &str, addresses: Vec<IpAddr>| {
        let Some(domain) = scenario.domain_of(host) else { return };
        let hosts = wanted.entry(domain.clone()).or_default();
        if let Some(below) = host.strip_suffix(&format!(".{domain}")) {
            hosts.insert(below.to_owned(), addresses);
        }
    };
    for operator in &scenario.name_servers {
        let count = match operator.scheme {
            NameServerScheme::Pairs { pool } => pool * 2,
            NameServerScheme::Fixed { hosts } => hosts,
        };
        (0..count).for_each(|i| add(&campaign::host(operator.scheme, &operator.zone, i), Vec::new()));
    }
    for d in [&scenario.sinkhole, &scenario.parking] {
        d.name_servers.iter().for_each(|ns| add(ns, vec![d.addresses[0]]));
    }
    let mails = scenario.registrars.iter().map(|r| &r.abuse);
    let mails = mails
        .chain(scenario.networks.iter().map(|n| &n.abuse))
        .chain(scenario.csirts.iter().map(|c| &c.mail));
    let hosts: BTreeSet<&str> = mails.filter_map(|m| m.split_once('@')).map(|(_, host)| host).collect();
    hosts.iter().for_each(|h| add(h, Vec::new()));
    for drops in scenario.families.iter().flat_map(|f| &f.dead_drops) {
        add(&platform_host(scenario, drops.platform), Vec::new());
    }
    wanted
}

/// The synthetic host of a platform: beside the first name-server operator's zone.
pub(crate) fn platform_host(scenario: &Scenario, platform: Platform) -> String {
    let zone = scenario.name_servers.first().map_or("", |n| n.zone.as_str());
    let suffix = scenario.suffix_of(zone).unwrap_or("example");
    match platform {
        Platform::Steam => format!("steamcommunity.{suffix}"),
        Platform::Telegram => format!("telegram.{suffix}"),
    }
}

/// The accounts of every family, and which of its domains they name.
pub(crate) fn dead_drops(scenario: &Scenario, domains: &[Domain]) -> Vec<DeadDrop> {
    let mut drops = Vec::new();
    for family in &scenario.families {
        let rng = &mut dice::stream(scenario.seed, &format!("dead-drops/{}", family.name));
        let mine = domains.iter().filter(|d| d.family() == Some(family.name.as_str()));
        let mine: Vec<&str> = mine.filter(|d| d.manner == Manner::Plain).map(|d| d.name.as_str()).collect();
        for kind in &family.dead_drops {
            let host = platform_host(scenario, kind.platform);
            for _ in 0..kind.accounts {
                let url = match kind.platform {
                    Platform::Steam => {
                        let id: u64 = rng.random_range(10_000_000..99_999_999);
                        format!("https://{host}/profiles/765611990{id}")
                    }
                    Platform::Telegram => format!("https://{host}/{}", labels::token(rng, 9)),
                };
                let mut names: Vec<String> = mine.sample(rng, kind.names).map(|n| (*n).to_owned()).collect();
                names.sort_unstable();
                drops.push(DeadDrop { platform: kind.platform, url, family: family.name.clone(), names });
            }
        }
    }
    drops
}
