//! Our reading of what a look-up returned: what is stored, compared and judged.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// How a DNS question ended. Only [`Outcome::NxDomain`] and [`Outcome::NoData`] say that something is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Records came.
    Answer,
    /// The name exists, without records of this type (NOERROR, RFC 2308).
    NoData,
    /// The name does not exist (RFC 2308).
    NxDomain,
    /// The server failed (rcode 2).
    ServFail,
    /// The server refused (rcode 5).
    Refused,
    /// Any other rcode, or a malformed answer.
    Error,
    /// No answer in time.
    Timeout,
}

/// The reading of one DNS question to one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsReading {
    /// How it ended.
    pub outcome: Outcome,
    /// The records' data in presentation form, lower case where names, sorted.
    pub records: Vec<String>,
    /// The CNAME chain from the name asked, in order, without it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

impl DnsReading {
    /// The addresses among the records, null addresses left out: those are what filtering resolvers answer.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.records.iter().filter_map(|text| text.parse().ok()).filter(|address| !is_null(*address))
    }

    /// Whether the answer has addresses and all of them are null.
    pub fn is_nullrouted(&self) -> bool {
        let mut addresses = self.records.iter().filter_map(|text| text.parse().ok()).peekable();
        addresses.peek().is_some() && addresses.all(is_null)
    }
}

/// 0.0.0.0, `::` and loopback: no host on the internet.
pub fn is_null(address: IpAddr) -> bool {
    address.is_unspecified() || address.is_loopback()
}

/// The sponsoring registrar as RDAP gives it (RFC 9083, role `registrar`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrarReading {
    /// The IANA registrar id.
    pub iana_id: Option<String>,
    /// Its name (vCard `fn`).
    pub name: Option<String>,
    /// The abuse mailboxes of the nested entity with role `abuse`; placeholders left out.
    pub abuse_emails: Vec<String>,
    /// The abuse telephone numbers.
    pub abuse_tels: Vec<String>,
}

/// The reading of an RDAP domain object, or of its absence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RdapDomainReading {
    /// The server said 404: it does not know the name.
    pub not_found: bool,
    /// `ldhName`, lower case.
    pub name: Option<String>,
    /// The registry's handle.
    pub handle: Option<String>,
    /// Status values in RDAP's spelling (`client hold`), normalised, sorted; unknown ones as they came.
    pub status: Vec<String>,
    /// The sponsoring registrar.
    pub registrar: Option<RegistrarReading>,
    /// The registrant's published tokens (mail, name, organisation, phone); never a notice's recipient.
    pub registrant: Vec<String>,
    /// Name servers, lower case, sorted.
    pub name_servers: Vec<String>,
    /// `registration` event, RFC 3339.
    pub registered_at: Option<String>,
    /// `expiration` event, RFC 3339.
    pub expires_at: Option<String>,
    /// `last changed` event, RFC 3339.
    pub changed_at: Option<String>,
    /// `secureDNS.delegationSigned`.
    pub delegation_signed: Option<bool>,
    /// What RFC 9537 says was redacted, by name.
    pub redacted: Vec<String>,
}

/// The reading of an RDAP ip network or autnum object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RdapNetworkReading {
    /// The server said 404.
    pub not_found: bool,
    /// The registry's handle.
    pub handle: Option<String>,
    /// The network's name.
    pub name: Option<String>,
    /// First and last address, or first and last AS number, as text.
    pub range: Option<(String, String)>,
    /// The country code.
    pub country: Option<String>,
    /// The abuse mailboxes; placeholders left out.
    pub abuse_emails: Vec<String>,
}

/// The reading of an RDAP entity object: an organisation or person in a registry's database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RdapEntityReading {
    /// The server said 404.
    pub not_found: bool,
    /// The registry's handle.
    pub handle: Option<String>,
    /// Its name (vCard `fn`, else `org`).
    pub name: Option<String>,
    /// Its roles, lower case, sorted.
    pub roles: Vec<String>,
    /// The IANA registrar id, when it is a registrar.
    pub iana_id: Option<String>,
    /// The abuse mailboxes: its own when it has the role `abuse`, and those of nested entities that have; never a
    /// registrant's. Placeholders left out.
    pub abuse_emails: Vec<String>,
}
