use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{HandClock, small};
use crate::{Domain, Manner, Range, RdapLimit, Scenario};

/// Status, head and body of a plain GET.
async fn http(server: SocketAddr, path: &str) -> (u16, String, Value) {
    let mut stream = TcpStream::connect(server).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let code = head.split(' ').nth(1).unwrap().parse().unwrap();
    (code, head.to_ascii_lowercase(), serde_json::from_str(body).unwrap_or(Value::Null))
}

async fn get(range: &Range, path: &str) -> Value {
    let (code, head, body) = http(range.rdap(), path).await;
    assert_eq!(code, 200, "{path}: {head}");
    assert!(head.contains("content-type: application/rdap+json"), "{head}");
    body
}

/// The path of a URL of the range.
fn path_of(url: &Value) -> String {
    let url = url.as_str().unwrap();
    let rest = url.strip_prefix("http://").unwrap();
    rest[rest.find('/').unwrap()..].to_owned()
}

fn first(range: &Range, wanted: impl Fn(&Domain) -> bool) -> Domain {
    range.world().domains.iter().find(|d| wanted(d)).unwrap().clone()
}

fn registry_path(domain: &Domain) -> String {
    format!("/registry/{}/domain/{}", domain.suffix, domain.name)
}

fn with_role<'a>(answer: &'a Value, role: &str) -> &'a Value {
    let entities = answer["entities"].as_array().unwrap();
    entities.iter().find(|e| e["roles"].as_array().unwrap().contains(&json!(role))).unwrap()
}

fn email(entity: &Value) -> Option<String> {
    let card = entity["vcardArray"][1].as_array().unwrap();
    card.iter().find(|p| p[0] == "email").map(|p| p[3].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn bootstrap_leads_to_the_registry_and_on_to_the_registrar() {
    let (range, _) = small().await;
    let domain = first(&range, |d| d.family().is_some() && d.manner == Manner::Plain && d.registrar == 0);
    let bootstrap = range.bootstrap_dns();
    assert_eq!(bootstrap["version"], "1.0");
    let services = bootstrap["services"].as_array().unwrap();
    assert_eq!(services.len(), range.suffixes().len());
    let service = services.iter().find(|s| s[0][0] == json!(domain.suffix)).unwrap();
    assert!(service[1][0].as_str().unwrap().ends_with('/'));
    let thin = get(&range, &format!("{}domain/{}", path_of(&service[1][0]), domain.name)).await;
    assert_eq!((&thin["objectClassName"], &thin["ldhName"]), (&json!("domain"), &json!(domain.name)));
    assert_eq!(thin["events"][0]["eventAction"], "registration");
    let created = domain.created_at.format(&time::format_description::well_known::Rfc3339).unwrap();
    assert_eq!(thin["events"][0]["eventDate"], json!(created));
    let servers: Vec<&Value> =
        thin["nameservers"].as_array().unwrap().iter().map(|n| &n["ldhName"]).collect();
    assert_eq!(
        servers,
        domain.name_servers.iter().map(|n| json!(n)).collect::<Vec<_>>().iter().collect::<Vec<_>>()
    );
    assert!(!thin["status"].as_array().unwrap().contains(&json!("client hold")));
    let related = thin["links"].as_array().unwrap().iter().find(|l| l["rel"] == "related").unwrap();
    let full = get(&range, &path_of(&related["href"])).await;
    let registrar = with_role(&full, "registrar");
    assert_eq!(registrar["publicIds"], json!([{"type": "IANA Registrar ID", "identifier": "9990"}]));
    assert_eq!(registrar["vcardArray"][1][1], json!(["fn", {}, "text", "Meridian Names"]));
    assert_eq!(email(with_role(registrar, "abuse")).unwrap(), "abuse@meridian-names.net.example");
    assert_eq!(email(with_role(&full, "registrant")), Some(domain.registrant));
    assert!(full.get("redacted").is_none());
    assert_eq!(get(&range, &path_of(&registrar["links"][0]["href"])).await["handle"], "9990");
}

#[tokio::test]
async fn a_registrar_that_hides_the_registrant_says_so() {
    let (range, _) = small().await;
    let domain = first(&range, |d| d.registrar == 1 && d.family().is_some());
    let full = get(&range, &format!("/registrar/9991/domain/{}", domain.name)).await;
    assert_eq!(email(with_role(&full, "registrant")), None);
    assert_eq!(full["redacted"][0]["method"], "removal");
    assert!(!full.to_string().contains(&domain.registrant));
}

#[tokio::test]
async fn a_hold_shows_at_once_and_goes_again() {
    let (range, clock) = small().await;
    let domain = first(&range, |d| d.family().is_some() && d.manner == Manner::Plain);
    let index = range.net.index_of(&domain.name).unwrap();
    assert!(range.net.hold(index, clock.now()));
    let held = get(&range, &registry_path(&domain)).await;
    let status = held["status"].as_array().unwrap();
    assert!(status.contains(&json!("client hold")) && !status.contains(&json!("active")), "{status:?}");
    let changed =
        held["events"].as_array().unwrap().iter().find(|e| e["eventAction"] == "last changed").unwrap();
    let now = clock.now().format(&time::format_description::well_known::Rfc3339).unwrap();
    assert_eq!(changed["eventDate"], json!(now));
    range.restore(&domain.name).unwrap();
    let free = get(&range, &registry_path(&domain)).await;
    assert!(!free["status"].as_array().unwrap().contains(&json!("client hold")));
}

#[tokio::test]
async fn seized_and_fresh_names_have_their_status() {
    let (range, _) = small().await;
    let sunk = first(&range, |d| d.manner == Manner::Sinkholed);
    let answer = get(&range, &registry_path(&sunk)).await;
    for lock in ["delete", "renew", "transfer", "update"] {
        assert!(answer["status"].as_array().unwrap().contains(&json!(format!("server {lock} prohibited"))));
    }
    let domain = first(&range, |d| d.family().is_some() && d.manner == Manner::Plain);
    for (minutes, fresh) in [(60, true), (6 * 24 * 60, false)] {
        let clock = HandClock::at(domain.created_at);
        clock.forward_minutes(minutes);
        let range = Range::start(Scenario::small().unwrap(), clock.clock()).await.unwrap();
        let answer = get(&range, &registry_path(&domain)).await;
        assert_eq!(answer["status"].as_array().unwrap().contains(&json!("add period")), fresh);
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let (range, _) = small().await;
    let domain = first(&range, |d| d.family().is_some() && d.registrar == 0);
    let other = range.suffixes().iter().find(|s| **s != domain.suffix).unwrap();
    for path in [
        "/registry/shop.example/domain/never-registered.shop.example".to_owned(),
        format!("/registry/{other}/domain/{}", domain.name),
        format!("/registry/{}/domain/www.{}", domain.suffix, domain.name),
        format!("/registrar/9991/domain/{}", domain.name),
        "/rir/ip/8.8.8.8".to_owned(),
        "/rir/autnum/13335".to_owned(),
        "/".to_owned(),
    ] {
        let (code, head, body) = http(range.rdap(), &path).await;
        assert_eq!((code, &body["errorCode"]), (404, &json!(404)), "{path}: {head}");
    }
    let (code, _, _) = http(range.rdap(), "/rir/ip/nonsense").await;
    assert_eq!(code, 400);
    let upper = domain.name.to_ascii_uppercase();
    assert_eq!(get(&range, &format!("/registrar/9990/domain/{upper}.")).await["ldhName"], json!(domain.name));
}

#[tokio::test]
async fn addresses_and_systems_have_a_holder_with_an_abuse_desk() {
    let (range, _) = small().await;
    for (address, asn, key) in [("198.18.70.1", 64_500, "v4prefix"), ("2001:db8:1000::5", 64_500, "v6prefix")]
    {
        let bootstrap = if key == "v4prefix" { range.bootstrap_ipv4() } else { range.bootstrap_ipv6() };
        let base = path_of(&bootstrap["services"][0][1][0]);
        let answer = get(&range, &format!("{base}ip/{address}")).await;
        assert_eq!(answer["objectClassName"], "ip network");
        let (start, end) = (answer["startAddress"].as_str().unwrap(), answer["endAddress"].as_str().unwrap());
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(ip(start) <= ip(address) && ip(address) <= ip(end));
        assert!(answer["cidr0_cidrs"][0].get(key).is_some());
        assert_eq!(email(with_role(&answer, "abuse")).unwrap(), "abuse@hydra-edge.net.example");
        let system = get(&range, &format!("{base}autnum/{asn}")).await;
        assert_eq!((&system["startAutnum"], &system["name"]), (&json!(asn), &json!("HYDRA-EDGE")));
    }
    assert_eq!(range.bootstrap_asn()["services"][0][0], json!(["64496-64511", "65536-65551"]));
    assert_eq!(get(&range, "/rir/ip/198.18.0.0/18").await["ipVersion"], "v4");
}

#[tokio::test]
async fn too_many_questions_are_put_off() {
    let (range, clock) = small().await;
    let path = registry_path(&range.world().domains[0]);
    range.limit_rdap(Some(RdapLimit { requests: 2, window: Duration::from_secs(60) }));
    for code in [200, 200, 429, 429] {
        let (got, head, body) = http(range.rdap(), &path).await;
        assert_eq!(got, code);
        if code == 429 {
            assert!(head.contains("retry-after: 60"), "{head}");
            assert_eq!(body["errorCode"], 429);
        }
    }
    clock.forward_minutes(1);
    assert_eq!(http(range.rdap(), &path).await.0, 200);
    range.limit_rdap(None);
    for _ in 0..5 {
        assert_eq!(http(range.rdap(), &path).await.0, 200);
    }
}
