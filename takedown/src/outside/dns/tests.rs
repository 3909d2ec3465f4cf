//! The port against scripted servers on loopback.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use hickory_proto::{
    op::{Message, MessageType, OpCode},
    rr::{
        Record,
        rdata::{A, AAAA, CAA, CNAME, MX, NS, SOA, TXT},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UdpSocket},
};

use super::*;
use hickory_proto::rr::RData;

/// How a question reached the scripted server.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Udp,
    Tcp,
}

/// Answers each question with the messages that `script` makes of it, over UDP and TCP on one port.
async fn serve<F>(script: F) -> SocketAddr
where
    F: Fn(&Message, Way) -> Vec<Vec<u8>> + Send + Sync + 'static,
{
    let script = Arc::new(script);
    let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = tcp.local_addr().unwrap();
    let udp = UdpSocket::bind(address).await.unwrap();
    let of_udp = Arc::clone(&script);
    tokio::spawn(async move {
        let mut buffer = vec![0; 4096];
        while let Ok((length, from)) = udp.recv_from(&mut buffer).await {
            let query = Message::from_vec(&buffer[..length]).unwrap();
            for reply in of_udp(&query, Way::Udp) {
                udp.send_to(&reply, from).await.unwrap();
            }
        }
    });
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = tcp.accept().await {
            let length = stream.read_u16().await.unwrap();
            let mut query = vec![0; usize::from(length)];
            stream.read_exact(&mut query).await.unwrap();
            let query = Message::from_vec(&query).unwrap();
            for reply in script(&query, Way::Tcp) {
                stream.write_u16(u16::try_from(reply.len()).unwrap()).await.unwrap();
                stream.write_all(&reply).await.unwrap();
            }
        }
    });
    address
}

fn name(text: &str) -> Name {
    full_name(text).unwrap()
}

fn record(owner: &str, ttl: u32, data: RData) -> Record {
    Record::from_rdata(name(owner), ttl, data)
}

fn reply(query: &Message, code: ResponseCode, answers: Vec<Record>, authorities: Vec<Record>) -> Message {
    let mut message = Message::new(query.id, MessageType::Response, OpCode::Query);
    message.metadata.response_code = code;
    message.metadata.authoritative = true;
    message.queries = query.queries.clone();
    message.answers = answers;
    message.authorities = authorities;
    message
}

fn one(message: &Message) -> Vec<Vec<u8>> {
    vec![message.to_vec().unwrap()]
}

fn soa(zone: &str) -> Record {
    let data = SOA::new(
        name("ns.nic.example"),
        name("host.nic.example"),
        7,
        3_000_000_000_u32.cast_signed(),
        900,
        8,
        60,
    );
    record(zone, 300, RData::SOA(data))
}

fn port(server: SocketAddr) -> Dns {
    Dns::new(DnsSettings {
        resolvers: vec![server],
        timeout: Duration::from_millis(300),
        attempts: 2,
        ..DnsSettings::default()
    })
}

fn a(text: &str) -> RData {
    RData::A(A(text.parse().unwrap()))
}

fn ns(text: &str) -> RData {
    RData::NS(NS(name(text)))
}

#[tokio::test]
async fn the_same_set_is_the_same_reading_with_its_chain() {
    let server = serve(|query, _| {
        let answers = vec![
            record("c.cdn.example", 60, a("192.0.2.9")),
            record("b.example", 200, RData::CNAME(CNAME(name("C.CDN.example")))),
            record("c.cdn.example", 90, a("192.0.2.10")),
            record("a.example", 100, RData::CNAME(CNAME(name("B.example")))),
            record("stray.example", 5, a("192.0.2.66")),
            record("c.cdn.example", 60, a("192.0.2.9")),
        ];
        one(&reply(query, ResponseCode::NoError, answers, vec![]))
    })
    .await;
    let answer = port(server).ask(0, "A.example", Probe::A).await;
    assert_eq!(answer.reading.outcome, Outcome::Answer);
    assert_eq!(answer.reading.records, ["192.0.2.10", "192.0.2.9"]);
    assert_eq!(answer.reading.aliases, ["b.example", "c.cdn.example"]);
    assert_eq!(answer.ttl_min, Some(60));
    assert_eq!(answer.server, server.to_string());
    let raw = answer.raw();
    assert!(raw.contains(";; NOERROR, flags: qr aa"), "{raw}");
    assert!(
        raw.contains("stray.example 5 IN A 192.0.2.66"),
        "the raw text keeps what the reading leaves out: {raw}"
    );
}

#[tokio::test]
async fn absence_failure_and_silence_are_told_apart() {
    let server = serve(|query, _| {
        let asked = query.queries[0].name().to_ascii().to_lowercase();
        let (code, authorities) = match asked.split('.').next().unwrap() {
            "nodata" => (ResponseCode::NoError, vec![soa("example")]),
            "nx" => (ResponseCode::NXDomain, vec![soa("example")]),
            "servfail" => (ResponseCode::ServFail, vec![]),
            "refused" => (ResponseCode::Refused, vec![]),
            "notimp" => (ResponseCode::NotImp, vec![]),
            _ => return vec![],
        };
        one(&reply(query, code, vec![], authorities))
    })
    .await;
    let port = port(server);
    for (label, outcome) in [
        ("nodata", Outcome::NoData),
        ("nx", Outcome::NxDomain),
        ("servfail", Outcome::ServFail),
        ("refused", Outcome::Refused),
        ("notimp", Outcome::Error),
        ("silent", Outcome::Timeout),
    ] {
        let answer = port.ask(0, &format!("{label}.example"), Probe::A).await;
        assert_eq!(answer.reading.outcome, outcome, "{label}");
        let negative = matches!(label, "nodata" | "nx");
        assert_eq!(answer.zone.as_deref(), negative.then_some("example"), "{label}");
        assert_eq!(answer.ttl_min, negative.then_some(60), "{label}");
        assert!(!answer.raw().is_empty());
    }
}

#[tokio::test]
async fn every_type_has_its_presentation_form() {
    let server = serve(|query, way| {
        let mut answers = vec![
            record("x.example", 60, RData::AAAA(AAAA("2001:DB8::1".parse().unwrap()))),
            record("x.example", 60, ns("NS2.Example")),
            record("x.example", 60, ns("ns1.example")),
            soa("x.example"),
            record("x.example", 60, RData::MX(MX::new(10, name("Mail.x.example")))),
            record("x.example", 60, RData::MX(MX::new(0, Name::root()))),
            record("x.example", 60, RData::TXT(TXT::from_bytes(vec![b"a \"b\" \\", b"\x00\xff\n"]))),
            record("x.example", 60, RData::TXT(TXT::from_bytes(vec![&[b'x'; 255]; 40]))),
            record("x.example", 60, RData::CAA(CAA::new_issue(true, Some(name("ca.example")), vec![]))),
        ];
        answers.retain(|record| record.record_type() == query.queries[0].query_type());
        let mut message = reply(query, ResponseCode::NoError, answers, vec![]);
        if way == Way::Udp && query.queries[0].query_type() == RecordType::TXT {
            message.metadata.truncation = true;
            message.answers.clear();
        }
        one(&message)
    })
    .await;
    let port = port(server);
    for (probe, wanted) in [
        (Probe::Aaaa, vec!["2001:db8::1"]),
        (Probe::Ns, vec!["ns1.example", "ns2.example"]),
        (Probe::Soa, vec!["ns.nic.example host.nic.example 7 3000000000 900 8 60"]),
        (Probe::Mx, vec!["0 .", "10 mail.x.example"]),
        (Probe::Caa, vec!["128 issue \"ca.example.\""]),
    ] {
        let answer = port.ask(0, "x.example", probe).await;
        assert_eq!(answer.reading.records, wanted, "{probe}");
    }
    let texts = port.ask(0, "x.example", Probe::Txt).await.reading.records;
    assert_eq!(texts[0], r#""a \"b\" \\" "\000\255\010""#);
    assert!(texts[1].len() < 4200 && texts[1].ends_with("[cut, 10319 bytes in all]"), "{}", texts[1]);
    let raw = port.ask(0, "x.example", Probe::Txt).await.raw();
    assert!(raw.len() <= RAW_LIMIT, "{}", raw.len());
}

#[tokio::test]
async fn a_cut_answer_is_fetched_whole_over_tcp() {
    let server = serve(|query, way| {
        let mut message = reply(query, ResponseCode::NoError, vec![], vec![]);
        message.metadata.truncation = way == Way::Udp;
        if way == Way::Tcp {
            message.answers = (0..512)
                .map(|n| record("big.example", 60, a(&format!("198.18.{}.{}", n / 256, n % 256))))
                .collect();
        }
        one(&message)
    })
    .await;
    let answer = port(server).ask(0, "big.example", Probe::A).await;
    assert_eq!(answer.reading.records.len(), 512);
    let raw = answer.raw();
    assert!(raw.len() <= RAW_LIMIT);
    assert!(raw.contains("more lines left out"), "{raw}");
}

#[tokio::test]
async fn forged_answers_are_passed_over_and_the_true_one_taken() {
    let server = serve(|query, way| {
        let good = reply(query, ResponseCode::NoError, vec![record("x.example", 60, a("192.0.2.1"))], vec![]);
        let bad = record("x.example", 60, a("192.0.2.66"));
        let mut wrong_id = reply(query, ResponseCode::NoError, vec![bad.clone()], vec![]);
        wrong_id.metadata.id = query.id.wrapping_add(1);
        let mut wrong_name = reply(query, ResponseCode::NoError, vec![bad], vec![]);
        wrong_name.queries[0].name = name("y.example");
        let mut all = vec![b"x".to_vec(), wrong_id.to_vec().unwrap(), wrong_name.to_vec().unwrap()];
        if way == Way::Tcp {
            all.clear();
        }
        all.push(good.to_vec().unwrap());
        all
    })
    .await;
    assert_eq!(port(server).ask(0, "x.example", Probe::A).await.reading.records, ["192.0.2.1"]);
}

#[tokio::test]
async fn a_server_that_loses_the_letter_case_is_asked_over_tcp() {
    let server = serve(|query, way| {
        let data = if way == Way::Tcp { "192.0.2.1" } else { "192.0.2.66" };
        let asked = "a-rather-long-label-so-that-chance-is-out.example";
        let mut message = reply(query, ResponseCode::NoError, vec![record(asked, 60, a(data))], vec![]);
        if way == Way::Udp {
            message.queries[0].name = message.queries[0].name.to_lowercase();
        }
        one(&message)
    })
    .await;
    let answer = port(server).ask(0, "a-rather-long-label-so-that-chance-is-out.example", Probe::A).await;
    assert_eq!(answer.reading.records, ["192.0.2.1"]);
}

#[tokio::test]
async fn chains_are_followed_beyond_the_servers_zones_and_loops_end() {
    let server = serve(|query, _| {
        let asked = query.queries[0].name().to_ascii().to_lowercase();
        let answers = match asked.as_str() {
            "a.example." => vec![record("a.example", 60, RData::CNAME(CNAME(name("b.test"))))],
            "b.test." => vec![record("b.test", 30, a("192.0.2.5"))],
            "loop.example." => vec![record("loop.example", 60, RData::CNAME(CNAME(name("pool.example"))))],
            "pool.example." => vec![record("pool.example", 60, RData::CNAME(CNAME(name("loop.example"))))],
            _ => return one(&reply(query, ResponseCode::NXDomain, vec![], vec![soa("example")])),
        };
        one(&reply(query, ResponseCode::NoError, answers, vec![]))
    })
    .await;
    let port = port(server);
    let answer = port.ask(0, "a.example", Probe::A).await;
    assert_eq!((answer.reading.outcome, answer.ttl_min), (Outcome::Answer, Some(30)));
    assert_eq!(answer.reading.aliases, ["b.test"]);
    let answer = port.ask(0, "loop.example", Probe::A).await;
    assert_eq!(answer.reading.outcome, Outcome::NoData);
    assert_eq!(answer.reading.aliases.len(), MAX_ALIASES);
}

/// A port whose parent of `example` is the scripted server, and no resolver at all.
fn parent_port(servers: Vec<SocketAddr>) -> Dns {
    Dns::new(DnsSettings {
        parents: BTreeMap::from([("example".to_owned(), servers)]),
        timeout: Duration::from_millis(200),
        attempts: 1,
        ..DnsSettings::default()
    })
}

#[tokio::test]
async fn the_parent_refers_denies_or_is_lame() {
    let server = serve(|query, _| {
        assert!(!query.recursion_desired, "the parent is asked without recursion");
        let asked = query.queries[0].name().to_ascii().to_lowercase();
        let mut message = reply(query, ResponseCode::NoError, vec![], vec![]);
        match asked.split('.').next().unwrap() {
            "live" => {
                message.metadata.authoritative = false;
                message.authorities = vec![
                    record("live.example", 172_800, ns("NS2.x.test")),
                    record("live.example", 172_800, ns("ns1.x.test")),
                ];
            }
            "both" => message.answers = vec![record("both.example", 60, ns("ns1.x.test"))],
            "gone" => {
                message.metadata.response_code = ResponseCode::NXDomain;
                message.authorities = vec![soa("example")];
            }
            "bare" => message.authorities = vec![soa("example")],
            "liar" => {
                message.metadata.authoritative = false;
                message.metadata.response_code = ResponseCode::NXDomain;
            }
            "up" => {
                message.metadata.authoritative = false;
                message.authorities = vec![record(".", 60, ns("a.root.test"))];
            }
            _ => message.metadata.response_code = ResponseCode::Refused,
        }
        one(&message)
    })
    .await;
    let port = parent_port(vec![server]);
    for (label, outcome, records) in [
        ("live", Outcome::Answer, vec!["ns1.x.test", "ns2.x.test"]),
        ("both", Outcome::Answer, vec!["ns1.x.test"]),
        ("gone", Outcome::NxDomain, vec![]),
        ("bare", Outcome::NoData, vec![]),
        ("liar", Outcome::Error, vec![]),
        ("up", Outcome::Error, vec![]),
        ("other", Outcome::Refused, vec![]),
    ] {
        let answer = port.ask(9, &format!("{label}.example"), Probe::Delegation).await;
        assert_eq!(answer.reading.outcome, outcome, "{label}: {}", answer.raw());
        assert_eq!(answer.reading.records, records, "{label}");
    }
}

#[tokio::test]
async fn another_server_of_the_parent_answers_for_a_silent_one() {
    let silent = serve(|_, _| vec![]).await;
    let good = serve(|query, _| {
        one(&reply(query, ResponseCode::NoError, vec![], vec![record("x.example", 60, ns("ns1.x.test"))]))
    })
    .await;
    for servers in [vec![silent, good], vec![good, silent]] {
        let answer = parent_port(servers).delegation("x.example").await;
        assert_eq!(answer.reading.outcome, Outcome::Answer);
        assert_eq!(answer.server, good.to_string());
    }
    let answer = parent_port(vec![silent]).delegation("x.example").await;
    assert_eq!(answer.reading.outcome, Outcome::Timeout);
}

#[tokio::test]
async fn parents_are_found_but_never_inside_our_own_network() {
    let server = serve(|query, _| {
        let asked = query.queries[0].name().to_ascii().to_lowercase();
        let answers = match (asked.as_str(), query.queries[0].query_type()) {
            ("test.", RecordType::NS) => vec![record("test", 60, ns("a.nic.test"))],
            ("a.nic.test.", RecordType::A) => vec![record("a.nic.test", 60, a("127.0.0.1"))],
            _ => vec![],
        };
        one(&reply(query, ResponseCode::NoError, answers, vec![soa("test")]))
    })
    .await;
    let answer = port(server).delegation("x.sub.test").await;
    assert_eq!(answer.reading.outcome, Outcome::Error);
    assert!(answer.raw().contains("no server is known for test."), "{}", answer.raw());
}

#[tokio::test]
async fn what_cannot_be_asked_says_so() {
    let port = port(serve(|_, _| vec![]).await);
    let long = "x".repeat(64) + ".example";
    for (resolver, name, probe) in [
        (0, long.as_str(), Probe::A),
        (7, "x.example", Probe::A),
        (0, "x.example", Probe::RdapIp),
        (0, ".", Probe::Delegation),
    ] {
        let answer = port.ask(resolver, name, probe).await;
        assert_eq!(answer.reading.outcome, Outcome::Error, "{name}");
        assert!(answer.raw().starts_with(";; "), "{}", answer.raw());
    }
}
