use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::{Domain, Manner, Scenario, World, generate};

fn lumma() -> (Scenario, World) {
    let scenario = Scenario::lumma().unwrap();
    let world = generate(&scenario);
    (scenario, world)
}

fn storm(world: &World) -> Vec<&Domain> {
    world.domains.iter().filter(|d| d.campaign() == Some("storm")).collect()
}

/// How many domains share each value of `key`, in per cent of all.
fn shares<'a, K: Ord>(domains: &[&'a Domain], key: impl Fn(&'a Domain) -> K) -> BTreeMap<K, f64> {
    let mut counts = BTreeMap::new();
    for d in domains {
        *counts.entry(key(d)).or_insert(0.0) += 100.0 / f64::from(u32::try_from(domains.len()).unwrap());
    }
    counts
}

fn counts<K: Ord>(keys: impl Iterator<Item = K>) -> BTreeMap<K, usize> {
    let mut counts = BTreeMap::new();
    keys.for_each(|k| *counts.entry(k).or_insert(0) += 1);
    counts
}

fn near(got: f64, wanted: f64, tolerance: f64) -> bool {
    (got - wanted).abs() <= tolerance
}

#[test]
fn the_same_scenario_gives_the_same_internet() {
    let scenario = Scenario::small().unwrap();
    let (a, b) = (generate(&scenario), generate(&scenario));
    assert_eq!(a, b);
    assert_eq!(format!("{a:?}"), format!("{b:?}"));
    let mut other = scenario.clone();
    other.seed += 1;
    assert_ne!(a, generate(&other));
    let mut other = scenario;
    other.families[0].campaigns[0].domains += 1;
    assert_ne!(a, generate(&other));
}

/// Holds the internet of a seed across versions of the generator and of its libraries. When a change of the
/// generator or the scenario is wanted, put the new digest here.
#[test]
fn the_small_internet_is_still_the_same() {
    let world = generate(&Scenario::small().unwrap());
    let digest: String =
        Sha256::digest(format!("{world:?}")).iter().take(8).map(|b| format!("{b:02x}")).collect();
    assert_eq!(digest, "345ecb928aeb4fdb");
}

#[test]
fn another_campaign_leaves_the_names_of_the_first_alone() {
    let scenario = Scenario::lumma().unwrap();
    let mut fewer = scenario.clone();
    fewer.families.truncate(1);
    fewer.families[0].campaigns.truncate(1);
    let (a, b) = (generate(&scenario), generate(&fewer));
    let names = |w: &World| storm(w).iter().map(|d| d.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&a), names(&b));
}

#[test]
fn sizes_are_as_asked_and_names_are_unique() {
    let (_, world) = lumma();
    assert_eq!(world.domains.iter().filter(|d| d.family() == Some("lumma")).count(), 2_300);
    assert_eq!(world.domains.iter().filter(|d| d.family() == Some("vidar")).count(), 180);
    let names: BTreeSet<&str> = world.domains.iter().map(|d| d.name.as_str()).collect();
    assert_eq!(names.len(), world.domains.len());
}

#[test]
fn suffixes_and_registrars_of_the_fleet_are_as_measured() {
    let (scenario, world) = lumma();
    let storm = storm(&world);
    let suffix = shares(&storm, |d| d.suffix.as_str());
    for (name, wanted) in [("run", 27.5), ("live", 25.1), ("top", 9.2), ("com", 8.4), ("shop", 2.4)] {
        let got = suffix[format!("{name}.example").as_str()];
        assert!(near(got, wanted, 0.8), "{name}: {got} is not {wanted}");
    }
    let registrar = shares(&storm, |d| scenario.registrars[d.registrar].iana_id);
    for (id, wanted) in [(9_990, 94.2), (9_991, 3.2), (9_992, 2.0), (9_993, 0.6)] {
        assert!(near(registrar[&id], wanted, 0.3), "{id}: {} is not {wanted}", registrar[&id]);
    }
}

#[test]
fn name_server_pairs_are_as_measured() {
    let (_, world) = lumma();
    let pairs = counts(storm(&world).iter().map(|d| d.name_servers.clone()).filter(|n| {
        // Sinkholed and parked names have lost theirs.
        n[0].contains(".hydra-edge.")
    }));
    let distinct = pairs.len();
    assert!((295..=301).contains(&distinct), "{distinct} pairs, measured 301");
    let most = pairs.values().max().copied().unwrap_or(0);
    assert!((5..=7).contains(&most), "{most} domains on one pair, measured 7");
    assert!(pairs.keys().all(|p| p.len() == 2 && p[0] != p[1]));
}

#[test]
fn registrants_and_bursts_are_as_measured() {
    let (_, world) = lumma();
    let storm = storm(&world);
    let registrants = counts(storm.iter().map(|d| d.registrant.as_str()));
    let sizes = counts(registrants.values().copied());
    let measured = [(1, 143), (2, 36), (3, 27), (4, 24), (5, 8), (6, 6), (7, 3), (10, 1)];
    assert_eq!(sizes, BTreeMap::from(measured));
    let days = counts(storm.iter().map(|d| d.created_at.date()));
    assert_eq!(days.len(), 61);
    let mut largest: Vec<usize> = days.values().copied().collect();
    largest.sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(largest[..5], [74, 50, 44, 40, 39]);
    let one_day = registrants.keys().filter(|r| {
        let mine = storm.iter().filter(|d| d.registrant == **r);
        mine.map(|d| d.created_at.date()).collect::<BTreeSet<_>>().len() == 1
    });
    assert!(one_day.count() >= 245, "almost every registrant registers on one day");
}

#[test]
fn gaps_within_a_burst_are_as_measured() {
    let (_, world) = lumma();
    let mut by_registrant: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for d in storm(&world) {
        by_registrant.entry(&d.registrant).or_default().push(d.created_at.unix_timestamp());
    }
    let mut gaps: Vec<i64> = Vec::new();
    for times in by_registrant.values_mut() {
        times.sort_unstable();
        gaps.extend(times.windows(2).map(|w| w[1] - w[0]).filter(|g| *g < 43_200));
    }
    gaps.sort_unstable();
    let median = gaps[gaps.len() / 2];
    assert!((160..=230).contains(&median), "median gap {median} s, measured 194 s");
}

#[test]
fn addresses_are_as_measured() {
    let (scenario, world) = lumma();
    let storm = storm(&world);
    let v4 = |d: &Domain| d.addresses.iter().filter(|a| a.is_ipv4()).copied().collect::<Vec<_>>();
    let plain: Vec<&&Domain> =
        storm.iter().filter(|d| matches!(d.manner, Manner::Plain | Manner::Wildcard)).collect();
    let sizes = counts(plain.iter().map(|d| v4(d).len()));
    assert!((368..=380).contains(&sizes[&2]) && (98..=105).contains(&sizes[&5]), "{sizes:?}");
    assert_eq!(sizes[&0], 11);
    let per_address = counts(plain.iter().flat_map(|d| v4(d)));
    let hubs = per_address.values().filter(|n| **n > 50).count();
    assert_eq!(hubs, 7, "seven anycast addresses serve many");
    assert!(per_address.values().filter(|n| **n > 50).all(|n| (60..=95).contains(n)), "measured 66-92 each");
    let shared = per_address.values().filter(|n| **n >= 2).count();
    assert!((15..=32).contains(&shared), "{shared} shared addresses, measured 23");
    assert!((725..=762).contains(&per_address.len()), "{} addresses, measured 744", per_address.len());
    let behind = |ip: IpAddr| scenario.networks.iter().find(|n| n.prefixes.iter().any(|p| p.contains(ip)));
    let edge = plain
        .iter()
        .filter(|d| d.addresses.first().is_some_and(|a| behind(*a).is_some_and(|n| n.name == "Hydra Edge")));
    let part = 100 * edge.count() / plain.len();
    assert!((95..=98).contains(&part), "{part} % behind the CDN, measured 96 %");
}

#[test]
fn other_facts_are_as_measured() {
    let (_, world) = lumma();
    let storm = storm(&world);
    let part = |n: usize| 100.0 * n as f64 / storm.len() as f64;
    let no_mail = part(storm.iter().filter(|d| d.mx.is_empty()).count());
    assert!(near(no_mail, 81.0, 1.5), "{no_mail} % without MX, measured 81 %");
    let early = part(storm.iter().filter(|d| (d.first_seen_at - d.created_at).whole_hours() < 24).count());
    assert!(near(early, 90.0, 4.0), "{early} % seen within a day, measured 90 %");
    let issued = storm.iter().filter_map(|d| d.certificate.as_ref());
    let first = part(issued.filter(|c| c.issuer == "Range Trust WE1").count());
    assert!(near(first, 88.0, 3.0), "{first} % of one issuer, measured 89.8 %");
}

#[test]
fn everything_is_plainly_synthetic() {
    for scenario in [Scenario::lumma().unwrap(), Scenario::small().unwrap()] {
        let world = generate(&scenario);
        for d in &world.domains {
            let all =
                d.name_servers.iter().chain(d.mx.iter().map(|(_, h)| h)).chain([&d.name, &d.registrant]);
            assert!(
                all.clone().all(|n| n.ends_with(".example")
                    || n.ends_with("@inbox.example")
                    || n.ends_with("@post.example")),
                "{d:?}"
            );
            assert!(d.created_at < scenario.starts_at() && d.created_at <= d.first_seen_at, "{d:?}");
            assert_eq!(scenario.domain_of(&d.name).as_deref(), Some(d.name.as_str()));
            for a in d.addresses.iter().chain(d.hosts.values().flatten()) {
                assert!(scenario.networks.iter().any(|n| n.prefixes.iter().any(|p| p.contains(*a))), "{a}");
            }
        }
        let names: BTreeSet<&str> = world.domains.iter().map(|d| d.name.as_str()).collect();
        assert!(world.dead_drops.iter().flat_map(|d| &d.names).all(|n| names.contains(n.as_str())));
    }
}

#[test]
fn every_name_server_of_a_domain_has_an_address() {
    let scenario = Scenario::lumma().unwrap();
    let world = generate(&scenario);
    let by_name: BTreeMap<&str, &Domain> = world.domains.iter().map(|d| (d.name.as_str(), d)).collect();
    for ns in world.domains.iter().flat_map(|d| &d.name_servers) {
        let domain = scenario.domain_of(ns).unwrap();
        let below = ns.strip_suffix(&format!(".{domain}")).unwrap();
        assert!(by_name[domain.as_str()].hosts.contains_key(below), "{ns}");
    }
}
