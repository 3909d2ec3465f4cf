//! The kinds of things that names share, and how much sharing one says.

use serde::{Deserialize, Serialize};

/// What kind of thing names share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PivotKind {
    /// An address.
    Address,
    /// The routed prefix of an address.
    Prefix,
    /// The autonomous system of an address.
    AutonomousSystem,
    /// The whole set of name servers.
    NameServers,
    /// The SOA's responsible mailbox.
    SoaMailbox,
    /// A mail host.
    MailHost,
    /// A certificate, by its fingerprint or one of its names.
    Certificate,
    /// The key of a certificate.
    CertificateKey,
    /// Who issued a certificate.
    CertificateIssuer,
    /// A registrant's token: mailbox, name or phone.
    Registrant,
    /// The registrar.
    Registrar,
    /// Registrations of one registrar within minutes.
    Burst,
    /// The registrar and the day of registration.
    Day,
    /// Where a name redirects to.
    Redirect,
    /// A profile or page that names the current host.
    DeadDrop,
    /// A payload that talks to the names, or a host that payloads come from.
    PayloadHost,
    /// The affiliate's identifier in a build.
    Affiliate,
    /// A report or source that names both.
    Mention,
    /// The form of records: an SOA's timers, times to live, server software.
    RecordShape,
    /// The title of a page.
    Title,
    /// A rare word in the name.
    NameWord,
    /// The form of the name: lengths and kinds of its pieces.
    NameShape,
    /// A relation between two names that somebody asserts.
    Link,
    /// Anything else.
    Other,
}

/// How a kind of evidence counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strength {
    /// The probability that two holders of a value which nobody else holds belong together.
    pub pair: f64,
    /// How fast that falls when more hold it: with `k` holders it is `pair * spread / (spread + k - 2)`.
    pub spread: f64,
}

impl PivotKind {
    /// How much sharing one says. Who holds a certificate's key or a registrant's mailbox is one person; an
    /// address or a name server may have many tenants. Set once, from public fleets (docs/CLUSTERS.md).
    pub const fn strength(self) -> Strength {
        let (pair, spread) = match self {
            Self::Registrant => (0.95, 50.0),
            Self::CertificateKey => (0.9, 20.0),
            Self::Link => (0.8, 10.0),
            Self::Affiliate => (0.6, 50.0),
            Self::Burst => (0.6, 8.0),
            Self::Certificate | Self::DeadDrop | Self::PayloadHost => (0.5, 10.0),
            Self::SoaMailbox => (0.4, 10.0),
            Self::Registrar => (0.35, 20.0),
            Self::Address | Self::Redirect | Self::Other => (0.3, 10.0),
            Self::Mention => (0.3, 50.0),
            Self::NameServers => (0.22, 10.0),
            Self::Day => (0.2, 4.0),
            Self::MailHost | Self::Title => (0.15, 10.0),
            Self::NameWord | Self::Prefix => (0.1, 10.0),
            Self::AutonomousSystem | Self::CertificateIssuer | Self::RecordShape | Self::NameShape => {
                (0.05, 10.0)
            }
        };
        Strength { pair, spread }
    }

    /// Kinds that say the same thing: of those only the strongest counts for a pair.
    pub const fn family(self) -> u8 {
        match self {
            Self::Address | Self::Prefix | Self::AutonomousSystem => 0,
            Self::NameServers | Self::SoaMailbox => 1,
            Self::MailHost => 2,
            Self::Certificate | Self::CertificateKey | Self::CertificateIssuer => 3,
            Self::Registrant => 4,
            Self::Registrar => 5,
            Self::Burst | Self::Day => 6,
            Self::Redirect => 7,
            Self::DeadDrop => 8,
            Self::PayloadHost => 9,
            Self::Affiliate => 10,
            Self::Mention => 11,
            Self::RecordShape => 12,
            Self::Title => 13,
            Self::NameWord | Self::NameShape => 14,
            Self::Link => 15,
            Self::Other => OTHER,
        }
    }

    /// As stored and printed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Prefix => "prefix",
            Self::AutonomousSystem => "autonomous_system",
            Self::NameServers => "name_servers",
            Self::SoaMailbox => "soa_mailbox",
            Self::MailHost => "mail_host",
            Self::Certificate => "certificate",
            Self::CertificateKey => "certificate_key",
            Self::CertificateIssuer => "certificate_issuer",
            Self::Registrant => "registrant",
            Self::Registrar => "registrar",
            Self::Burst => "burst",
            Self::Day => "day",
            Self::Redirect => "redirect",
            Self::DeadDrop => "dead_drop",
            Self::PayloadHost => "payload_host",
            Self::Affiliate => "affiliate",
            Self::Mention => "mention",
            Self::RecordShape => "record_shape",
            Self::Title => "title",
            Self::NameWord => "name_word",
            Self::NameShape => "name_shape",
            Self::Link => "link",
            Self::Other => "other",
        }
    }
}

/// The first family of kinds that we do not know; each has its own.
const OTHER: u8 = 16;

/// What a column of an edge list, by its kind, is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Something that names share.
    Pivot(PivotKind),
    /// When the name was registered.
    Registered,
    /// When the name was first seen, which is no earlier.
    FirstSeen,
    /// A state or a date that follows from others: the day it expires, status codes, the top-level domain.
    Silent,
}

/// What an edge kind means. Spelling is free in case, `-`, `_` and blanks.
pub fn meaning(kind: &str) -> Meaning {
    let plain: String =
        kind.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    let pivot = match plain.as_str() {
        "ip" | "a" | "aaaa" | "address" | "ipaddress" | "ipv4" | "ipv6" | "resolvesto" | "host" => {
            PivotKind::Address
        }
        "prefix" | "cidr" | "netblock" | "inprefix" => PivotKind::Prefix,
        "asn" | "as" | "autonomoussystem" | "announcedby" => PivotKind::AutonomousSystem,
        "ns" | "nameserver" | "nameservers" | "nspair" | "nsset" | "delegatedto" => PivotKind::NameServers,
        "soa" | "soaemail" | "soarname" | "rname" | "soamailbox" => PivotKind::SoaMailbox,
        "mx" | "mailhost" | "mailserver" | "mailto" => PivotKind::MailHost,
        "cert" | "certificate" | "certsha1" | "certsha256" | "certhash" | "san" | "certsan" | "certified" => {
            PivotKind::Certificate
        }
        "certkey" | "spki" | "subjectkey" | "certificatekey" | "certspki" => PivotKind::CertificateKey,
        "certissuer" | "issuer" | "certificateissuer" => PivotKind::CertificateIssuer,
        "registrar" | "registrarianaid" | "registrarid" | "sponsoredby" => PivotKind::Registrar,
        "redirect" | "redirectsto" | "location" => PivotKind::Redirect,
        "deaddrop" | "encodes" => PivotKind::DeadDrop,
        "payload" | "payloadhost" | "communicateswith" | "c2" => PivotKind::PayloadHost,
        "affiliate" | "affiliateid" | "lid" | "build" | "botid" => PivotKind::Affiliate,
        "report" | "source" | "mention" | "comention" => PivotKind::Mention,
        "ttl" | "recordshape" | "server" | "servertype" => PivotKind::RecordShape,
        "title" | "pagetitle" => PivotKind::Title,
        "created" | "createdate" | "creationdate" | "registered" | "registration" | "registrationdate"
        | "registeredat" => return Meaning::Registered,
        "firstseen" => return Meaning::FirstSeen,
        "expires" | "expirationdate" | "expirydate" | "updated" | "updateddate" | "lastseen" | "status"
        | "eppstatus" | "tld" => return Meaning::Silent,
        other if other.starts_with("registrant") || other.starts_with("whoisemail") => PivotKind::Registrant,
        "email" | "phone" | "owner" | "registeredto" => PivotKind::Registrant,
        _ => PivotKind::Other,
    };
    Meaning::Pivot(pivot)
}

/// A value that stands for "not told", whose holders share nothing: the registrar's form, a privacy service.
pub fn is_placeholder(kind: PivotKind, value: &str) -> bool {
    let lower = value.trim().to_ascii_lowercase();
    if matches!(
        lower.as_str(),
        "" | "-" | "none" | "null" | "n/a" | "na" | "unknown" | "nan" | "0" | "." | "localhost"
    ) {
        return true;
    }
    kind == PivotKind::Registrant
        && (lower.contains("://")
            || [
                "redacted",
                "privacy",
                "proxy",
                "protect",
                "withheld",
                "not disclosed",
                "gdpr",
                "whois",
                "data masked",
            ]
            .iter()
            .any(|word| lower.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_known_under_many_spellings() {
        assert_eq!(meaning("NS pair"), Meaning::Pivot(PivotKind::NameServers));
        assert_eq!(meaning("registrant_email_token"), Meaning::Pivot(PivotKind::Registrant));
        assert_eq!(meaning("first_seen"), Meaning::FirstSeen);
        assert_eq!(meaning("favicon"), Meaning::Pivot(PivotKind::Other));
    }

    #[test]
    fn a_privacy_service_is_no_registrant() {
        for value in
            ["REDACTED FOR PRIVACY", "https://registrar.example/contact?d=a.example", "", "Privacy@x.example"]
        {
            assert!(is_placeholder(PivotKind::Registrant, value), "{value}");
        }
        assert!(!is_placeholder(PivotKind::Registrant, "a@inbox.example"));
        assert!(!is_placeholder(PivotKind::Title, "Privacy for all"));
    }
}
