//! The port against hostile servers on loopback.

mod bootstrap_files;
mod reading;

use std::{
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

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

/// A file or folder of the real data.
fn shared(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")).join(path)
}
