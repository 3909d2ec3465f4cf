use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::small;
use crate::lists;
use crate::world::Role;
use crate::{Range, Scenario, generate};

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path.as_ref()).unwrap()
}

fn json(path: impl AsRef<Path>) -> Value {
    serde_json::from_str(&read(path)).unwrap()
}

/// The domain that a line of an indicator list is about, read the simple way.
fn host(line: &str) -> String {
    let line = line.replace("[.]", ".").to_ascii_lowercase();
    let rest = line.split_once("://").map_or(line.as_str(), |(_, rest)| rest);
    rest.split(['/', ':']).next().unwrap().trim_end_matches('.').to_owned()
}

fn names(range: &Range, family: &str) -> BTreeSet<String> {
    let mine = range.world().domains.iter().filter(|d| d.family() == Some(family));
    mine.map(|d| d.name.clone()).collect()
}

#[tokio::test]
async fn the_folder_holds_what_sources_publish() {
    let (range, _) = small().await;
    let folder = tempfile::tempdir().unwrap();
    let lists = range.write_lists(&folder.path().join("new/folder")).unwrap();
    assert_eq!(lists.families.len(), 2);
    for family in &lists.families {
        let text = read(&family.path);
        let lines: Vec<&str> = text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
        assert_eq!(lines.len(), family.domains + family.duplicates + family.mistakes);
        let on_it: BTreeSet<String> = lines.iter().map(|l| host(l)).collect();
        let wanted = names(&range, &family.family);
        assert!(wanted.is_subset(&on_it), "{:?}", wanted.difference(&on_it));
        assert_eq!(on_it.len(), family.domains + family.mistakes);
    }
    assert_eq!(lists.families[0].mistakes, 1);
    let neighbours = read(&lists.neighbours);
    let honest = range.world().domains.iter().filter(|d| d.role == Role::Bystander).count();
    assert!(honest > 0);
    assert_eq!(neighbours.lines().count(), honest);
    assert!(
        names(&range, &lists.families[0].family).iter().all(|name| !neighbours.lines().any(|l| l == name))
    );
    assert_eq!(read(&lists.dead_drops).lines().count(), 1 + range.world().dead_drops.len());
    assert_eq!(read(&lists.suffixes).lines().collect::<Vec<_>>(), range.suffixes());
    assert_eq!(json(lists.bootstrap.join("dns.json")), range.bootstrap_dns());
    for name in ["ipv4", "ipv6", "asn"] {
        assert_eq!(json(lists.bootstrap.join(format!("{name}.json")))["version"], "1.0");
    }
    let first = read(&lists.asn_v4);
    assert!(first.lines().any(|l| l == "198.18.0.0,198.18.63.255,64500,\"Hydra Edge\""), "{first}");
    assert!(read(&lists.asn_v6).starts_with("2001:db8:1000::,2001:db8:1fff:"));
    let mut kinds = BTreeSet::new();
    for entry in fs::read_dir(&lists.warning_lists).unwrap() {
        let list = json(entry.unwrap().path().join("list.json"));
        assert!(!list["list"].as_array().unwrap().is_empty(), "{list}");
        kinds.insert(list["type"].as_str().unwrap().to_owned());
    }
    assert_eq!(kinds, BTreeSet::from(["cidr".to_owned(), "hostname".to_owned()]));
}

#[test]
fn lists_are_the_same_every_time_and_written_carelessly() {
    let scenario = Scenario::lumma().unwrap();
    let world = generate(&scenario);
    let list = lists::indicators(&scenario, &world, &scenario.families[0], 3);
    assert_eq!(list.text, lists::indicators(&scenario, &generate(&scenario), &scenario.families[0], 3).text);
    assert_eq!((list.domains, list.duplicates, list.mistakes), (2_300, 38, 3));
    for wanted in ["[.]", "http://", "hxxps://", ":443\n", "/api\n", "# Reference: "] {
        assert!(list.text.contains(wanted), "no `{wanted}`");
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let (range, _) = small().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = range.write_lists(file.path()).unwrap_err();
    assert!(error.to_string().contains("lumma.txt"), "{error}");
}
