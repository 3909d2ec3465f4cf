//! The port to the DNS: one question to one server, each look a look (no cache, no search list, no hosts file).

mod exchange;
mod lines;
mod parents;
mod read;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    net::SocketAddr,
    time::Duration,
};

use entities::Probe;
use hickory_proto::{
    op::{Message, ResponseCode},
    rr::{Name, RecordType},
};

use crate::{
    observe::reading::{DnsReading, Outcome},
    outside::limiter::{Limiter, Limits},
};
use exchange::{Exchange, Failure, Question};
use parents::Parents;
use read::Read;

/// How the DNS is asked.
#[derive(Clone, Debug)]
pub struct DnsSettings {
    /// The resolvers; they may disagree, so each can be asked by its index.
    pub resolvers: Vec<SocketAddr>,
    /// Servers of a suffix (`com`, `co.uk`), for the synthetic internet and tests; others are found by a resolver.
    pub parents: BTreeMap<String, Vec<SocketAddr>>,
    /// How long one try waits for its answer.
    pub timeout: Duration,
    /// Tries per question, at least 1; each has its own id.
    pub attempts: u32,
    /// Questions in flight per server (64 is where throughput peaks).
    pub in_flight: usize,
    /// Questions per second per server; `None` = no limit.
    pub per_second: Option<f64>,
}

impl Default for DnsSettings {
    fn default() -> Self {
        Self {
            resolvers: Vec::new(),
            parents: BTreeMap::new(),
            timeout: Duration::from_secs(3),
            attempts: 2,
            in_flight: 64,
            per_second: None,
        }
    }
}

/// What one question brought.
#[derive(Clone, Debug)]
pub struct DnsAnswer {
    /// Our reading.
    pub reading: DnsReading,
    /// The server that gave the answer (`192.0.2.53:53`), or that gave none.
    pub server: String,
    /// The shortest TTL in seconds of the records read (of the SOA when there are none, RFC 2308).
    pub ttl_min: Option<u32>,
    /// The zone that says the records are absent: the owner of the SOA of a negative answer.
    pub zone: Option<String>,
    replies: Vec<Message>,
    note: Option<String>,
}

impl DnsAnswer {
    /// The whole answer in presentation text, at most [`RAW_LIMIT`] bytes; says so when records were left out.
    pub fn raw(&self) -> String {
        read::raw(&self.replies, self.note.as_deref())
    }

    fn none(server: &str, outcome: Outcome, note: String) -> Self {
        Self {
            reading: DnsReading { outcome, records: Vec::new(), aliases: Vec::new() },
            server: server.to_owned(),
            ttl_min: None,
            zone: None,
            replies: Vec::new(),
            note: Some(note),
        }
    }

    fn read(server: SocketAddr, read: Read, replies: Vec<Message>) -> Self {
        Self {
            reading: DnsReading { outcome: read.outcome, records: read.records, aliases: read.aliases },
            server: server.to_string(),
            ttl_min: read.ttl_min,
            zone: read.zone,
            replies,
            note: None,
        }
    }
}

/// The bound of [`DnsAnswer::raw`], in bytes.
pub const RAW_LIMIT: usize = 8 * 1024;

/// How many CNAMEs are followed from the name asked.
const MAX_ALIASES: usize = 16;

/// How many of a parent's servers are tried before giving up.
const MAX_PARENT_SERVERS: usize = 4;

/// The port itself; cheap to share behind an `Arc`.
#[derive(Debug)]
pub struct Dns {
    settings: DnsSettings,
    exchange: Exchange,
    limiter: Limiter<SocketAddr>,
    parents: Parents,
}

impl Dns {
    /// A port that asks as `settings` say.
    pub fn new(settings: DnsSettings) -> Self {
        let limits = Limits {
            per_second: settings.per_second,
            burst: u32::try_from(settings.in_flight).unwrap_or(u32::MAX),
            in_flight: settings.in_flight,
        };
        let parents = Parents::new(&settings.parents);
        Self { exchange: Exchange::new(settings.timeout), limiter: Limiter::new(limits), parents, settings }
    }

    /// How many resolvers there are; their indices are `0..resolvers()`.
    pub fn resolvers(&self) -> usize {
        self.settings.resolvers.len()
    }

    /// The resolver that `name` falls to when one is enough: the same name goes to the same one.
    pub fn shard(&self, name: &str) -> usize {
        match self.settings.resolvers.len() {
            0 => 0,
            many => (hash(name) % many as u64) as usize,
        }
    }

    /// Asks the resolver with that index for `name`'s records; [`Probe::Delegation`] goes to the parent instead.
    ///
    /// Always an answer: what went wrong is its outcome, and why is in its raw text.
    pub async fn ask(&self, resolver: usize, name: &str, probe: Probe) -> DnsAnswer {
        if probe == Probe::Delegation {
            return self.delegation(name).await;
        }
        match record_type(probe) {
            Some(kind) => self.ask_resolver(resolver, name, kind).await,
            None => DnsAnswer::none("", Outcome::Error, format!("{probe} is not asked of the DNS")),
        }
    }

    async fn ask_resolver(&self, resolver: usize, name: &str, kind: RecordType) -> DnsAnswer {
        match (self.settings.resolvers.get(resolver), full_name(name)) {
            (Some(&server), Ok(name)) => self.look_up(server, name, kind).await,
            (None, _) => DnsAnswer::none("", Outcome::Error, format!("no resolver has the index {resolver}")),
            (Some(server), Err(note)) => DnsAnswer::none(&server.to_string(), Outcome::Error, note),
        }
    }

    /// Asks the servers of `name`'s parent zone, without recursion, to whom they delegate `name`.
    ///
    /// The answer has the NS names of the referral. Absence counts only from a server that speaks with authority;
    /// the others, the silent and the lame are passed over. Meant for registrable names: the parent of a deeper
    /// name is the actor's own server (PAP).
    pub async fn delegation(&self, name: &str) -> DnsAnswer {
        let name = match full_name(name) {
            Ok(name) if !name.is_root() => name,
            Ok(_) => return DnsAnswer::none("", Outcome::Error, "the root has no parent".to_owned()),
            Err(note) => return DnsAnswer::none("", Outcome::Error, note),
        };
        let parent = match self.parents.of(&name, self).await {
            Ok(parent) => parent,
            Err(answer) => return answer,
        };
        let mut last = DnsAnswer::none("", Outcome::Error, format!("no server is known for {}", parent.zone));
        let count = parent.servers.len().max(1);
        let first = (hash(&name) % count as u64) as usize;
        for server in parent.servers.iter().cycle().skip(first).take(count.min(MAX_PARENT_SERVERS)) {
            let question = Question { name: name.clone(), kind: RecordType::NS, recurse: false };
            last = match self.exchange(*server, &question).await {
                Err(failure) => failed(*server, &failure),
                Ok(reply) => {
                    let read = read::referral(&reply, &name, &parent.zone);
                    DnsAnswer::read(*server, read, vec![reply])
                }
            };
            if matches!(last.reading.outcome, Outcome::Answer | Outcome::NoData | Outcome::NxDomain) {
                break;
            }
        }
        last
    }

    /// One question, and the further ones that follow a CNAME out of the server's own zones.
    async fn look_up(&self, server: SocketAddr, name: Name, kind: RecordType) -> DnsAnswer {
        let mut question = Question { name, kind, recurse: true };
        let mut whole = Read::default();
        let mut replies = Vec::new();
        loop {
            let reply = match self.exchange(server, &question).await {
                Ok(reply) => reply,
                Err(failure) if replies.is_empty() => return failed(server, &failure),
                Err(failure) => {
                    whole.outcome = failure.outcome();
                    let mut answer = DnsAnswer::read(server, whole, replies);
                    answer.note = Some(failure.to_string());
                    return answer;
                }
            };
            let read = read::answer(&reply, &question.name, kind);
            replies.push(reply);
            let next = read.open_alias.clone();
            whole.append(read);
            match next {
                // Only addresses are worth a chase; a loop ends at the limit.
                Some(alias)
                    if matches!(kind, RecordType::A | RecordType::AAAA)
                        && whole.aliases.len() < MAX_ALIASES
                        && replies.len() < MAX_ALIASES =>
                {
                    question.name = alias;
                }
                _ => return DnsAnswer::read(server, whole, replies),
            }
        }
    }

    /// One question to one server, in its turn, tried again when no answer comes.
    async fn exchange(&self, server: SocketAddr, question: &Question) -> Result<Message, Failure> {
        let _permit = self
            .limiter
            .acquire(&server, Duration::MAX)
            .await
            .map_err(|busy| Failure::Network(busy.to_string()))?;
        let mut failure = Failure::Timeout;
        for _ in 0..self.settings.attempts.max(1) {
            match self.exchange.ask(server, question).await {
                Ok(reply) => return Ok(reply),
                Err(last) => failure = last,
            }
        }
        Err(failure)
    }
}

fn failed(server: SocketAddr, failure: &Failure) -> DnsAnswer {
    DnsAnswer::none(&server.to_string(), failure.outcome(), failure.to_string())
}

/// The record type that a probe asks for; `None` where the probe is no DNS question to a resolver.
fn record_type(probe: Probe) -> Option<RecordType> {
    Some(match probe {
        Probe::A => RecordType::A,
        Probe::Aaaa => RecordType::AAAA,
        Probe::Ns => RecordType::NS,
        Probe::Soa => RecordType::SOA,
        Probe::Mx => RecordType::MX,
        Probe::Txt => RecordType::TXT,
        Probe::Caa => RecordType::CAA,
        Probe::Delegation
        | Probe::RdapDomain
        | Probe::RdapIp
        | Probe::RdapAutnum
        | Probe::RdapEntity
        | Probe::AsnTable => return None,
    })
}

/// The name as asked: lower case and fully qualified, so that nothing is ever appended to it.
fn full_name(name: &str) -> Result<Name, String> {
    let mut full = Name::from_ascii(name)
        .map_err(|error| format!("the name cannot be asked for: {error}"))?
        .to_lowercase();
    full.set_fqdn(true);
    Ok(full)
}

fn hash(what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

/// The outcome that a response code means; NOERROR still depends on the records.
fn outcome_of(code: ResponseCode) -> Outcome {
    match code {
        ResponseCode::NoError => Outcome::NoData,
        ResponseCode::NXDomain => Outcome::NxDomain,
        ResponseCode::ServFail => Outcome::ServFail,
        ResponseCode::Refused => Outcome::Refused,
        _ => Outcome::Error,
    }
}
