//! Section `observe`.

use std::{collections::BTreeMap, net::SocketAddr, num::NonZero, path::Path};

use entities::Probe;
use serde::{Deserialize, Serialize};
use takedown::{
    outside::{
        asn::AsnTable,
        dns::{Dns, DnsSettings},
        limiter::Limits,
        rdap::{Rdap, RdapSettings, bootstrap::Bootstrap},
    },
    settings::ObserveSettings,
};

use super::{Problems, Span};

/// What is asked of whom outside, how fast and how often.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Observe {
    /// The resolvers.
    pub resolvers: Vec<SocketAddr>,
    /// The servers of a suffix.
    pub parents: BTreeMap<String, Vec<SocketAddr>>,
    /// The record types of the regular round.
    pub records: Vec<Record>,
    /// Whether the parent zone's servers are asked.
    pub delegation: bool,
    /// Whether a random name is asked for.
    pub wildcard: bool,
    /// How long one try waits.
    pub dns_timeout: Span,
    /// Tries per question.
    pub dns_attempts: NonZero<u32>,
    /// Questions in flight at one server.
    pub dns_in_flight: NonZero<usize>,
    /// Questions per second at one server; 0 means no limit.
    #[serde(deserialize_with = "rate")]
    pub dns_per_second: f64,
    /// Observables in one batch.
    pub batch: NonZero<u64>,
    /// Looks that wait at a time.
    pub at_once: NonZero<usize>,
    /// The next look at what was never answered.
    pub fresh_every: Span,
    /// The next look at what answers.
    pub active_every: Span,
    /// The next look at what is dark.
    pub dark_every: Span,
    /// The next look at what is seized.
    pub seized_every: Span,
    /// How long registration data stands.
    pub registration_every: Span,
    /// The folder of bootstrap files.
    pub rdap_bootstrap: String,
    /// Questions per second at one registry; 0 means no limit.
    #[serde(deserialize_with = "rate")]
    pub rdap_per_second: f64,
    /// Questions at once after a quiet time.
    pub rdap_burst: NonZero<u32>,
    /// Questions in flight at one registry.
    pub rdap_in_flight: NonZero<usize>,
    /// How long a question waits for its turn.
    pub rdap_patience: Span,
    /// How long an exchange may take.
    pub rdap_timeout: Span,
    /// How long an answer is remembered.
    pub rdap_cache: Span,
    /// Whether `http:` is allowed.
    pub rdap_allow_http: bool,
    /// Networks off the open internet that may be reached.
    pub rdap_allow_networks: Vec<ipnetwork::IpNetwork>,
    /// How we present ourselves.
    pub rdap_user_agent: String,
    /// Files with certificates to trust.
    pub rdap_roots: Vec<String>,
    /// Tables of address ranges.
    pub asn_tables: Vec<String>,
}

/// A record type by its usual name.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Record {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Name servers.
    Ns,
    /// The zone's first record.
    Soa,
    /// Mail hosts.
    Mx,
    /// Texts.
    Txt,
    /// Who may certify.
    Caa,
}

impl Record {
    const fn probe(self) -> Probe {
        match self {
            Self::A => Probe::A,
            Self::Aaaa => Probe::Aaaa,
            Self::Ns => Probe::Ns,
            Self::Soa => Probe::Soa,
            Self::Mx => Probe::Mx,
            Self::Txt => Probe::Txt,
            Self::Caa => Probe::Caa,
        }
    }
}

impl Observe {
    /// What the work is given.
    pub fn settings(&self) -> ObserveSettings {
        ObserveSettings {
            probes: self.records.iter().map(|record| record.probe()).collect(),
            delegation: self.delegation,
            registration: !self.rdap_bootstrap.is_empty(),
            wildcard: self.wildcard,
            batch: self.batch.get(),
            at_once: self.at_once.get(),
            fresh_every: self.fresh_every.0,
            active_every: self.active_every.0,
            dark_every: self.dark_every.0,
            seized_every: self.seized_every.0,
            registration_every: self.registration_every.0,
        }
    }

    /// The port to the DNS.
    pub fn dns(&self) -> Dns {
        Dns::new(DnsSettings {
            resolvers: self.resolvers.clone(),
            parents: self.parents.clone(),
            timeout: self.dns_timeout.0,
            attempts: self.dns_attempts.get(),
            in_flight: self.dns_in_flight.get(),
            per_second: limit(self.dns_per_second),
        })
    }

    /// The port to the registries; `None` without bootstrap files.
    ///
    /// # Errors
    /// A bootstrap or certificate file cannot be used.
    pub fn rdap(&self) -> Result<Option<Rdap>, Problems> {
        if self.rdap_bootstrap.is_empty() {
            return Ok(None);
        }
        let (bootstrap, passed_over) = Bootstrap::from_folder(Path::new(&self.rdap_bootstrap))
            .map_err(|e| Problems::of("observe.rdap_bootstrap", e))?;
        for service in passed_over {
            tracing::warn!(service, "an RDAP service of the bootstrap files was passed over");
        }
        let root = |file: &String| {
            let text = super::read_bounded(Path::new(file));
            text.map_err(|e| Problems::of("observe.rdap_roots", format!("{file}: {e}")))
        };
        let mut settings = RdapSettings {
            bootstrap,
            allow_http: self.rdap_allow_http,
            allow_networks: self.rdap_allow_networks.clone(),
            limits: Limits {
                per_second: limit(self.rdap_per_second),
                burst: self.rdap_burst.get(),
                in_flight: self.rdap_in_flight.get(),
            },
            patience: self.rdap_patience.0,
            timeout: self.rdap_timeout.0,
            cache_ttl: self.rdap_cache.0,
            extra_roots: self.rdap_roots.iter().map(root).collect::<Result<_, _>>()?,
            ..RdapSettings::default()
        };
        if !self.rdap_user_agent.is_empty() {
            settings.user_agent.clone_from(&self.rdap_user_agent);
        }
        Ok(Some(Rdap::new(&settings).map_err(|e| Problems::of("observe.rdap_roots", e))?))
    }

    /// The routing table.
    ///
    /// # Errors
    /// A table cannot be read.
    pub fn asn(&self) -> Result<AsnTable, Problems> {
        let mut table = AsnTable::default();
        for file in &self.asn_tables {
            table.load(Path::new(file)).map_err(|e| Problems::of("observe.asn_tables", e))?;
        }
        Ok(table)
    }
}

/// A rate of 0 means no limit.
fn limit(per_second: f64) -> Option<f64> {
    (per_second > 0.0).then_some(per_second)
}

fn rate<'de, D: serde::Deserializer<'de>>(d: D) -> Result<f64, D::Error> {
    let rate = f64::deserialize(d)?;
    if rate.is_finite() && rate >= 0.0 {
        return Ok(rate);
    }
    Err(serde::de::Error::custom("must be 0.0, which means no limit, or more"))
}
