use entities::{ObservableKind, Tlp};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn entries(objects: &[Value]) -> Vec<Entry> {
    read(objects, &Context::default())
}

fn named(entry: &Entry) -> Vec<(ObservableKind, String)> {
    let parsed = entry.parsed.as_ref().expect("accepted");
    parsed.sightings.iter().map(|(n, _)| (n.kind, n.value.clone())).collect()
}

fn indicator(pattern: &str) -> Value {
    json!({"type": "indicator", "id": "indicator--1", "pattern_type": "stix", "pattern": pattern})
}

#[test]
fn an_indicator_says_what_its_pattern_names() {
    use ObservableKind as K;
    for (pattern, expected) in [
        ("[domain-name:value = 'evil.com']", vec![(K::DomainName, "evil.com")]),
        ("[url:value = 'http://a.evil.com/x']", vec![(K::Url, "http://a.evil.com/x")]),
        (
            "[domain-name:value = 'evil.com' AND domain-name:resolves_to_refs[*].value = '8.8.4.4']",
            vec![(K::DomainName, "evil.com"), (K::Ipv4Address, "8.8.4.4")],
        ),
        (
            "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '8.8.4.4' AND network-traffic:dst_port = '443']",
            vec![(K::Endpoint, "8.8.4.4:443")],
        ),
        ("[autonomous-system:number = 64500]", vec![(K::AutonomousSystem, "AS64500")]),
        (
            "[file:name = 'a.exe' AND file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']",
            vec![(K::FileHash, "md5:d41d8cd98f00b204e9800998ecf8427e")],
        ),
        (
            "[x509-certificate:hashes.'SHA-1' = 'da39a3ee5e6b4b0d3255bfef95601890afd80709']",
            vec![(K::Certificate, "da39a3ee5e6b4b0d3255bfef95601890afd80709")],
        ),
    ] {
        let found = entries(&[indicator(pattern)]);
        let expected: Vec<_> = expected.into_iter().map(|(k, v)| (k, v.to_owned())).collect();
        assert_eq!(named(&found[0]), expected, "{pattern}");
    }
}

#[test]
fn what_names_nothing_is_refused_with_the_reason() {
    let mut revoked = indicator("[domain-name:value = 'evil.com']");
    revoked["revoked"] = json!(true);
    let yara =
        json!({"type": "indicator", "id": "indicator--2", "pattern_type": "yara", "pattern": "rule x {}"});
    for (object, word) in [
        (indicator("[file:name = 'a.exe']"), "file:name"),
        (indicator("[email-message:subject = 'a']"), "mail"),
        (indicator("[url:value LIKE 'a%']"), "LIKE"),
        (indicator("[ipv4-addr:value = '10.0.0.1']"), "private address"),
        (revoked, "revoked"),
        (yara, "yara"),
        (json!({"type": "identity", "id": "identity--1"}), "identity"),
        (json!({"type": "file", "id": "file--1", "name": "x"}), "hash"),
        (json!({"id": "x"}), "type"),
        (json!(7), "object"),
    ] {
        let found = entries(std::slice::from_ref(&object));
        let why = found[0].parsed.as_ref().expect_err("refused");
        assert!(why.contains(word), "{object}: {why}");
    }
}

#[test]
fn claims_come_from_all_over_the_bundle() {
    let red = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1";
    let found = entries(&[
        json!({"type": "indicator", "id": "indicator--1", "pattern": "[domain-name:value = 'evil.com']",
            "valid_from": "2025-05-13T00:00:00Z", "valid_until": "2025-06-13T00:00:00Z", "confidence": 70,
            "object_marking_refs": [red, "marking-definition--9"]}),
        json!({"type": "relationship", "id": "relationship--1", "relationship_type": "indicates",
            "source_ref": "indicator--1", "target_ref": "malware--1"}),
        json!({"type": "relationship", "id": "relationship--2", "relationship_type": "indicates",
            "source_ref": "indicator--1", "target_ref": "infrastructure--1"}),
        json!({"type": "malware", "id": "malware--1", "name": "Vidar"}),
        json!({"type": "infrastructure", "id": "infrastructure--1", "name": "x", "infrastructure_types": ["command-and-control"]}),
        json!({"type": "marking-definition", "id": "marking-definition--9", "definition_type": "statement",
            "definition": {"statement": "Copyright, ask before use"}}),
    ]);
    let parsed = found[0].parsed.as_ref().expect("accepted");
    let claim = &parsed.sightings[0].1;
    assert_eq!(claim.family.as_deref(), Some("Vidar"));
    assert_eq!(claim.role, Some(Role::C2));
    assert_eq!(claim.tlp, Some(Tlp::Red));
    assert_eq!(claim.confidence, Some(70));
    assert_eq!(claim.seen_at.map(|t| t.to_string()).as_deref(), Some("2025-05-13T00:00:00Z"));
    assert_eq!(claim.valid_until.map(|t| t.to_string()).as_deref(), Some("2025-06-13T00:00:00Z"));
    assert!(parsed.facts.iter().any(|f| f.detail.contains("Copyright")));
    assert!(found[1..].iter().all(|e| e.parsed.is_err()));
}

#[test]
fn observables_bring_their_embedded_relations() {
    let found = entries(&[
        json!({"type": "domain-name", "id": "domain-name--1", "value": "evil.com", "resolves_to_refs": ["ipv4-addr--1", "ipv4-addr--404"]}),
        json!({"type": "ipv4-addr", "id": "ipv4-addr--1", "value": "8.8.4.4", "belongs_to_refs": ["autonomous-system--1"]}),
        json!({"type": "autonomous-system", "id": "autonomous-system--1", "number": 64500}),
        json!({"type": "network-traffic", "id": "network-traffic--1", "dst_ref": "ipv4-addr--1", "dst_port": 8080}),
        json!({"type": "relationship", "id": "relationship--1", "relationship_type": "resolves-to",
            "source_ref": "domain-name--1", "target_ref": "ipv4-addr--1", "start_time": "2025-05-13T00:00:00Z"}),
        json!({"type": "observed-data", "id": "observed-data--1", "last_observed": "2025-05-14T00:00:00Z",
            "objects": {"0": {"type": "domain-name", "value": "evil.net", "resolves_to_refs": ["1"]}, "1": {"type": "ipv4-addr", "value": "8.8.4.4"}}}),
    ]);
    let links = |at: usize| found[at].parsed.as_ref().expect("accepted").links.clone();
    assert_eq!((links(0)[0].kind, links(0)[0].to.value.as_str()), (LinkKind::ResolvesTo, "8.8.4.4"));
    assert_eq!((links(1)[0].kind, links(1)[0].to.value.as_str()), (LinkKind::AnnouncedBy, "AS64500"));
    assert_eq!(named(&found[3])[0], (ObservableKind::Endpoint, "8.8.4.4:8080".to_owned()));
    assert!(links(4)[0].seen.is_some());
    let observed = found[5].parsed.as_ref().expect("accepted");
    assert_eq!(observed.sightings.len(), 2);
    assert!(observed.sightings.iter().all(|(_, c)| c.seen_at.is_some()));
    assert_eq!(observed.links[0].to.value, "8.8.4.4");
}

#[test]
fn version_1_is_known_by_its_root() {
    assert!(is_version_1_xml(
        "<?xml version=\"1.0\"?><stix:STIX_Package xmlns:stix=\"http://stix.mitre.org/stix-1\">"
    ));
    assert!(!is_version_1_xml("<html>"));
}

/// JSON out of the words that STIX uses, in any shape.
fn anything() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "indicator",
        "indicator--1",
        "domain-name",
        "domain-name--1",
        "ipv4-addr--1",
        "relationship",
        "observed-data",
        "file",
        "evil.com",
        "8.8.4.4",
        "[domain-name:value = 'evil.com']",
        "[url:value IN ('http://x.com/', 'y')]",
        "resolves-to",
        "tlp:red",
        "",
        "2025-05-13T00:00:00Z",
    ]);
    let key = prop::sample::select(vec![
        "type",
        "id",
        "value",
        "pattern",
        "objects",
        "object_refs",
        "resolves_to_refs",
        "belongs_to_refs",
        "source_ref",
        "target_ref",
        "relationship_type",
        "hashes",
        "number",
        "labels",
        "dst_ref",
        "dst_port",
        "kill_chain_phases",
        "granular_markings",
        "definition",
        "object_marking_refs",
        "Event",
        "Attribute",
        "Object",
        "Tag",
        "name",
        "deleted",
        "to_ids",
        "response",
    ]);
    let leaf = prop_oneof![
        word.prop_map(|w| json!(w)),
        any::<i64>().prop_map(|n| json!(n)),
        any::<bool>().prop_map(|b| json!(b)),
        Just(json!(null))
    ];
    leaf.prop_recursive(4, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((key.clone(), inner), 0..8)
                .prop_map(|pairs| Value::Object(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_object_gets_an_entry_whatever_it_is(objects in prop::collection::vec(anything(), 0..12)) {
        let found = entries(&objects);
        prop_assert_eq!(found.len(), objects.len());
        let _ = crate::intake::json::read(&Value::Array(objects).to_string(), &Context::default());
    }
}
