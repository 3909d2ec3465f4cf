//! The port against hostile servers on loopback, and the reading of real and broken answers.

use std::{
    collections::BTreeMap,
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use proptest::prelude::*;
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
};

use super::{bootstrap::Registry, *};

/// What a scripted server does with a request.
enum Act {
    /// Sends these bytes and closes.
    Send(Vec<u8>),
    /// Sends the head, then the byte for ever, as fast as it can.
    Flood(Vec<u8>, u8),
    /// Sends the head and then nothing.
    Stall(Vec<u8>),
}

/// A server that answers each request's path by `script`, and how many requests it got.
async fn serve<F>(script: F) -> (SocketAddr, Arc<AtomicUsize>)
where
    F: Fn(&str, SocketAddr) -> Act + Send + Sync + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let script = Arc::new(script);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            seen.fetch_add(1, Ordering::SeqCst);
            let script = Arc::clone(&script);
            tokio::spawn(async move { converse(stream, |path| script(path, address)).await });
        }
    });
    (address, count)
}

async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin, script: impl Fn(&str) -> Act) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap();
    match script(path) {
        Act::Send(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Act::Flood(head, byte) => {
            let _ = stream.write_all(&head).await;
            while stream.write_all(&[byte; 8192]).await.is_ok() {}
        }
        Act::Stall(head) => {
            let _ = stream.write_all(&head).await;
            std::future::pending::<()>().await;
        }
    }
}

fn http(status: &str, headers: &str, body: &[u8]) -> Act {
    let head =
        format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    Act::Send([head.as_bytes(), body].concat())
}

fn rdap(body: &serde_json::Value) -> Act {
    http("200 OK", "Content-Type: application/rdap+json\r\n", body.to_string().as_bytes())
}

fn redirect(to: &str) -> Act {
    http("302 Found", &format!("Location: {to}\r\n"), b"")
}

/// Settings under which the server is that of `example` and loopback may be connected to.
fn settings(server: &str) -> RdapSettings {
    let mut bootstrap = Bootstrap::default();
    let dns = json!({"services": [[["example"], [server]]]});
    bootstrap.add(Registry::Dns, dns.to_string().as_bytes()).unwrap();
    let ip = json!({"services": [[["192.0.2.0/24"], [server]]]});
    bootstrap.add(Registry::Ipv4, ip.to_string().as_bytes()).unwrap();
    let asn = json!({"services": [[["64496-64511"], [server]]]});
    bootstrap.add(Registry::Asn, asn.to_string().as_bytes()).unwrap();
    let tags = json!({"services": [[["x@y.example"], ["TEST"], [server]]]});
    bootstrap.add(Registry::ObjectTags, tags.to_string().as_bytes()).unwrap();
    RdapSettings {
        bootstrap,
        allow_http: true,
        allow_networks: vec!["127.0.0.0/8".parse().unwrap()],
        limits: Limits { per_second: None, burst: 1, in_flight: 8 },
        patience: Duration::from_secs(5),
        timeout: Duration::from_secs(5),
        ..RdapSettings::default()
    }
}

async fn ask<F>(script: F) -> Result<RdapAnswer<RdapDomainReading>, RdapError>
where
    F: Fn(&str, SocketAddr) -> Act + Send + Sync + 'static,
{
    let (address, _) = serve(script).await;
    Rdap::new(&settings(&format!("http://{address}/rdap"))).unwrap().domain("Evil.example.").await
}

fn refused<R: std::fmt::Debug>(result: Result<R, RdapError>, what: &str) {
    match result {
        Err(RdapError::Refused(why)) => assert!(why.contains(what), "{why:?} does not speak of {what:?}"),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn the_four_queries_and_the_registrars_answer() {
    let (address, _) = serve(|path, address| match path {
        "/rdap/domain/evil.example" => rdap(&json!({
            "objectClassName": "domain", "ldhName": "EVIL.example", "status": ["clientHold", "client transfer prohibited"],
            "links": [{"rel": "self", "href": "x"},
                {"rel": "related", "type": "application/rdap+json", "href": format!("http://{address}/r/domain/evil.example")}],
        })),
        "/r/domain/evil.example" => rdap(&json!({"objectClassName": "domain", "ldhName": "evil.example",
            "entities": [{"roles": ["registrar"], "publicIds": [{"type": "IANA Registrar ID", "identifier": 9999}]}]})),
        "/rdap/ip/192.0.2.7" => rdap(&json!({"objectClassName": "ip network", "startAddress": "192.0.2.0",
            "endAddress": "192.0.2.255", "country": "zz", "entities": [{"roles": ["registrant"], "entities": [
                {"roles": ["abuse"], "vcardArray": ["vcard", [["email", {}, "text", "abuse@host.example"]]]}]}]})),
        "/rdap/ip/192.0.2.8" => rdap(&json!({"startAddress": "198.51.100.0", "endAddress": "198.51.100.255"})),
        "/rdap/autnum/64500" => rdap(&json!({"objectClassName": "autnum", "startAutnum": 64500, "endAutnum": 64500})),
        "/rdap/entity/ORG-TEST" => rdap(&json!({"objectClassName": "entity", "handle": "ORG-TEST", "roles": ["abuse"],
            "vcardArray": ["vcard", [["fn", {}, "text", "Desk"], ["email", {}, "text", "desk@host.example"]]]})),
        other => panic!("unexpected {other}"),
    })
    .await;
    let port = Rdap::new(&settings(&format!("http://{address}/rdap"))).unwrap();
    let answer = port.domain("evil.example").await.unwrap();
    assert_eq!(answer.reading.status, ["client hold", "client transfer prohibited"]);
    assert_eq!(answer.server, address.to_string());
    assert!(answer.raw.contains("clientHold"));
    let fuller = port.domain_at_registrar("evil.example", &answer.related.unwrap()).await.unwrap();
    assert_eq!(fuller.reading.registrar.unwrap().iana_id.as_deref(), Some("9999"));
    let network = port.ip("192.0.2.7".parse().unwrap()).await.unwrap().reading;
    assert_eq!(network.abuse_emails, ["abuse@host.example"]);
    assert_eq!(network.country.as_deref(), Some("ZZ"));
    let other = port.ip("192.0.2.8".parse().unwrap()).await;
    assert_eq!(other, Err(RdapError::Malformed("the network does not hold the address".to_owned())));
    let autnum = port.autnum(64500).await.unwrap().reading;
    assert_eq!(autnum.range, Some(("64500".to_owned(), "64500".to_owned())));
    let entity = port.entity("ORG-TEST").await.unwrap().reading;
    assert_eq!(
        (entity.name.as_deref(), entity.abuse_emails),
        (Some("Desk"), vec!["desk@host.example".to_owned()])
    );
    assert!(matches!(port.domain("x.test").await, Err(RdapError::NoServer(_))));
    refused(port.domain("a/../b").await, "no host name");
}

#[tokio::test]
async fn not_found_is_a_reading_only_from_an_rdap_server() {
    let answer =
        ask(|_, _| http("404 Not Found", "Content-Type: application/rdap+json\r\n", b"{}")).await.unwrap();
    assert!(answer.reading.not_found && answer.raw.is_empty());
    assert!(ask(|_, _| http("404 Not Found", "", b"")).await.unwrap().reading.not_found);
    refused(ask(|_, _| http("404 Not Found", "Content-Type: text/html\r\n", b"<html>")).await, "404");
}

#[tokio::test]
async fn targets_inside_our_network_are_refused_wherever_they_come_from() {
    for target in [
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://2852039166/",
        "http://0x0a.1/",
        "http://192.168.1.1:8080/",
    ] {
        refused(ask(move |_, _| redirect(target)).await, "open internet");
        let port = Rdap::new(&settings("http://127.0.0.1:1/")).unwrap();
        refused(port.domain_at_registrar("evil.example", target).await, "open internet");
    }
    // The first hop, by literal and by a name that leads inside.
    let (address, count) = serve(|_, _| panic!("must not be reached")).await;
    for server in [format!("http://{address}/"), format!("http://localhost:{}/", address.port())] {
        let closed = RdapSettings { allow_networks: Vec::new(), ..settings(&server) };
        refused(Rdap::new(&closed).unwrap().domain("evil.example").await, "open internet");
        // A redirect to a name that leads inside is caught when the name is looked up.
        let only_one: Vec<_> = vec!["127.0.0.9/32".parse().unwrap()];
        let narrow = RdapSettings { allow_networks: only_one, ..settings(&server) };
        refused(Rdap::new(&narrow).unwrap().domain("evil.example").await, "open internet");
    }
    assert_eq!(count.load(Ordering::SeqCst), 0);
    for target in ["ftp://rdap.example/", "file:///etc/passwd", "http://user:pw@127.0.0.1/", "data:,x"] {
        refused(ask(move |_, _| redirect(target)).await, "");
    }
    let secure = RdapSettings { allow_http: false, ..settings("http://127.0.0.1:1/") };
    assert!(matches!(Rdap::new(&secure).unwrap().domain("evil.example").await, Err(RdapError::NoServer(_))));
    refused(
        Rdap::new(&secure).unwrap().domain_at_registrar("evil.example", "http://127.0.0.1:1/x").await,
        "scheme",
    );
}

#[tokio::test]
async fn redirects_are_followed_three_times() {
    let hops = |limit: usize| {
        move |path: &str, address: SocketAddr| {
            let hop: usize = path.rsplit_once("hop").map_or(0, |(_, hop)| hop.parse().unwrap());
            if hop < limit {
                redirect(&format!("http://{address}/hop{}", hop + 1))
            } else {
                rdap(&json!({"objectClassName": "domain", "ldhName": "evil.example"}))
            }
        }
    };
    let answer = ask(hops(3)).await.unwrap();
    assert!(answer.url.ends_with("/hop3"), "{}", answer.url);
    refused(ask(hops(4)).await, "redirects");
    refused(
        ask(|_, address| redirect(&format!("http://{address}/rdap/domain/evil.example"))).await,
        "redirects",
    );
    refused(ask(|_, _| http("302 Found", "", b"")).await, "nowhere");
}

#[tokio::test]
async fn bodies_are_bounded_plain_and_json() {
    let json = "Content-Type: application/rdap+json\r\n";
    let said = format!("HTTP/1.1 200 OK\r\n{json}Content-Length: 31457280\r\n\r\n");
    refused(ask(move |_, _| Act::Flood(said.clone().into_bytes(), b' ')).await, "1048576");
    let unsaid = format!("HTTP/1.1 200 OK\r\n{json}\r\n");
    refused(ask(move |_, _| Act::Flood(unsaid.clone().into_bytes(), b' ')).await, "1048576");
    let bomb = {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&vec![b' '; 2 << 20]).unwrap();
        gzip.finish().unwrap()
    };
    refused(
        ask(move |_, _| http("200 OK", &format!("{json}Content-Encoding: gzip\r\n"), &bomb)).await,
        "compressed",
    );
    refused(ask(|_, _| http("200 OK", "Content-Type: text/html\r\n", b"<html>{}</html>")).await, "text/html");
    refused(ask(|_, _| http("200 OK", "", b"{}")).await, "content type");
    let deep = format!("{{\"ldhName\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let result = ask(move |_, _| http("200 OK", json, deep.as_bytes())).await;
    assert!(matches!(&result, Err(RdapError::Malformed(why)) if why.contains("recursion")), "{result:?}");
    for body in [
        &b"{"[..],
        b"[]",
        b"null",
        b"",
        b"{\"errorCode\": 500}",
        b"{\"objectClassName\": \"nameserver\"}",
        b"{}",
        b"{\"objectClassName\": \"domain\", \"ldhName\": \"other.example\"}",
    ] {
        let result = ask(move |_, _| http("200 OK", json, body)).await;
        assert!(matches!(result, Err(RdapError::Malformed(_))), "{result:?}");
    }
    let latin = b"{\"ldhName\": \"evil.example\", \"handle\": \"M\xfcller\", \"status\": \"active\"}";
    assert_eq!(ask(move |_, _| http("200 OK", json, latin)).await.unwrap().reading.status, ["active"]);
}

#[tokio::test]
async fn slow_and_broken_servers_end_in_time() {
    for head in ["", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"] {
        let (address, _) = serve(move |_, _| Act::Stall(head.as_bytes().to_vec())).await;
        let settings =
            RdapSettings { timeout: Duration::from_millis(200), ..settings(&format!("http://{address}/")) };
        assert_eq!(Rdap::new(&settings).unwrap().domain("evil.example").await, Err(RdapError::Timeout));
    }
    for bytes in [
        &b""[..],
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
    ] {
        let result = ask(move |_, _| Act::Send(bytes.to_vec())).await;
        assert!(matches!(&result, Err(RdapError::Network(why)) if !why.contains("127.0.0.1")), "{result:?}");
    }
    let result = ask(|_, _| http("500 Oops", "", b"")).await;
    assert_eq!(result, Err(RdapError::Status(500)));
}

#[tokio::test]
async fn retry_after_holds_for_everyone_who_asks_that_server() {
    let date = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:59:37 GMT\r\n";
    for (status, headers, seconds) in
        [("429 No", "Retry-After: 120\r\n", 120), ("503 No", date, 600), ("429 No", "", 60)]
    {
        let (address, count) = serve(move |_, _| http(status, headers, b"")).await;
        let port = Rdap::new(&settings(&format!("http://{address}/"))).unwrap();
        let first = port.domain("evil.example").await.unwrap_err();
        assert_eq!(first, RdapError::RetryAfter(Duration::from_secs(seconds)));
        assert!(first.retryable());
        let second = port.autnum(64500).await.unwrap_err();
        assert!(
            matches!(second, RdapError::RetryAfter(after) if after.as_secs() + 5 > seconds),
            "{second:?}"
        );
        assert_eq!(count.load(Ordering::SeqCst), 1, "the server is left alone");
    }
}

#[tokio::test]
async fn answers_are_remembered_for_their_time() {
    let body = json!({"objectClassName": "domain", "ldhName": "evil.example"});
    for (ttl, wanted) in [(Duration::from_secs(60), 1), (Duration::ZERO, 2)] {
        let body = body.clone();
        let (address, count) = serve(move |_, _| rdap(&body)).await;
        let settings = RdapSettings { cache_ttl: ttl, ..settings(&format!("http://{address}/")) };
        let port = Rdap::new(&settings).unwrap();
        assert_eq!(port.domain("evil.example").await, port.domain("EVIL.example").await);
        assert_eq!(count.load(Ordering::SeqCst), wanted);
    }
}

#[tokio::test]
async fn https_works_with_a_trusted_root_and_not_without() {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                converse(stream, |_| rdap(&json!({"objectClassName": "domain", "ldhName": "evil.example"})))
                    .await;
            }
        }
    });
    let base = RdapSettings { allow_http: false, ..settings(&format!("https://{address}/")) };
    let trusting = RdapSettings { extra_roots: vec![made.cert.pem()], ..base.clone() };
    assert!(Rdap::new(&trusting).unwrap().domain("evil.example").await.is_ok());
    let result = Rdap::new(&base).unwrap().domain("evil.example").await;
    assert!(matches!(result, Err(RdapError::Network(_))), "{result:?}");
    let broken = RdapSettings { extra_roots: vec!["-----BEGIN CERTIFICATE-----\n!\n".to_owned()], ..base };
    assert!(Rdap::new(&broken).is_err());
}

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

fn shared(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")).join(path)
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

#[test]
fn bootstrap_finds_the_longest_match() {
    let mut bootstrap = Bootstrap::default();
    let services = json!({"services": [[[""], ["https://root.example"]], [["com"], ["https://com.example/v1/"]],
        [["Sub.Example.com"], ["http://a.example", "https://b.example"]]]});
    assert!(bootstrap.add(Registry::Dns, services.to_string().as_bytes()).unwrap().is_empty());
    let first = |urls: &[Url]| urls.first().map(|url| url.host_str().unwrap().to_owned());
    assert_eq!(first(bootstrap.domain("x.com")).as_deref(), Some("com.example"));
    assert_eq!(first(bootstrap.domain("x.sub.example.com.")).as_deref(), Some("a.example"));
    assert_eq!(first(bootstrap.domain("xsub.example.com")).as_deref(), Some("com.example"));
    assert_eq!(first(bootstrap.domain("x.net")).as_deref(), Some("root.example"));
    let ranges = json!({"services": [[["1-5", "9", "20-10", "x"], ["https://asn.example"]]]});
    assert_eq!(bootstrap.add(Registry::Asn, ranges.to_string().as_bytes()).unwrap().len(), 2);
    assert!(!bootstrap.autnum(5).is_empty() && !bootstrap.autnum(9).is_empty());
    assert!(
        bootstrap.autnum(6).is_empty() && bootstrap.autnum(0).is_empty() && bootstrap.autnum(15).is_empty()
    );
    let nets = json!({"services": [[["10.0.0.0/8", "10.0.0.0/99"], ["https://a.example"]], [["10.1.0.0/16"], ["https://b.example"]]]});
    assert_eq!(bootstrap.add(Registry::Ipv4, nets.to_string().as_bytes()).unwrap().len(), 1);
    assert_eq!(first(bootstrap.address("10.1.2.3".parse().unwrap())).as_deref(), Some("b.example"));
    assert_eq!(first(bootstrap.address("::ffff:10.2.2.3".parse().unwrap())).as_deref(), Some("a.example"));
}

#[test]
fn published_bootstrap_files_load_and_broken_ones_say_where() {
    let folder = shared("rdap/openrdap/bootstrap");
    if !folder.exists() {
        eprintln!("SKIPPED: {} is absent", folder.display());
        return;
    }
    let (bootstrap, passed_over) = Bootstrap::from_folder(&folder).unwrap();
    assert!(passed_over.is_empty(), "{passed_over:?}");
    assert_eq!(bootstrap.domain("registro.br")[0].as_str(), "https://rdap.registro.br/");
    assert_eq!(bootstrap.address("2001:4200::1".parse().unwrap())[0].host_str(), Some("rdap.afrinic.net"));
    assert!(!bootstrap.autnum(3333).is_empty());
    assert_eq!(bootstrap.tagged("XXX-ARIN")[0].host_str(), Some("rdap.arin.net"));
    let mut iana = Bootstrap::default();
    let full = std::fs::read(shared("iana/rdap-bootstrap/dns-2022-12-21.json")).unwrap();
    assert!(iana.add(Registry::Dns, &full).unwrap().is_empty());
    assert!(!iana.domain("evil.com").is_empty() && !iana.domain("evil.shop").is_empty());
    let broken = |file: &str| {
        let bytes = std::fs::read(shared("rdap/openrdap").join(file)).unwrap();
        Bootstrap::default().add(Registry::Dns, &bytes)
    };
    let error = broken("bootstrap_malformed/dns_syntax_error.json").unwrap_err().to_string();
    assert!(error.starts_with("dns.json: line "), "{error}");
    assert!(broken("bootstrap_http_error/404.html").is_err());
    let passed_over = broken("bootstrap_malformed/dns_bad_services.json").unwrap();
    assert_eq!(passed_over, ["dns.json: service 4: not a list of entries and a list of servers"]);
    // A bad escape in a path is no matter for a URL (WHATWG); the good server beside it is what is asked.
    assert!(broken("bootstrap_malformed/dns_bad_url.json").is_ok());
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for class in [Class::Domain, Class::IpNetwork, Class::Autnum, Class::Entity] {
            let _ = read(&bytes, class);
        }
        let _ = Bootstrap::default().add(Registry::Dns, &bytes);
    }
}
