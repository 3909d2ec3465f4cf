use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, Record, RecordType};
use proptest::prelude::*;
use time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use super::small;
use crate::answer::{Answer, View, answer};
use crate::internet::Internet;
use crate::{Domain, Lie, Manner, Range, Scenario};

fn question(name: &str, kind: RecordType) -> Message {
    let mut message = Message::new(4_711, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(Name::from_ascii(format!("{name}.")).unwrap(), kind));
    let mut edns = Edns::new();
    edns.set_max_payload(1_232);
    message.edns = Some(edns);
    message
}

async fn udp(server: SocketAddr, name: &str, kind: RecordType) -> Message {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(&question(name, kind).to_vec().unwrap(), server).await.unwrap();
    let mut buffer = [0; 4_096];
    let length = socket.recv(&mut buffer).await.unwrap();
    Message::from_vec(&buffer[..length]).unwrap()
}

async fn tcp(server: SocketAddr, name: &str, kind: RecordType) -> Message {
    let mut stream = TcpStream::connect(server).await.unwrap();
    let bytes = question(name, kind).to_vec().unwrap();
    stream.write_u16(u16::try_from(bytes.len()).unwrap()).await.unwrap();
    stream.write_all(&bytes).await.unwrap();
    let length = stream.read_u16().await.unwrap();
    let mut buffer = vec![0; usize::from(length)];
    stream.read_exact(&mut buffer).await.unwrap();
    Message::from_vec(&buffer).unwrap()
}

fn addresses(records: &[Record]) -> Vec<IpAddr> {
    let mut all: Vec<IpAddr> = records.iter().filter_map(|r| r.data.ip_addr()).collect();
    all.sort_unstable();
    all
}

fn first(range: &Range, wanted: impl Fn(&Domain) -> bool) -> Domain {
    range.world().domains.iter().find(|d| wanted(d)).unwrap().clone()
}

fn plain(d: &Domain) -> bool {
    d.family().is_some() && d.manner == Manner::Plain && !d.addresses.is_empty() && d.lie.is_none()
}

#[tokio::test]
async fn the_resolver_answers_over_udp_and_tcp() {
    let (range, _) = small().await;
    let domain = first(&range, plain);
    let v4: Vec<IpAddr> = domain.addresses.iter().filter(|a| a.is_ipv4()).copied().collect();
    let over_udp = udp(range.dns(), &domain.name, RecordType::A).await;
    assert_eq!(over_udp.metadata.response_code, ResponseCode::NoError);
    assert!(over_udp.metadata.recursion_available && !over_udp.metadata.authoritative);
    assert!(over_udp.edns.is_some());
    assert_eq!(addresses(&over_udp.answers), v4);
    let over_tcp = tcp(range.dns(), &domain.name, RecordType::A).await;
    assert_eq!(over_tcp.answers, over_udp.answers);
    let upper = udp(range.dns(), &domain.name.to_ascii_uppercase(), RecordType::A).await;
    assert_eq!(addresses(&upper.answers), v4, "letter case does not matter");
    range.stop().await;
}

#[tokio::test]
async fn every_record_type_is_answered_or_empty_with_soa() {
    let (range, _) = small().await;
    let domain = first(&range, |d| plain(d) && !d.mx.is_empty());
    let ns = udp(range.dns(), &domain.name, RecordType::NS).await;
    let mut names: Vec<String> = ns.answers.iter().map(|r| r.data.to_string()).collect();
    names.sort();
    let mut wanted: Vec<String> = domain.name_servers.iter().map(|n| format!("{n}.")).collect();
    wanted.sort();
    assert_eq!(names, wanted);
    for kind in [RecordType::MX, RecordType::SOA, RecordType::TXT] {
        let got = udp(range.dns(), &domain.name, kind).await;
        assert_eq!(got.answers.len(), 1, "{kind}");
    }
    let mail = udp(range.dns(), &domain.mx[0].1, RecordType::A).await;
    assert_eq!(addresses(&mail.answers), domain.hosts["mx"]);
    let www = udp(range.dns(), &format!("www.{}", domain.name), RecordType::A).await;
    assert_eq!(www.answers[0].record_type(), RecordType::CNAME);
    assert_eq!(www.answers.len(), 1 + domain.addresses.iter().filter(|a| a.is_ipv4()).count());
    let none = udp(range.dns(), &domain.name, RecordType::SRV).await;
    assert_eq!((none.metadata.response_code, none.answers.len()), (ResponseCode::NoError, 0));
    assert_eq!(none.authorities[0].record_type(), RecordType::SOA);
    let with_caa = first(&range, |d| !d.caa.is_empty());
    assert_eq!(udp(range.dns(), &with_caa.name, RecordType::CAA).await.answers.len(), 1);
    let dual = first(&range, |d| plain(d) && d.addresses.iter().any(IpAddr::is_ipv6));
    assert_eq!(udp(range.dns(), &dual.name, RecordType::AAAA).await.answers.len(), 2);
}

#[tokio::test]
async fn names_that_do_not_exist_are_denied_with_the_right_soa() {
    let (range, _) = small().await;
    let domain = first(&range, plain);
    let cases = [
        ("never-registered.shop.example".to_owned(), "shop.example.".to_owned()),
        (format!("nothing.{}", domain.name), format!("{}.", domain.name)),
        ("example.org".to_owned(), ".".to_owned()),
    ];
    for (name, owner) in cases {
        let got = udp(range.dns(), &name, RecordType::A).await;
        assert_eq!(got.metadata.response_code, ResponseCode::NXDomain, "{name}");
        assert_eq!(got.authorities[0].name.to_string(), owner, "{name}");
        assert_eq!(got.authorities[0].record_type(), RecordType::SOA);
    }
    let apex = udp(range.dns(), "shop.example", RecordType::NS).await;
    assert_eq!(apex.answers.len(), 2);
    let glue = udp(range.dns(), "a.nic.shop.example", RecordType::A).await;
    assert_eq!(glue.answers.len(), 1);
    let between = udp(range.dns(), "ns.hydra-edge.net.example", RecordType::A).await;
    assert_eq!((between.metadata.response_code, between.answers.len()), (ResponseCode::NoError, 0));
}

#[tokio::test]
async fn the_parent_refers_or_denies() {
    let (range, _) = small().await;
    let domain = first(&range, plain);
    for name in [domain.name.clone(), format!("www.{}", domain.name)] {
        let got = udp(range.parent(), &name, RecordType::NS).await;
        assert!(!got.metadata.authoritative && !got.metadata.recursion_available && got.answers.is_empty());
        assert_eq!(got.authorities.len(), domain.name_servers.len());
        assert!(got.authorities.iter().all(|r| r.name.to_string() == format!("{}.", domain.name)));
    }
    let gone = udp(range.parent(), "never-registered.shop.example", RecordType::NS).await;
    assert_eq!(gone.metadata.response_code, ResponseCode::NXDomain);
    assert!(gone.metadata.authoritative);
    assert_eq!(gone.authorities[0].name.to_string(), "shop.example.");
    let glued = udp(range.parent(), "hydra-edge.net.example", RecordType::A).await;
    assert!(glued.authorities.len() == 2 && !glued.answers.iter().any(|r| r.record_type() == RecordType::A));
    let apex = udp(range.parent(), "shop.example", RecordType::SOA).await;
    assert!(apex.metadata.authoritative && apex.answers.len() == 1);
    let ds = udp(range.parent(), &domain.name, RecordType::DS).await;
    assert!(ds.metadata.authoritative && ds.answers.is_empty());
    let foreign = udp(range.parent(), "example.org", RecordType::NS).await;
    assert_eq!(foreign.metadata.response_code, ResponseCode::Refused);
}

#[tokio::test]
async fn a_held_domain_is_gone_everywhere_and_comes_back() {
    let (range, clock) = small().await;
    let domain = first(&range, plain);
    let index = range.net.index_of(&domain.name).unwrap();
    range.net.hold(index, clock.now() + Duration::minutes(5));
    assert_eq!(
        udp(range.dns(), &domain.name, RecordType::A).await.metadata.response_code,
        ResponseCode::NoError
    );
    clock.forward_minutes(5);
    for server in [range.dns(), range.filtering_dns(), range.parent()] {
        let got = udp(server, &domain.name, RecordType::A).await;
        assert_eq!(got.metadata.response_code, ResponseCode::NXDomain);
        assert_eq!(got.authorities[0].name.to_string(), format!("{}.", domain.suffix));
    }
    assert!(range.restore(&domain.name).unwrap());
    assert!(!range.restore(&domain.name).unwrap());
    assert_eq!(
        udp(range.dns(), &domain.name, RecordType::A).await.metadata.response_code,
        ResponseCode::NoError
    );
    assert!(range.restore("nobody.shop.example").is_err());
}

#[tokio::test]
async fn the_filtering_resolver_lies_about_some() {
    let (range, _) = small().await;
    let denied = first(&range, |d| d.lie == Some(Lie::NxDomain));
    let got = udp(range.filtering_dns(), &denied.name, RecordType::A).await;
    assert_eq!(got.metadata.response_code, ResponseCode::NXDomain);
    let nulled = first(&range, |d| d.lie == Some(Lie::Null));
    let got = udp(range.filtering_dns(), &nulled.name, RecordType::A).await;
    assert_eq!(addresses(&got.answers), ["0.0.0.0".parse::<IpAddr>().unwrap()]);
    let domain = first(&range, plain);
    let (truth, same) = (
        udp(range.dns(), &domain.name, RecordType::A).await,
        udp(range.filtering_dns(), &domain.name, RecordType::A).await,
    );
    assert_eq!(truth.answers, same.answers);
    assert!(range.world().domains.iter().all(|d| d.lie.is_none() || d.family().is_some()));
}

#[tokio::test]
async fn unusual_domains_behave_unusually() {
    let (range, clock) = small().await;
    let wild = first(&range, |d| d.manner == Manner::Wildcard && d.family().is_some());
    let got = udp(range.dns(), &format!("any.thing.{}", wild.name), RecordType::A).await;
    assert!(!got.answers.is_empty());
    let flux = first(&range, |d| d.manner == Manner::FastFlux);
    let mut seen = Vec::new();
    for _ in 0..6 {
        let got = udp(range.dns(), &flux.name, RecordType::A).await;
        assert!(got.answers.len() == 5 && got.answers.iter().all(|r| r.ttl == 60));
        seen.extend(addresses(&got.answers));
        clock.forward_minutes(1);
    }
    seen.sort_unstable();
    seen.dedup();
    assert!(seen.len() >= 12, "only {} addresses in six minutes", seen.len());
    let networks = &range.scenario().networks;
    let spread = networks.iter().filter(|n| n.prefixes.iter().any(|p| seen.iter().any(|a| p.contains(*a))));
    assert!(spread.count() >= 5);
    let sunk = first(&range, |d| d.manner == Manner::Sinkholed);
    let got = udp(range.dns(), &sunk.name, RecordType::NS).await;
    assert!(got.answers.iter().all(|r| r.data.to_string().contains("internet-watch")));
    let parked = first(&range, |d| d.manner == Manner::Parked);
    let got = udp(range.dns(), &parked.name, RecordType::A).await;
    assert_eq!(addresses(&got.answers), range.scenario().parking.addresses);
}

#[tokio::test]
async fn names_for_failures_fail() {
    let (range, _) = small().await;
    let ask = |view, name| answer(&range.net, view, name, RecordType::A);
    assert_eq!(ask(View::Resolver, "timeout.shop.example"), Answer::Silence);
    let servfail = udp(range.dns(), "servfail.shop.example", RecordType::A).await;
    assert_eq!(servfail.metadata.response_code, ResponseCode::ServFail);
    // The question that times out is asked first, and the answer that comes is to the second.
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for name in ["timeout.shop.example", "shop.example"] {
        socket.send_to(&question(name, RecordType::NS).to_vec().unwrap(), range.dns()).await.unwrap();
    }
    let mut buffer = [0; 4_096];
    let length = socket.recv(&mut buffer).await.unwrap();
    let got = Message::from_vec(&buffer[..length]).unwrap();
    assert_eq!(got.queries[0].name().to_string(), "shop.example.");
    let delegated = udp(range.parent(), "servfail.shop.example", RecordType::NS).await;
    assert_eq!(delegated.authorities[0].record_type(), RecordType::NS);
}

#[tokio::test]
async fn a_domain_does_not_exist_before_it_is_registered() {
    let (range, _) = small().await;
    let domain = first(&range, plain);
    let before = domain.created_at - Duration::seconds(1);
    let net = Internet::new(range.scenario().clone(), Arc::new(move || before));
    let Answer::Reply(reply) = answer(&net, View::Resolver, &domain.name, RecordType::A) else {
        panic!("no answer");
    };
    assert_eq!(reply.code, ResponseCode::NXDomain);
}

#[test]
fn whatever_is_asked_there_is_an_answer() {
    let scenario = Scenario::small().unwrap();
    let start = scenario.starts_at();
    let net = Internet::new(scenario, Arc::new(move || start));
    let names: Vec<String> = net.world.domains.iter().map(|d| d.name.clone()).collect();
    let name = prop_oneof!["[a-z0-9._\\-]{0,40}", proptest::sample::select(names)];
    let kind = proptest::sample::select(vec![1, 2, 5, 6, 15, 16, 28, 43, 255, 257, 999]);
    proptest!(|(below in "([a-z*]{0,8}[.]){0,4}", name in name, kind in kind)| {
        for view in [View::Resolver, View::Filtering, View::Parent] {
            let name = format!("{below}{name}");
            if let Answer::Reply(reply) = answer(&net, view, &name, RecordType::from(kind)) {
                let empty = reply.answers.is_empty() && reply.authorities.is_empty();
                let failed = matches!(reply.code, ResponseCode::ServFail | ResponseCode::Refused);
                prop_assert_eq!(empty, failed, "{} {:?}", name, reply);
            }
        }
    });
}

#[tokio::test]
async fn a_stopped_range_listens_no_more() {
    let (range, _) = small().await;
    let ports = [range.dns(), range.filtering_dns(), range.parent(), range.smtp(), range.rdap()];
    for port in ports {
        TcpStream::connect(port).await.unwrap();
    }
    range.stop().await;
    for port in ports {
        assert!(TcpStream::connect(port).await.is_err(), "{port}");
    }
}
