//! One look at one observable: which questions, asked of whom, and what came back.

use std::time::Duration;

use entities::{ObservableId, Probe, Timestamp};

use super::reading::{DnsReading, RdapDomainReading, RdapNetworkReading};

/// What one server said to one question.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// A DNS answer.
    Dns(DnsReading),
    /// An RDAP domain object, or its absence.
    RdapDomain(RdapDomainReading),
    /// An RDAP network or AS object, or its absence.
    RdapNetwork(RdapNetworkReading),
    /// The loaded routing table's answer: prefix, AS number, AS name.
    Route {
        /// The longest prefix that covers the address.
        prefix: String,
        /// The AS that announces it.
        asn: u32,
        /// Its name, if the table has one.
        name: String,
    },
}

/// One question with who answered and what.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The question.
    pub probe: Probe,
    /// Who answered: `udp:192.0.2.53:53`, `rdap:host`, `asn-table`.
    pub server: String,
    /// The reading.
    pub reading: Reading,
    /// The answer as it came, bounded.
    pub raw: String,
    /// The smallest TTL among the records, in seconds, for DNS.
    pub ttl: Option<u32>,
}

/// Everything one look returned.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// What was looked at.
    pub observable: ObservableId,
    /// When.
    pub at: Timestamp,
    /// The answers. Several resolvers give several for one probe.
    pub answers: Vec<Seen>,
    /// The addresses that a random name below this one answered, if it answered: a wildcard.
    pub below: Option<Vec<String>>,
    /// Questions that could not be asked, each with why: a marking, a limit, a server that fails.
    pub unanswered: Vec<(Probe, String)>,
    /// A server asked for patience or failed in passing: worth asking again after this long.
    pub again_after: Option<Duration>,
}

impl Seen {
    /// Whether somebody said something: a server that is silent, fails or refuses has not.
    pub const fn is_answer(&self) -> bool {
        use super::reading::Outcome;
        match &self.reading {
            Reading::Dns(reading) => {
                matches!(reading.outcome, Outcome::Answer | Outcome::NoData | Outcome::NxDomain)
            }
            Reading::RdapDomain(_) | Reading::RdapNetwork(_) | Reading::Route { .. } => true,
        }
    }
}

impl Look {
    /// A look that has asked nothing yet.
    pub const fn begun(observable: ObservableId, at: Timestamp) -> Self {
        Self { observable, at, answers: Vec::new(), below: None, unanswered: Vec::new(), again_after: None }
    }

    /// The DNS readings of one probe, with the server each is from.
    pub fn dns(&self, probe: Probe) -> impl Iterator<Item = (&str, &DnsReading)> {
        self.answers.iter().filter(move |seen| seen.probe == probe).filter_map(|seen| match &seen.reading {
            Reading::Dns(reading) => Some((seen.server.as_str(), reading)),
            Reading::RdapDomain(_) | Reading::RdapNetwork(_) | Reading::Route { .. } => None,
        })
    }

    /// The registry's or registrar's RDAP reading of the domain, the fullest last.
    pub fn rdap_domain(&self) -> impl Iterator<Item = &RdapDomainReading> {
        self.answers.iter().filter_map(|seen| match &seen.reading {
            Reading::RdapDomain(reading) => Some(reading),
            Reading::Dns(_) | Reading::RdapNetwork(_) | Reading::Route { .. } => None,
        })
    }
}
