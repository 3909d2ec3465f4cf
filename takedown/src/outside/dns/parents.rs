//! Which servers serve the zone above a name: given, or found through a resolver and remembered for a while.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hickory_proto::rr::{Name, RecordType};
use tokio::time::Instant;

use super::{Dns, DnsAnswer, full_name, read};
use crate::{observe::reading::Outcome, outside::global::is_global};

/// How long found servers are remembered.
const REMEMBERED_FOR: Duration = Duration::from_secs(3600);
/// How many zones are remembered.
const MAX_REMEMBERED: usize = 4096;
/// How many of a zone's name servers are looked up.
const MAX_SERVER_NAMES: usize = 6;

/// A zone and those who serve it.
#[derive(Clone, Debug)]
pub struct Parent {
    /// The zone's name.
    pub zone: Name,
    /// Its servers, in a stable order.
    pub servers: Vec<SocketAddr>,
}

/// The parents that are known.
#[derive(Debug)]
pub struct Parents {
    given: BTreeMap<Name, Vec<SocketAddr>>,
    found: Mutex<HashMap<Name, (Instant, Parent)>>,
}

impl Parents {
    /// Starts with the servers that are given by suffix.
    pub fn new(given: &BTreeMap<String, Vec<SocketAddr>>) -> Self {
        let given = given
            .iter()
            .filter_map(|(suffix, servers)| Some((full_name(suffix).ok()?, servers.clone())))
            .collect();
        Self { given, found: Mutex::new(HashMap::new()) }
    }

    /// The zone above `name`: the longest given suffix, else the nearest zone that a resolver knows.
    ///
    /// # Errors
    /// The resolver's answer, when it could not say.
    pub async fn of(&self, name: &Name, dns: &Dns) -> Result<Parent, DnsAnswer> {
        let above = || {
            std::iter::successors(Some(name.base_name()), |zone| (!zone.is_root()).then(|| zone.base_name()))
        };
        for zone in above() {
            if let Some(servers) = self.given.get(&zone) {
                return Ok(Parent { zone, servers: servers.clone() });
            }
        }
        for zone in above() {
            if let Some(parent) = self.remembered(&zone) {
                return Ok(parent);
            }
            if let Some(parent) = find(&zone, dns).await? {
                self.remember(&parent);
                return Ok(parent);
            }
        }
        Err(DnsAnswer::none("", Outcome::Error, format!("no zone above {name} was found")))
    }

    fn remembered(&self, zone: &Name) -> Option<Parent> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, parent) = found.get(zone)?;
        (*until > Instant::now()).then(|| parent.clone())
    }

    fn remember(&self, parent: &Parent) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if found.len() >= MAX_REMEMBERED {
            found.retain(|_, (until, _)| *until > now);
        }
        if found.len() < MAX_REMEMBERED {
            found.insert(parent.zone.clone(), (now + REMEMBERED_FOR, parent.clone()));
        }
    }
}

/// Asks a resolver who serves `zone`; `None` when it is not a zone of its own.
async fn find(zone: &Name, dns: &Dns) -> Result<Option<Parent>, DnsAnswer> {
    let text = read::name(zone);
    let resolver = dns.shard(&text);
    let answer = dns.ask_resolver(resolver, &text, RecordType::NS).await;
    match answer.reading.outcome {
        Outcome::Answer if answer.reading.aliases.is_empty() => {}
        Outcome::Answer | Outcome::NoData | Outcome::NxDomain => return Ok(None),
        Outcome::ServFail | Outcome::Refused | Outcome::Error | Outcome::Timeout => return Err(answer),
    }
    let mut servers = Vec::new();
    for kind in [RecordType::A, RecordType::AAAA] {
        for server in answer.reading.records.iter().take(MAX_SERVER_NAMES) {
            let addresses = dns.ask_resolver(resolver, server, kind).await.reading.records;
            // Somebody else chose these addresses: never inside our own network.
            let open =
                addresses.iter().filter_map(|text| text.parse().ok()).filter(|address| is_global(*address));
            servers.extend(open.map(|address| SocketAddr::new(address, 53)));
        }
        if !servers.is_empty() {
            break;
        }
    }
    Ok(Some(Parent { zone: zone.clone(), servers }))
}
