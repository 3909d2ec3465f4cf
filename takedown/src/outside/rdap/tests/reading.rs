//! The reading of real and broken answers.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde_json::json;

use super::{super::*, shared};

fn domain(value: &serde_json::Value) -> RdapDomainReading {
    match read(value.to_string().as_bytes(), Class::Domain).unwrap() {
        RdapObject::Domain(reading, _) => *reading,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_abuse_desk_is_the_registrars_and_never_the_registrants() {
    let mail = |address: &str| json!(["vcard", [["fn", {}, "text", "N"], ["email", {}, "text", address]]]);
    let reading = domain(&json!({"ldhName": "x.example", "entities": [
        null, "junk",
        {"roles": ["registrant"], "vcardArray": mail("actor@x.example"), "entities": [
            {"roles": ["abuse"], "vcardArray": mail("abuse@actor.example")}]},
        {"roles": ["abuse"], "vcardArray": mail("beside@actor.example")},
        {"roles": "registrar", "vcardArray": mail("info@registrar.example"), "entities": [
            {"roles": ["technical"], "vcardArray": mail("tech@registrar.example")},
            {"roles": ["abuse", "technical"], "vcardArray": ["vcard", [
                ["email", {}, "text", "abuse@registrar.example"], ["email", {}, "text", "abuse2@registrar.example"],
                ["email", {}, "text", "removed@registrar.example"], ["tel", {}, "uri", "tel:+49.301234567"]]]},
            {"roles": ["abuse", "registrant"], "vcardArray": mail("both@actor.example")}]},
    ]}));
    let registrar = reading.registrar.unwrap();
    assert_eq!(registrar.abuse_emails, ["abuse2@registrar.example", "abuse@registrar.example"]);
    assert_eq!(registrar.abuse_tels, ["+49.301234567"]);
    assert_eq!(registrar.name.as_deref(), Some("N"));
    assert_eq!(reading.registrant, ["N", "actor@x.example"]);
}

#[test]
fn a_registrars_name_may_stand_on_the_nested_contact_only() {
    let with = |nested: serde_json::Value| {
        let entities = json!([{"roles": ["registrar"], "entities": [{"roles": ["abuse"], "vcardArray": ["vcard", nested]}]}]);
        domain(&json!({"ldhName": "x.example", "entities": entities})).registrar.unwrap().name
    };
    assert_eq!(with(json!([["fn", {}, "text", "Registrar Ltd"]])).as_deref(), Some("Registrar Ltd"));
    let desk = json!([["fn", {}, "text", "Abuse Department"], ["org", {}, "text", "Registrar Ltd"]]);
    assert_eq!(with(desk).as_deref(), Some("Registrar Ltd"));
    assert_eq!(with(json!([["fn", {}, "text", "Abuse Department"]])), None);
}

#[test]
fn statuses_match_the_closed_set_and_nothing_that_resembles_it() {
    for (sent, wanted) in [
        ("clientHold", "client hold"),
        ("CLIENT_HOLD", "client hold"),
        ("server hold", "server hold"),
        ("Client  Hold", "client hold"),
        ("clientHold https://icann.org/epp#clientHold", "client hold"),
        ("ok", "active"),
        ("pendingDelete", "pending delete"),
        ("transfer hold", "transfer hold"),
        ("on hold", "on hold"),
        ("Hold", "Hold"),
        ("client-transfer-prohibited", "client transfer prohibited"),
    ] {
        assert_eq!(status(sent).as_deref(), Some(wanted), "{sent}");
    }
    assert_eq!(status("  "), None);
    let list = shared("iana/rdap-json-values.xml");
    let Ok(list) = std::fs::read_to_string(&list) else {
        eprintln!("SKIPPED: {} is absent", list.display());
        return;
    };
    let records = list.split("<record").filter(|record| record.contains("<type>status</type>"));
    let values: Vec<&str> =
        records.filter_map(|r| r.split("<value>").nth(1)?.split("</value>").next()).collect();
    assert_eq!(values.len(), 36);
    for value in values {
        let camel: String = value.split(' ').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
        assert_eq!(status(&camel).as_deref(), Some(value));
    }
}

#[test]
fn what_servers_vary_is_still_read() {
    let reading = domain(&json!({"unicodeName": "Bücher.example.", "handle": 17, "status": "ok",
        "nameservers": {"ldhName": "NS1.example."}, "secureDNS": {"delegationSigned": "true"},
        "events": [null, {"eventAction": "Registration", "eventDate": "2024-01-02T03:04:05"},
            {"eventAction": "expiration", "eventDate": "2026-01-02"}, {"eventAction": "last changed", "eventDate": "soon"}],
        "redacted": [{"name": {"description": "Registrant Name"}}, {"name": {"type": "Tech Email"}}, {}],
        "entities": {"roles": ["registrar"], "publicIds": {"type": "iana registrar id", "identifier": "292"}}}));
    assert_eq!(reading.name.as_deref(), Some("xn--bcher-kva.example"));
    assert_eq!((reading.handle.as_deref(), reading.delegation_signed), (Some("17"), Some(true)));
    assert_eq!(reading.name_servers, ["ns1.example"]);
    assert_eq!(reading.registered_at.as_deref(), Some("2024-01-02T03:04:05Z"));
    assert_eq!((reading.expires_at.as_deref(), reading.changed_at), (Some("2026-01-02T00:00:00Z"), None));
    assert_eq!(reading.redacted, ["Registrant Name", "Tech Email"]);
    assert_eq!(reading.registrar.unwrap().iana_id.as_deref(), Some("292"));
}

#[test]
fn related_links_are_rdap_links_only() {
    let related = |links: serde_json::Value| match read(
        json!({"ldhName": "x", "links": links}).to_string().as_bytes(),
        Class::Domain,
    ) {
        Ok(RdapObject::Domain(_, related)) => related,
        other => panic!("{other:?}"),
    };
    let url = "https://rdap.registrar.example/domain/x";
    assert_eq!(related(json!([{"rel": "related", "type": "text/html", "href": url}])), None);
    assert_eq!(
        related(json!([{"rel": "self", "href": url}, {"rel": "related", "href": url}])).as_deref(),
        Some(url)
    );
    assert_eq!(
        related(json!({"rel": "related", "type": "application/rdap+json", "href": url})).as_deref(),
        Some(url)
    );
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
}

#[test]
fn every_sample_parses_or_is_refused_with_a_reason() {
    let folder = shared("rdap");
    if !folder.exists() {
        eprintln!("SKIPPED: {} is absent", folder.display());
        return;
    }
    let mut files = Vec::new();
    walk(&folder, &mut files);
    let mut counts = BTreeMap::<&str, usize>::new();
    for file in &files {
        let bytes = std::fs::read(file).unwrap();
        let classes = [Class::Domain, Class::IpNetwork, Class::Autnum, Class::Entity];
        let text = String::from_utf8_lossy(&bytes);
        let value: Option<serde_json::Value> = serde_json::from_str(&text).ok();
        let own = value.as_ref().and_then(|value| value.get("objectClassName")?.as_str());
        let asked =
            classes.into_iter().find(|class| own == Some(&class.to_string())).unwrap_or(Class::Domain);
        let kind = match read(&bytes, asked) {
            Ok(RdapObject::Domain(..)) => "domain",
            Ok(RdapObject::Network(_)) => "network",
            Ok(RdapObject::Entity(_)) => "entity",
            Err(ParseRdapError::NotJson(_)) => "not json",
            Err(ParseRdapError::NotAnObject) => "no object",
            Err(ParseRdapError::ErrorObject(_)) => "error object",
            Err(ParseRdapError::OtherClass(_)) => "other class",
            Err(ParseRdapError::Empty(_)) => "empty",
        };
        *counts.entry(kind).or_default() += 1;
    }
    assert_eq!(counts.values().sum::<usize>(), files.len());
    insta::assert_json_snapshot!(counts);
}

#[test]
fn card_samples_are_read_as_far_as_they_go() {
    let folder = shared("rdap/openrdap/jcard");
    if !folder.exists() {
        eprintln!("SKIPPED: {} is absent", folder.display());
        return;
    }
    let mut files = Vec::new();
    walk(&folder, &mut files);
    let cards = files.iter().filter_map(|file| serde_json::from_slice(&std::fs::read(file).unwrap()).ok());
    let entities =
        cards.map(|card: serde_json::Value| json!({"objectClassName": "entity", "vcardArray": card}));
    let read = entities.map(|entity| read(entity.to_string().as_bytes(), Class::Entity).unwrap());
    let named = read.filter(|object| matches!(object, RdapObject::Entity(entity) if entity.name.is_some()));
    assert_eq!(named.count(), 1, "only example.json has a name");
}

#[test]
fn real_answers_read_as_a_person_reads_them() {
    let file = shared("rdap/icann-rdap/lemonde.fr.json");
    let Ok(bytes) = std::fs::read(&file) else {
        eprintln!("SKIPPED: {} is absent", file.display());
        return;
    };
    let Ok(RdapObject::Domain(reading, _)) = read(&bytes, Class::Domain) else { panic!("no domain") };
    assert_eq!(reading.name.as_deref(), Some("lemonde.fr"));
    let bytes = std::fs::read(shared("rdap/intelmq/example.com.json")).unwrap();
    let Ok(RdapObject::Domain(reading, _)) = read(&bytes, Class::Domain) else { panic!("no domain") };
    let registrar = reading.registrar.clone().unwrap();
    assert_eq!(registrar.iana_id.as_deref(), Some("9999"));
    assert_eq!(registrar.abuse_emails, ["service@example.com"]);
    assert_eq!(reading.registered_at.as_deref(), Some("2014-04-29T14:08:54.068772Z"));
    assert!(reading.status.contains(&"server delete prohibited".to_owned()));
    assert!(!reading.status.contains(&"server hold".to_owned()));
    assert_eq!(reading.registrant, ["example.com"]);
    let bytes = std::fs::read(shared("rdap/icann-rdap/network_192_198_0_0.json")).unwrap();
    let Ok(RdapObject::Network(network)) = read(&bytes, Class::IpNetwork) else { panic!("no network") };
    assert_eq!(network.range.unwrap().0, "192.198.0.0");
    assert!(!network.abuse_emails.is_empty());
}
