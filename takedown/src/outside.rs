//! Outside: the ports to the DNS, the registries, the routing table and sign-in providers, and nothing of ours behind them.
//!
//! No port asks whether it may: only `observe` calls those that probe, after `access::may_probe` (PAP) said yes.

pub mod asn;
pub mod dns;
pub mod global;
pub mod limiter;
pub mod mail;
pub mod provider;
pub mod rdap;

/// The ports, as the operator configured them. The default has no servers and reaches nobody.
#[derive(Debug)]
pub struct Outside {
    /// The DNS.
    pub dns: dns::Dns,
    /// The registries; `None` = they are not asked.
    pub rdap: Option<rdap::Rdap>,
    /// The routing table.
    pub asn: asn::AsnTable,
    /// The way out for notices; only `notice` uses it, after its second check.
    pub mail: mail::Mail,
}

impl Default for Outside {
    fn default() -> Self {
        Self {
            dns: dns::Dns::new(dns::DnsSettings::default()),
            rdap: None,
            asn: asn::AsnTable::default(),
            mail: mail::Mail::Off,
        }
    }
}
