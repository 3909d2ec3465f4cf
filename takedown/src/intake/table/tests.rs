use std::collections::BTreeMap;

use entities::{FactKind, LinkKind, ObservableKind, Role};

use super::*;
use crate::intake::entry::{Entry, Parsed};

fn read_all(text: &str, delimiter: u8) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut sink = |entry: Entry| {
        entries.push(entry);
        true
    };
    read(Lines::new(text.as_bytes()), delimiter, &Context::default(), &mut sink).expect("bytes in memory");
    entries
}

fn values(text: &str, delimiter: u8) -> Vec<Result<Vec<String>, String>> {
    let of = |parsed: Parsed| parsed.sightings.into_iter().map(|(n, _)| n.value).collect();
    read_all(text, delimiter).into_iter().map(|e| e.parsed.map(of)).collect()
}

fn last(text: &str) -> Parsed {
    read_all(text, b',').pop().expect("an entry").parsed.expect("a row that says something")
}

#[test]
fn titles_headers_comments_and_blank_lines_are_told_apart() {
    let text = "Table 1\nIOC,IOC Type\nevil[.]example,IOC Domain\n\n# note\nIOC,IOC Type\nword,x\n";
    let err = |why: &str| Err(why.to_owned());
    assert_eq!(
        values(text, b','),
        [
            err("a title above the header row"),
            err("header row"),
            Ok(vec!["evil.example".to_owned()]),
            err("blank line"),
            err("comment"),
            err("header row"),
            err("`word` is not an indicator: no dot, slash or colon in it"),
        ]
    );
}

#[test]
fn sekoia_rows_have_a_window() {
    let text = "IOC, Valid From, Valid Until, Link, Comment\nhttp://192.0.2.1/a.php,2022-07-01T00:00:00Z,2023-02-11T00:00:00Z,https://app.sekoia.io/x, PrivateLoader C2\n";
    let parsed = last(text);
    assert_eq!(parsed.sightings.len(), 1);
    let claim = &parsed.sightings[0].1;
    assert_eq!(claim.seen_at.map(|t| t.to_string()).as_deref(), Some("2022-07-01T00:00:00Z"));
    assert_eq!(claim.valid_until.map(|t| t.to_string()).as_deref(), Some("2023-02-11T00:00:00Z"));
    assert_eq!((claim.role, claim.family.as_deref()), (Some(Role::C2), Some("PrivateLoader")));
}

#[test]
fn traffic_is_an_endpoint_and_a_pattern_is_none() {
    let text = "ioc,first seen\nNetwork traffic to 192.0.2.1 on port 1111,2025-01-01\nverif(y)?gu[ea]st\\d+-b\\.com,2025-01-01\n";
    let got = values(text, b',');
    assert_eq!(got[1], Ok(vec!["192.0.2.1:1111".to_owned()]));
    assert_eq!(got[2], Err("a pattern, not an indicator".to_owned()));
}

#[test]
fn hashes_of_one_file_stand_in_one_cell() {
    let md5 = "7fe445d2b5df4b0e2ab87543f0109ae3";
    let sha1 = "58bdeed8ab97eca14e68259c9762fb34bb65196c";
    let parsed = last(&format!("ioc,first seen\n{md5};{sha1},2025-01-01\n"));
    assert_eq!(parsed.sightings.len(), 2);
    assert_eq!(parsed.sightings[1].0.value, format!("sha1:{sha1}"));
}

#[test]
fn tweetfeed_has_no_header() {
    let row = "2026-07-23 01:31:00,masaomi346,domain,evil.example,#phishing #Lumma,https://x.com/masaomi346/status/1\n";
    let parsed = last(&row.repeat(3));
    let (named, claim) = &parsed.sightings[0];
    assert_eq!((named.value.as_str(), parsed.sightings.len()), ("evil.example", 1));
    assert_eq!((claim.family.as_deref(), claim.role), (Some("Lumma"), Some(Role::Landing)));
    assert!(claim.seen_at.is_some());
}

#[test]
fn threatfox_names_its_columns_in_a_comment() {
    let text = "################\n# \"first_seen_utc\",\"ioc_id\",\"ioc_value\",\"ioc_type\",\"threat_type\",\"fk_malware\",\"malware_alias\",\"malware_printable\",\"last_seen_utc\",\"confidence_level\",\"reference\",\"tags\",\"anonymous\",\"reporter\"\n\"2025-05-13 12:00:00\", \"1\", \"192.0.2.1:443\", \"ip:port\", \"botnet_cc\", \"win.lumma\", \"None\", \"Lumma Stealer\", \"\", \"75\", \"https://x.com/a\", \"c2\", \"0\", \"x\"\n";
    let entries = read_all(text, b',');
    assert_eq!(entries[1].parsed, Err("header row".to_owned()));
    let parsed = entries[2].parsed.clone().expect("a row");
    let (named, claim) = &parsed.sightings[0];
    assert_eq!((named.kind, named.value.as_str()), (ObservableKind::Endpoint, "192.0.2.1:443"));
    assert_eq!(
        (claim.family.as_deref(), claim.confidence, claim.role),
        (Some("Lumma Stealer"), Some(75), Some(Role::C2))
    );
}

#[test]
fn viriback_rows_say_where_the_name_pointed() {
    let parsed = last("Family,URL,IP,FirstSeen\nAzorult,evil.example/panel/admin.php,192.0.2.1,21-06-2019\n");
    assert_eq!(parsed.sightings.len(), 1);
    let points = parsed.links.iter().find(|l| l.kind == LinkKind::ResolvesTo).expect("a link");
    assert_eq!((points.from.value.as_str(), points.to.value.as_str()), ("evil.example", "192.0.2.1"));
    assert!(points.seen.is_some());
}

#[test]
fn a_port_column_makes_an_endpoint() {
    let parsed = last("dst_ip,dst_port,malware\n192.0.2.1,8443,Vidar\n");
    assert_eq!(parsed.sightings[0].0.value, "192.0.2.1:8443");
}

#[test]
fn dated_trails_have_additions_and_removals() {
    let text = "2026-08-11T11:39:04+02:00\tdel\tbad.example\n2026-08-11T11:39:04+02:00\tadd\tevil.example    # was: x\n2026-08-11T11:39:04+02:00\tadd\t/a.dll\n";
    assert_eq!(
        values(text, b'\t'),
        [
            Err("a removal, not a sighting".to_owned()),
            Ok(vec!["evil.example".to_owned()]),
            Err("a path without a host".to_owned()),
        ]
    );
}

#[test]
fn iris_columns_become_links_and_facts() {
    let text = "domain,whois url,status,registrant contact email 1,admin contact email 1,create date,soa email 1,ip 1 - address,ip 1 - asn 1,ip 1 - isp,mx 1 - host,mx 1 - ip 1,ssl 1 - hash,ssl 1 - subject,name server 1 - host,name server 1 - ip 1,registrant org,registrar,registrar status 1,tld,first seen,ssl 1 - issuer common name,gtm 1,registrar iana id\n\
        evil.example,https://whois.domaintools.com/evil.example,active,e@x.example,e@x.example,2025-05-15,dns@ns.example,192.0.2.1,64496,Some Net,mx.evil.example,192.0.2.2,2095140f99a6d1ea2e8e4875890c077998d5f103,CN=evil.example,ns1.ns.example,192.0.2.3,REDACTED FOR PRIVACY,\"COSMOTOWN, INC.\",clienthold,com,2025-05-15T13:02:32.320000+00:00,WE1,GTM-1,1509\n";
    let parsed = last(text);
    let mut kinds: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for l in &parsed.links {
        kinds.entry(l.kind.as_str()).or_default().push(format!("{} {}", l.from.value, l.to.value));
    }
    assert_eq!(
        kinds["resolves_to"],
        ["evil.example 192.0.2.1", "mx.evil.example 192.0.2.2", "ns1.ns.example 192.0.2.3"]
    );
    assert_eq!(kinds["announced_by"], ["192.0.2.1 AS64496"]);
    assert_eq!(kinds["mail_to"], ["evil.example mx.evil.example"]);
    assert_eq!(kinds["certified"], ["evil.example 2095140f99a6d1ea2e8e4875890c077998d5f103"]);
    assert_eq!(kinds["delegated_to"], ["evil.example ns1.ns.example"]);
    assert_eq!(kinds["soa_mailbox"], ["evil.example dns@ns.example"]);
    assert_eq!(kinds["sponsored_by"], ["evil.example iana:1509"]);
    assert_eq!(kinds["registered_to"], ["evil.example e@x.example"]);
    assert_eq!(kinds["registered_at"], ["evil.example com"]);
    let facts: Vec<_> =
        parsed.facts.iter().map(|f| (f.of.value.as_str(), f.list.as_str(), f.detail.as_str())).collect();
    for wanted in [
        ("evil.example", "create date", "2025-05-15"),
        ("evil.example", "registrar status", "clienthold"),
        ("evil.example", "registrar", "COSMOTOWN, INC."),
        ("evil.example", "gtm", "GTM-1"),
        ("192.0.2.1", "ip isp", "Some Net"),
        ("2095140f99a6d1ea2e8e4875890c077998d5f103", "ssl subject", "CN=evil.example"),
    ] {
        assert!(facts.contains(&wanted), "{wanted:?} in {facts:?}");
    }
    assert_eq!(parsed.sightings.len(), 1);
    assert_eq!(parsed.sightings[0].1.seen_at, None, "the age of a domain is no sighting");
}

#[test]
fn passive_dns_rows_are_dated_links() {
    let header = "zone_time_first,zone_time_last,time_first,time_last,count,rrname,rrtype,bailiwick,rdata\n";
    let parsed = last(&format!(
        "{header},,1614177915,1720718282,228475,\"evil.example.\",\"A\",\"evil.example.\",\"192.0.2.1\"\n"
    ));
    assert!(parsed.sightings.is_empty());
    let l = &parsed.links[0];
    assert_eq!((l.kind, l.to.value.as_str(), l.count), (LinkKind::ResolvesTo, "192.0.2.1", 228_475));
    assert_eq!(l.seen.map(|(a, _)| a.to_string()).as_deref(), Some("2021-02-24T14:45:15Z"));
    let parsed = last(&format!(
        "{header},,1,2,1,\"evil.example.\",\"SOA\",\"\",\"ns1.x.example. dns.x.example. 1 2 3 4 5\"\n"
    ));
    let to: Vec<_> = parsed.links.iter().map(|l| l.to.value.as_str()).collect();
    assert_eq!(to, ["ns1.x.example", "dns@x.example"]);
    let parsed = last(&format!("{header},,1,2,1,\"evil.example.\",\"TXT\",\"\",\"\"\"v=spf1 -all\"\"\"\n"));
    assert_eq!((parsed.facts[0].kind, parsed.facts[0].list.as_str()), (FactKind::Published, "dns txt"));
    let line = r#"{"count":2,"time_first":1614177915,"time_last":1720718282,"rrname":"evil.example.","rrtype":"NS","rdata":["a.x.example.","b.x.example."]}"#;
    assert_eq!(passive_dns_line(line, &Context::default()).expect("a line").links.len(), 2);
    assert!(passive_dns_line("{}", &Context::default()).is_err());
}
