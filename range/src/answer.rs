//! What a name server of the range answers to a question. Pure, but for the range's clock.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::{A, AAAA, CAA, CNAME, MX, NS, SOA, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use crate::dice;
use crate::internet::{Internet, Place, Standing};
use crate::world::{Domain, Lie, Manner};

/// Time to live of ordinary records, in seconds.
const TTL: u32 = 300;
/// Time to live of delegations at the parent, in seconds.
const DELEGATION_TTL: u32 = 86_400;
/// Time to live of fast-flux addresses, in seconds; they change as often.
pub(crate) const FLUX_TTL: u32 = 60;
/// How many of its addresses a fast-flux domain shows at a time.
const FLUX_SHOWN: usize = 5;
/// Addresses of the suffixes' own name servers.
const NIC: [(&str, Ipv4Addr); 2] =
    [("a.nic", Ipv4Addr::new(203, 0, 113, 201)), ("b.nic", Ipv4Addr::new(203, 0, 113, 202))];
/// Address of the name servers of names that are delegated and answer badly.
const LAME: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 250);

/// Whose answer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// A recursive resolver.
    Resolver,
    /// A recursive resolver that lies about some names.
    Filtering,
    /// The server of all suffixes: referrals and names that do not exist.
    Parent,
}

/// What comes back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// Nothing at all: the asker times out.
    Silence,
    /// A message.
    Reply(Reply),
}

/// A message, without its header's id and question.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reply {
    pub(crate) code: ResponseCode,
    pub(crate) authoritative: bool,
    pub(crate) answers: Vec<Record>,
    pub(crate) authorities: Vec<Record>,
    pub(crate) additionals: Vec<Record>,
}

impl Reply {
    fn of(code: ResponseCode) -> Self {
        Self {
            code,
            authoritative: false,
            answers: Vec::new(),
            authorities: Vec::new(),
            additionals: Vec::new(),
        }
    }
}

/// Answers a question; `qname` is in lower case and has no trailing dot.
pub(crate) fn answer(net: &Internet, view: View, qname: &str, qtype: RecordType) -> Answer {
    let reply = match view {
        View::Parent => parent(net, qname, qtype),
        View::Resolver | View::Filtering => match qname.split('.').next() {
            Some("timeout") => return Answer::Silence,
            Some("servfail") => Reply::of(ResponseCode::ServFail),
            Some("refused") => Reply::of(ResponseCode::Refused),
            _ => recursive(net, view, qname, qtype),
        },
    };
    Answer::Reply(reply)
}

/// The parent's view: referral, or "no such name".
fn parent(net: &Internet, qname: &str, qtype: RecordType) -> Reply {
    let (index, suffix) = match net.place(qname) {
        Place::Outside => return Reply::of(ResponseCode::Refused),
        Place::Suffix { suffix } => return authoritative(apex(net, suffix, "", qname, qtype)),
        Place::Vacant { suffix } => match lame_delegation(qname, suffix) {
            Some(reply) => return reply,
            None => return authoritative(vacant(net, suffix, qname, qtype)),
        },
        Place::In { index, .. } => (index, net.domain(index).suffix.as_str()),
    };
    let domain = net.domain(index);
    if net.standing(index) != Standing::Active {
        return authoritative(absent(net, suffix));
    }
    if qtype == RecordType::DS && qname == domain.name {
        return authoritative(no_data(soa_of_suffix(net, suffix)));
    }
    let mut reply = Reply::of(ResponseCode::NoError);
    for ns in &domain.name_servers {
        reply.authorities.push(record(&domain.name, DELEGATION_TTL, RData::NS(NS(name(ns)))));
        let glue = ns.strip_suffix(&format!(".{}", domain.name)).and_then(|below| domain.hosts.get(below));
        let glue = glue.into_iter().flatten().map(|ip| record(ns, DELEGATION_TTL, address(*ip)));
        reply.additionals.extend(glue);
    }
    reply
}

/// The view of a resolver that knows everything.
fn recursive(net: &Internet, view: View, qname: &str, qtype: RecordType) -> Reply {
    let (index, below) = match net.place(qname) {
        Place::Outside => return outside(net),
        Place::Suffix { suffix } => return apex(net, suffix, "", qname, qtype),
        Place::Vacant { suffix } => return vacant(net, suffix, qname, qtype),
        Place::In { index, below } => (index, below),
    };
    let domain = net.domain(index);
    if net.standing(index) != Standing::Active {
        return absent(net, &domain.suffix);
    }
    if view == View::Filtering
        && let Some(lie) = domain.lie
    {
        return filtered(net, lie, domain, qname, qtype);
    }
    let mut found = records(net, index, below, qname, qtype);
    let exists = found.is_some();
    let mut reply = Reply::of(if exists { ResponseCode::NoError } else { ResponseCode::NXDomain });
    if let Some(alias) = alias_of(found.as_deref(), qtype) {
        reply.answers.push(alias);
        found = records(net, index, "", &domain.name, qtype);
    }
    let wanted = |r: &Record| qtype == RecordType::ANY || r.record_type() == qtype;
    reply.answers.extend(found.into_iter().flatten().filter(wanted));
    if !reply.answers.iter().any(wanted) {
        reply.authorities.push(soa_of_domain(net, domain));
    }
    reply
}

/// The alias record among those found, unless it was asked for itself.
fn alias_of(found: Option<&[Record]>, qtype: RecordType) -> Option<Record> {
    let asked = matches!(qtype, RecordType::CNAME | RecordType::ANY);
    let alias = found?.iter().find(|r| r.record_type() == RecordType::CNAME);
    alias.filter(|_| !asked).cloned()
}

/// The records of a name in a domain that could answer the question, or `None` when the name does not exist.
fn records(net: &Internet, index: usize, below: &str, qname: &str, qtype: RecordType) -> Option<Vec<Record>> {
    let domain = net.domain(index);
    let at = |ttl, data| record(qname, ttl, data);
    let addresses = |of: &[IpAddr], ttl| of.iter().map(|ip| at(ttl, address(*ip))).collect::<Vec<_>>();
    if below.is_empty() {
        return Some(apex_records(net, index, qtype));
    }
    if let Some(host) = domain.hosts.get(below) {
        return Some(addresses(host, TTL));
    }
    if below == "www" && !domain.addresses.is_empty() {
        return Some(vec![at(TTL, RData::CNAME(CNAME(name(&domain.name))))]);
    }
    if domain.manner == Manner::Wildcard {
        return Some(addresses(&domain.addresses, TTL));
    }
    let between =
        domain.hosts.keys().any(|h| h.ends_with(below) && h[..h.len() - below.len()].ends_with('.'));
    between.then(Vec::new)
}

/// The records of the asked type at a domain itself.
fn apex_records(net: &Internet, index: usize, qtype: RecordType) -> Vec<Record> {
    let domain = net.domain(index);
    let owner = name(&domain.name);
    let asked = |kind| qtype == kind || qtype == RecordType::ANY;
    let at = |ttl, data| Record::from_rdata(owner.clone(), ttl, data);
    let mut all = Vec::new();
    if asked(RecordType::A) || asked(RecordType::AAAA) {
        let (shown, ttl) = match domain.manner {
            Manner::FastFlux => (flux(net, index), FLUX_TTL),
            Manner::Plain | Manner::Wildcard | Manner::Sinkholed | Manner::Parked => {
                (domain.addresses.clone(), TTL)
            }
        };
        all.extend(shown.into_iter().map(|ip| at(ttl, address(ip))));
    }
    if asked(RecordType::SOA) {
        all.push(soa_of_domain(net, domain));
    }
    if asked(RecordType::NS) {
        all.extend(domain.name_servers.iter().map(|ns| at(TTL, RData::NS(NS(name(ns))))));
    }
    if asked(RecordType::MX) {
        all.extend(domain.mx.iter().map(|(p, host)| at(TTL, RData::MX(MX::new(*p, name(host))))));
    }
    if asked(RecordType::TXT) {
        all.extend(domain.txt.iter().map(|t| at(TTL, RData::TXT(TXT::new(vec![t.clone()])))));
    }
    if asked(RecordType::CAA) {
        let caa = |ca: &String| RData::CAA(CAA::new_issue(false, Some(name(ca)), Vec::new()));
        all.extend(domain.caa.iter().map(|ca| at(TTL, caa(ca))));
    }
    all
}

/// The addresses that a fast-flux domain shows in this minute.
fn flux(net: &Internet, index: usize) -> Vec<IpAddr> {
    let pool = &net.domain(index).addresses;
    let minute = net.now().unix_timestamp().div_euclid(i64::from(FLUX_TTL));
    let start = dice::pick(net.scenario.seed, &format!("flux/{index}/{minute}"), pool.len() as u64);
    let start = usize::try_from(start).unwrap_or(0);
    // A step that is prime to the pool's size, so that neighbours in the pool are not shown together.
    (0..FLUX_SHOWN.min(pool.len())).map(|i| pool[(start + i * 7) % pool.len()]).collect()
}

/// What the filtering resolver says of a name that it does not like.
fn filtered(net: &Internet, lie: Lie, domain: &Domain, qname: &str, qtype: RecordType) -> Reply {
    let null = match (lie, qtype) {
        (Lie::NxDomain, _) => return absent(net, &domain.suffix),
        (Lie::Null, RecordType::A) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        (Lie::Null, RecordType::AAAA) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        (Lie::Null, _) => return no_data(soa_of_domain(net, domain)),
    };
    let mut reply = Reply::of(ResponseCode::NoError);
    reply.answers.push(record(qname, TTL, address(null)));
    reply
}

/// Answers for a suffix itself and for its own name servers; `below` is empty at the suffix.
fn apex(net: &Internet, suffix: &str, below: &str, qname: &str, qtype: RecordType) -> Reply {
    let soa = soa_of_suffix(net, suffix);
    let all: Vec<Record> = if below.is_empty() {
        let ns = NIC.iter().map(|(label, _)| RData::NS(NS(name(&format!("{label}.{suffix}")))));
        ns.map(|data| record(suffix, DELEGATION_TTL, data)).chain([soa.clone()]).collect()
    } else {
        let mine = NIC.iter().filter(|(label, _)| *label == below);
        mine.map(|(_, ip)| record(qname, DELEGATION_TTL, address(IpAddr::V4(*ip)))).collect()
    };
    let mut reply = Reply::of(ResponseCode::NoError);
    reply.answers =
        all.into_iter().filter(|r| qtype == RecordType::ANY || r.record_type() == qtype).collect();
    if reply.answers.is_empty() {
        reply.authorities.push(soa);
    }
    reply
}

/// A name under a suffix that is in no domain: the suffix's own servers, or nothing.
fn vacant(net: &Internet, suffix: &str, qname: &str, qtype: RecordType) -> Reply {
    let below = qname.strip_suffix(suffix).unwrap_or_default().trim_end_matches('.');
    if below == "nic" || NIC.iter().any(|(label, _)| *label == below) {
        return apex(net, suffix, below, qname, qtype);
    }
    absent(net, suffix)
}

/// Domains called `servfail`, `timeout` or `refused` are delegated, to servers that answer badly.
fn lame_delegation(qname: &str, suffix: &str) -> Option<Reply> {
    let below = qname.strip_suffix(suffix)?.trim_end_matches('.');
    let label = below.rsplit('.').next().filter(|l| ["servfail", "timeout", "refused"].contains(l))?;
    let (owner, host) = (format!("{label}.{suffix}"), format!("ns1.{label}.{suffix}"));
    let mut reply = Reply::of(ResponseCode::NoError);
    reply.authorities.push(record(&owner, DELEGATION_TTL, RData::NS(NS(name(&host)))));
    reply.additionals.push(record(&host, DELEGATION_TTL, address(IpAddr::V4(LAME))));
    Some(reply)
}

fn absent(net: &Internet, suffix: &str) -> Reply {
    let mut reply = Reply::of(ResponseCode::NXDomain);
    reply.authorities.push(soa_of_suffix(net, suffix));
    reply
}

/// A name under no suffix of the range: the root says that it does not exist, `example` itself is empty.
fn outside(net: &Internet) -> Reply {
    let mut reply = Reply::of(ResponseCode::NXDomain);
    reply.authorities.push(soa(net, "", "a.root-servers.example"));
    reply
}

fn no_data(soa: Record) -> Reply {
    let mut reply = Reply::of(ResponseCode::NoError);
    reply.authorities.push(soa);
    reply
}

fn authoritative(mut reply: Reply) -> Reply {
    reply.authoritative = true;
    reply
}

fn soa_of_suffix(net: &Internet, suffix: &str) -> Record {
    soa(net, suffix, &format!("a.nic.{suffix}"))
}

fn soa_of_domain(net: &Internet, domain: &Domain) -> Record {
    soa(net, &domain.name, domain.name_servers.first().map_or("a.nic.example", String::as_str))
}

fn soa(net: &Internet, owner: &str, primary: &str) -> Record {
    let day = net.scenario.start;
    let date = u32::try_from(day.year()).unwrap_or(2_000) * 10_000 + u32::from(u8::from(day.month())) * 100;
    let serial = (date + u32::from(day.day())) * 100 + net.serial();
    let mail = if owner.is_empty() { "hostmaster.example".to_owned() } else { format!("hostmaster.{owner}") };
    let data = SOA::new(name(primary), name(&mail), serial, 7_200, 900, 1_209_600, 60);
    record(owner, TTL, RData::SOA(data))
}

fn address(ip: IpAddr) -> RData {
    match ip {
        IpAddr::V4(ip) => RData::A(A(ip)),
        IpAddr::V6(ip) => RData::AAAA(AAAA(ip)),
    }
}

fn record(owner: &str, ttl: u32, data: RData) -> Record {
    Record::from_rdata(name(owner), ttl, data)
}

/// A name of the range as the library's type; the range has no name that does not fit.
fn name(text: &str) -> Name {
    let mut name = Name::from_ascii(text).unwrap_or_default();
    name.set_fqdn(true);
    name
}
