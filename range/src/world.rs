//! The generated internet, as plain data: what a scenario and its seed come to.

use std::collections::BTreeMap;
use std::net::IpAddr;

use time::OffsetDateTime;

use crate::scenario::Platform;

/// A whole synthetic internet as it is at the start of the story.
#[derive(Debug, Clone, PartialEq)]
pub struct World {
    /// Every registered domain; families first, then bystanders, popular names and infrastructure.
    pub domains: Vec<Domain>,
    /// Accounts on platforms that name domains of a family.
    pub dead_drops: Vec<DeadDrop>,
}

/// A registered domain with all that is to be known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Domain {
    /// The name: one label and a suffix, in lower case, without a trailing dot.
    pub name: String,
    /// The suffix it is registered under.
    pub suffix: String,
    /// What it is there for.
    pub role: Role,
    /// How its name server behaves.
    pub manner: Manner,
    /// Index of the registrar in the scenario.
    pub registrar: usize,
    /// Mail address of the registrant, the same for all domains of one registrant.
    pub registrant: String,
    /// When it was registered (whole seconds).
    pub created_at: OffsetDateTime,
    /// When the registration ends.
    pub expires_at: OffsetDateTime,
    /// When a source first saw it in use.
    pub first_seen_at: OffsetDateTime,
    /// Host names of its name servers.
    pub name_servers: Vec<String>,
    /// Addresses of the name itself, IPv4 first.
    pub addresses: Vec<IpAddr>,
    /// Mail hosts with their preference.
    pub mx: Vec<(u16, String)>,
    /// Text records.
    pub txt: Vec<String>,
    /// Certificate authorities that may issue for it (CAA `issue`).
    pub caa: Vec<String>,
    /// Hosts below the name: relative name → addresses.
    pub hosts: BTreeMap<String, Vec<IpAddr>>,
    /// Its certificate, if it has one.
    pub certificate: Option<Certificate>,
    /// RDAP status strings that it has apart from holds.
    pub statuses: Vec<&'static str>,
    /// What the filtering resolver says instead of the truth.
    pub lie: Option<Lie>,
}

/// What a domain is there for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Belongs to a family of malware.
    Malicious {
        /// Name of the family.
        family: String,
        /// Name of the campaign.
        campaign: String,
        /// Path that bots ask for.
        gate: String,
    },
    /// Has nothing to do with it.
    Bystander,
    /// Known to everybody; the number is its rank, from 1.
    Popular(usize),
    /// Name servers, mail of registrars and networks, platforms.
    Infrastructure,
}

/// How the name server of a domain behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// As usual.
    Plain,
    /// Every name below answers.
    Wildcard,
    /// Addresses change with the clock.
    FastFlux,
    /// Points at a sinkhole.
    Sinkholed,
    /// Expired and parked.
    Parked,
}

/// What the filtering resolver says instead of the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// That the name does not exist.
    NxDomain,
    /// 0.0.0.0 or `::`.
    Null,
}

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 fingerprint, lower-case hexadecimal.
    pub sha256: String,
    /// Common name of the issuer.
    pub issuer: String,
    /// Subject alternative names.
    pub names: Vec<String>,
    /// Start of validity.
    pub not_before: OffsetDateTime,
    /// End of validity.
    pub not_after: OffsetDateTime,
}

/// An account that names domains of a family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadDrop {
    /// Platform that the account is on.
    pub platform: Platform,
    /// Address of the profile or channel.
    pub url: String,
    /// Family that uses it.
    pub family: String,
    /// Domains that it names.
    pub names: Vec<String>,
}

impl Domain {
    /// Name of the family, for malicious domains.
    #[must_use]
    pub fn family(&self) -> Option<&str> {
        match &self.role {
            Role::Malicious { family, .. } => Some(family),
            Role::Bystander | Role::Popular(_) | Role::Infrastructure => None,
        }
    }

    /// Name of the campaign, for malicious domains.
    #[must_use]
    pub fn campaign(&self) -> Option<&str> {
        match &self.role {
            Role::Malicious { campaign, .. } => Some(campaign),
            Role::Bystander | Role::Popular(_) | Role::Infrastructure => None,
        }
    }
}
