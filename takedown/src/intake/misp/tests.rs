use entities::{Pap, Role, Tlp};
use serde_json::json;

use super::*;

#[expect(clippy::needless_pass_by_value, reason = "bodies are written in place")]
fn event(body: Value) -> Vec<Entry> {
    let mut event = json!({"info": "x", "date": "2025-05-13", "Attribute": [], "Tag": []});
    for (key, value) in body.as_object().expect("an object") {
        event[key] = value.clone();
    }
    read(&[json!({"Event": event})], &Context::default()).expect("an event")
}

fn one(kind: &str, value: &str) -> Result<Vec<(ObservableKind, String)>, String> {
    let found = event(
        json!({"Attribute": [{"type": kind, "value": value, "category": "Network activity", "to_ids": true}]}),
    );
    let parsed = found[0].parsed.clone()?;
    Ok(parsed.sightings.into_iter().map(|(n, _)| (n.kind, n.value)).collect())
}

#[test]
fn attributes_become_observables_by_their_type() {
    use ObservableKind as K;
    for (kind, value, expected) in [
        ("domain", "evil.com", vec![(K::DomainName, "evil.com")]),
        ("hostname", "a.evil.com", vec![(K::HostName, "a.evil.com")]),
        ("domain|ip", "evil.com|8.8.4.4", vec![(K::DomainName, "evil.com"), (K::Ipv4Address, "8.8.4.4")]),
        ("ip-dst|port", "8.8.4.4|443", vec![(K::Endpoint, "8.8.4.4:443")]),
        ("hostname|port", "evil.com|443", vec![(K::Endpoint, "evil.com:443")]),
        ("url", "http://evil.com/a", vec![(K::Url, "http://evil.com/a")]),
        ("AS", "AS174", vec![(K::AutonomousSystem, "AS174")]),
        (
            "filename|md5",
            "a|b.exe|d41d8cd98f00b204e9800998ecf8427e",
            vec![(K::FileHash, "md5:d41d8cd98f00b204e9800998ecf8427e")],
        ),
        (
            "x509-fingerprint-sha1",
            "DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09",
            vec![(K::Certificate, "da39a3ee5e6b4b0d3255bfef95601890afd80709")],
        ),
        ("telegram-id", "@EvilBot", vec![(K::Account, "telegram:evilbot")]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(|(k, v)| (k, v.to_owned())).collect();
        assert_eq!(one(kind, value), Ok(expected), "{kind}");
    }
    for (kind, value, word) in [
        ("ssdeep", "3:a:b", "ssdeep"),
        ("email-src", "a@evil.com", "mail"),
        ("filename", "evil.com", "file name"),
        ("domain|ip", "evil.com", "domain|ip"),
        ("link", "https://example.com/report", "reference"),
        ("regkey", "HKLM\\x", "regkey"),
        ("domain", "", "value"),
    ] {
        let why = one(kind, value).expect_err(kind);
        assert!(why.contains(word), "{kind}: {why}");
    }
}

#[test]
fn tags_of_event_and_attribute_make_the_claim() {
    let found = event(json!({
        "Tag": [{"name": "tlp:amber"}, {"name": "misp-galaxy:stealer=\"Vidar\""}, {"name": "PAP:GREEN"}],
        "Attribute": [
            {"type": "domain", "value": "evil.com", "Tag": [{"name": "tlp:clear"}, {"name": "Lumma"}, {"name": "C2"}], "timestamp": "1747137600", "comment": "seen twice"},
            {"type": "domain", "value": "evil.net", "to_ids": false},
            {"type": "domain", "value": "evil.org", "deleted": "1"},
            {"type": "url", "value": "https://evil.org/report", "category": "External analysis"},
        ],
        "ShadowAttribute": [{"type": "domain", "value": "evil.info"}],
    }));
    assert_eq!(found.len(), 5);
    let parsed = found[0].parsed.as_ref().expect("accepted");
    let claim = &parsed.sightings[0].1;
    assert_eq!((claim.tlp, claim.pap, claim.role), (Some(Tlp::Amber), Some(Pap::Green), Some(Role::C2)));
    assert_eq!(claim.family.as_deref(), Some("Lumma"));
    assert_eq!(claim.seen_at, Some(Timestamp(1_747_137_600_000_000)));
    assert_eq!(claim.confidence, None);
    assert_eq!(parsed.facts[0].detail, "seen twice");
    let second = &found[1].parsed.as_ref().expect("accepted").sightings[0].1;
    assert_eq!(second.confidence, Some(NOT_FOR_ALERTS));
    assert_eq!(second.seen_at.map(|t| t.to_string()).as_deref(), Some("2025-05-13T00:00:00Z"));
    let refused: Vec<&str> =
        found[2..].iter().map(|e| e.parsed.as_ref().expect_err("refused").as_str()).collect();
    assert!(
        refused[0].contains("deleted") && refused[1].contains("reference") && refused[2].contains("proposal"),
        "{refused:?}"
    );
}

#[test]
fn objects_link_their_attributes() {
    let found = event(json!({"Object": [
        {"name": "domain-ip", "first_seen": "2025-05-13T00:00:00Z", "Attribute": [
            {"type": "domain", "object_relation": "domain", "value": "evil.com"},
            {"type": "ip-dst", "object_relation": "ip", "value": "8.8.4.4"},
            {"type": "ip-dst", "object_relation": "ip", "value": "8.8.8.8"}]},
        {"name": "ip-port", "Attribute": [
            {"type": "ip-dst", "object_relation": "ip", "value": "8.8.4.4"},
            {"type": "port", "object_relation": "dst-port", "value": "8080"}]},
        {"name": "corporate-asset", "Attribute": [{"type": "ip-src", "object_relation": "IP", "value": "8.8.4.4"}]},
    ]}));
    let links = &found[0].parsed.as_ref().expect("accepted").links;
    assert_eq!(links.len(), 2);
    assert!(
        links
            .iter()
            .all(|l| l.kind == LinkKind::ResolvesTo && l.from.value == "evil.com" && l.seen.is_some())
    );
    assert_eq!(found[3].parsed.as_ref().expect("accepted").sightings[0].0.value, "8.8.4.4:8080");
    assert!(found[4].parsed.is_err() && found[5].parsed.is_err());
}

#[test]
fn knows_a_hash_list() {
    assert!(is_hash_list("66cd6e7dbc06f271a2648def030cfece,06159a36-6012-5d68-bff5-7fac1110a2a6"));
    assert!(!is_hash_list("66cd6e7dbc06f271a2648def030cfece,evil.com"));
    assert!(!is_hash_list("evil.com"));
}
