//! The closed lists that columns hold, as text, in the field's own terms.

/// Why a text is not one of a closed list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {list}; it is one of {allowed}")]
pub struct UnknownTermError {
    /// Which list was asked.
    pub list: &'static str,
    /// What was given, cut to 64 characters.
    pub text: String,
    /// The list's terms.
    pub allowed: String,
}

/// Declares a closed list: an enum whose members have one stored, printed and parsed spelling.
macro_rules! stored {
    ($(#[$doc:meta])* $name:ident, $list:literal { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, sea_orm::DeriveValueType)]
        #[sea_orm(value_type = "String")]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Every member, in the list's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The one spelling that is stored, printed and parsed.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::stored::UnknownTermError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::stored::UnknownTermError {
                        list: $list,
                        text: text.chars().take(64).collect(),
                        allowed: [$($text,)+].join(", "),
                    }),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

stored!(
    /// What kind of thing on the internet an observable is.
    ObservableKind, "observable kind" {
        /// A registrable domain name (one label under a public suffix), as an A-label.
        DomainName = "domain_name",
        /// A name below a registrable domain, or a public suffix itself, as an A-label.
        HostName = "host_name",
        /// An IPv4 address.
        Ipv4Address = "ipv4_address",
        /// An IPv6 address in RFC 5952 text.
        Ipv6Address = "ipv6_address",
        /// An address and a port: `192.0.2.1:443`, `[2001:db8::1]:443`.
        Endpoint = "endpoint",
        /// A URL with scheme and host.
        Url = "url",
        /// An autonomous system: `AS64496`.
        AutonomousSystem = "autonomous_system",
        /// An address prefix in CIDR notation with host bits zero.
        Prefix = "prefix",
        /// A certificate by the SHA-256 or SHA-1 of its DER form, lower-case hex.
        Certificate = "certificate",
        /// A registrar: `iana:146`, or `name:…` where the id is unknown.
        Registrar = "registrar",
        /// A registry by its TLD: `com`.
        Registry = "registry",
        /// A name server: a host name in that role.
        NameServer = "name_server",
        /// A mail host: a host name in that role (MX).
        MailHost = "mail_host",
        /// A registrant's token (mail address, name, organisation or phone) as published.
        RegistrantToken = "registrant_token",
        /// An account on a platform: `steam:7656…`, `telegram:name`.
        Account = "account",
        /// A file by its hash: `sha256:…`, `sha1:…`, `md5:…`.
        FileHash = "file_hash",
        /// A wallet or contract address: `eth:0x…`, `btc:…`.
        Wallet = "wallet",
    }
);

stored!(
    /// Where an observable stands on the road; decides how often it is looked at again.
    ObservableState, "observable state" {
        /// Never looked at.
        Fresh = "fresh",
        /// Answering.
        Active = "active",
        /// Not in the DNS, or without an address.
        Dark = "dark",
        /// Sinkholed or seized by an authority.
        Seized = "seized",
    }
);

stored!(
    /// What the thing did in the malware's infrastructure.
    Role, "role" {
        /// Command and control.
        C2 = "c2",
        /// The operators' or affiliates' panel.
        Panel = "panel",
        /// Serves a payload or loader.
        Payload = "payload",
        /// Holds the address of the C2 (a dead drop resolver).
        DeadDrop = "dead_drop",
        /// Receives stolen data.
        Exfil = "exfil",
        /// A landing or lure page.
        Landing = "landing",
        /// Sends victims on.
        Redirect = "redirect",
        /// Not told by the source.
        Unknown = "unknown",
    }
);

stored!(
    /// Traffic Light Protocol 2.0 (FIRST), least to most restrictive.
    Tlp, "TLP 2.0 label" {
        /// No limit.
        Clear = "clear",
        /// The community, no public channel.
        Green = "green",
        /// The recipient's organisation and its clients.
        Amber = "amber",
        /// The recipient's organisation only.
        AmberStrict = "amber+strict",
        /// Named persons only.
        Red = "red",
    }
);

stored!(
    /// Permissible Actions Protocol, least to most restrictive.
    Pap, "PAP label" {
        /// No limit.
        Clear = "clear",
        /// Active, non-destructive acts allowed: asking the actor's servers, notices.
        Green = "green",
        /// Passive look-ups at third parties only.
        Amber = "amber",
        /// Only what the actor cannot see.
        Red = "red",
    }
);

stored!(
    /// Europol’s handling codes, each more restrictive than the one before (domain.md §7.3).
    Handling, "handling code" {
        /// For preventing and combating crime, as the Europol Regulation says.
        H0 = "h0",
        /// Not to be disclosed in judicial proceedings without the provider’s permission.
        H1 = "h1",
        /// Not to be disseminated without the provider’s permission.
        H2 = "h2",
        /// Other restrictions, which the provider says.
        H3 = "h3",
    }
);

stored!(
    /// Which of the two grading scales a grading is on; they do not convert (domain.md §7.3).
    GradingScale, "grading scale" {
        /// Admiralty (NATO): source A–F, information 1–6.
        Admiralty = "admiralty",
        /// Europol 4×4: source A, B, C, X, information 1–4.
        Europol = "europol",
    }
);

stored!(
    /// The kinds of link between observables.
    LinkKind, "link kind" {
        /// Name → address (A, AAAA).
        ResolvesTo = "resolves_to",
        /// Name → canonical name (CNAME).
        AliasOf = "alias_of",
        /// Name → name server (NS).
        DelegatedTo = "delegated_to",
        /// Name → SOA primary name server.
        SoaPrimary = "soa_primary",
        /// Name → SOA responsible mailbox, as a registrant token.
        SoaMailbox = "soa_mailbox",
        /// Name → mail host (MX).
        MailTo = "mail_to",
        /// Address → prefix that covers it.
        InPrefix = "in_prefix",
        /// Address or prefix → autonomous system that announces it.
        AnnouncedBy = "announced_by",
        /// Domain → registrar that sponsors it.
        SponsoredBy = "sponsored_by",
        /// Domain → registry of its TLD.
        RegisteredAt = "registered_at",
        /// Domain → registrant token.
        RegisteredTo = "registered_to",
        /// Name or address → certificate it served or was issued for.
        Certified = "certified",
        /// Host name → registrable domain.
        BelowDomain = "below_domain",
        /// URL or endpoint → name or address in it.
        HostedOn = "hosted_on",
        /// URL → URL or name it sends visitors to.
        RedirectsTo = "redirects_to",
        /// Dead drop → C2 address that it holds.
        Encodes = "encodes",
        /// File → name, address or URL it talks to.
        CommunicatesWith = "communicates_with",
    }
);

stored!(
    /// What a look-up asked; one observation row per question, server and reading.
    Probe, "probe" {
        /// DNS A.
        A = "dns_a",
        /// DNS AAAA.
        Aaaa = "dns_aaaa",
        /// DNS NS, as a resolver tells it.
        Ns = "dns_ns",
        /// DNS SOA.
        Soa = "dns_soa",
        /// DNS MX.
        Mx = "dns_mx",
        /// DNS TXT.
        Txt = "dns_txt",
        /// DNS CAA.
        Caa = "dns_caa",
        /// The delegation as the parent zone's servers give it.
        Delegation = "dns_delegation",
        /// RDAP, domain class.
        RdapDomain = "rdap_domain",
        /// RDAP, ip network class.
        RdapIp = "rdap_ip",
        /// RDAP, autnum class.
        RdapAutnum = "rdap_autnum",
        /// RDAP, entity class.
        RdapEntity = "rdap_entity",
        /// The loaded address-to-AS table.
        AsnTable = "asn_table",
    }
);

stored!(
    /// What is known of an observable besides its links.
    FactKind, "fact kind" {
        /// On a list of benign or shared things; `list` names it.
        Listed = "listed",
        /// The name mixes scripts.
        MixedScript = "mixed_script",
        /// Under a public suffix of the private section (a customer's name at a platform).
        PrivateSuffix = "private_suffix",
        /// Every name below it answers.
        Wildcard = "wildcard",
        /// Many short-lived addresses over many networks.
        FastFlux = "fast_flux",
        /// Points into a sinkhole; `list` names the operator.
        Sinkholed = "sinkholed",
        /// Points at a parking service; `list` names it.
        Parked = "parked",
        /// Resolvers disagree about it.
        ResolversDisagree = "resolvers_disagree",
        /// A value a publisher gave that has no link of its own; `list` names the field.
        Published = "published",
    }
);

stored!(
    /// What happened to one line or object of an import.
    LineVerdict, "line verdict" {
        /// A new sighting was stored.
        Accepted = "accepted",
        /// It was known already, from this import or an earlier one.
        Duplicate = "duplicate",
        /// It was refused; `reason` says why.
        Rejected = "rejected",
    }
);

stored!(
    /// What an actor may be (reference/style.md §9.3).
    ActorRole, "actor role" {
        /// Works cases.
        Analyst = "analyst",
        /// Works cases and approves.
        Lead = "lead",
        /// A person of an agency who works inside an operation.
        Liaison = "liaison",
        /// A person of a country's or party's desk, who reads what was released to it.
        Partner = "partner",
        /// Runs the system, sees no case content.
        Admin = "admin",
    }
);

stored!(
    /// Who is asked to act.
    Channel, "channel" {
        /// The registrar that sponsors the domain.
        Registrar = "registrar",
        /// The registry of the TLD.
        Registry = "registry",
        /// The hosting provider or network of the address.
        Host = "host",
        /// The CDN or reverse proxy in front.
        Cdn = "cdn",
        /// The operator of the name servers.
        DnsHost = "dns_host",
        /// The platform that hosts an account or page.
        Platform = "platform",
    }
);

stored!(
    /// The legal basis of an act.
    Authority, "authority" {
        /// The provider's own abuse policy (for gTLD registrars, RAA §3.18).
        AbusePolicy = "abuse_policy",
        /// An order of a court.
        CourtOrder = "court_order",
        /// A request of a law-enforcement agency.
        LawEnforcementRequest = "law_enforcement_request",
    }
);

stored!(
    /// What a playbook asks to be known before anybody is asked to act.
    Evidence, "kind of evidence" {
        /// A source said that it saw the target do something.
        Sighting = "sighting",
        /// The registry's RDAP gives the registration date.
        RegistrationDate = "registration_date",
        /// The registry's RDAP names the sponsoring registrar.
        Registrar = "registrar",
        /// We saw the name resolve to an address.
        Resolution = "resolution",
    }
);

stored!(
    /// What a provider is asked to do.
    Ask, "request" {
        /// The registrar sets clientHold: the name leaves the DNS, the registration stays.
        ClientHold = "client_hold",
    }
);

stored!(
    /// Where a second person must say yes.
    Approval, "approval" {
        /// Before a notice is drafted.
        Task = "task",
        /// Before the notice is sent.
        Notice = "notice",
    }
);

stored!(
    /// The state of a task (reference/domain.md §6).
    TaskState, "task state" {
        /// Opened, evidence not complete.
        Draft = "draft",
        /// The evidence that the playbook asks for is there.
        EvidenceReady = "evidence_ready",
        /// Waits for a second person.
        Review = "review",
        /// A second person said yes.
        Approved = "approved",
        /// Stopped by a hold.
        Held = "held",
        /// Its notice waits to go out.
        Queued = "queued",
        /// The recipient's server took the notice.
        Sent = "sent",
        /// Delivery was confirmed.
        Delivered = "delivered",
        /// The notice came back.
        Bounced = "bounced",
        /// The desk said that it has the notice.
        Acked = "acked",
        /// The desk said that it works on it.
        InProgress = "in_progress",
        /// The desk said that it is done.
        MitigatedClaimed = "mitigated_claimed",
        /// We saw that it is down.
        VerifiedDown = "verified_down",
        /// Down and watched for return.
        Monitoring = "monitoring",
        /// Ended.
        Closed = "closed",
        /// It came back.
        ReEmerged = "re_emerged",
        /// The desk said no.
        Refused = "refused",
        /// The desk named another.
        Redirected = "redirected",
        /// Another task did it.
        Superseded = "superseded",
        /// A person withdrew it.
        Cancelled = "cancelled",
        /// It could not be done.
        Failed = "failed",
    }
);

stored!(
    /// The state of a notice (reference/style.md §9.4).
    NoticeState, "notice state" {
        /// Rendered, waits for approval.
        Draft = "draft",
        /// Approved by a second person.
        Approved = "approved",
        /// Its sending is under way.
        Queued = "queued",
        /// The recipient's server took it.
        Sent = "sent",
        /// It could not be sent; the reason is kept.
        Failed = "failed",
        /// Withdrawn before it was sent.
        Withdrawn = "withdrawn",
    }
);

stored!(
    /// What a re-observation says of a target (reference/domain.md §1.3).
    Verdict, "verdict" {
        /// NXDOMAIN and the registrar's hold.
        HeldByRegistrar = "held_by_registrar",
        /// NXDOMAIN and the registry's hold.
        HeldByRegistry = "held_by_registry",
        /// NXDOMAIN, in redemption or pending delete.
        DeletedPending = "deleted_pending",
        /// NXDOMAIN and unknown to the registry.
        Unregistered = "unregistered",
        /// Delegated, but without an address.
        NoAddress = "no_address",
        /// Answers from a known sinkhole.
        Sinkholed = "sinkholed",
        /// Moved to a party named in an order, under registry locks.
        Seized = "seized",
        /// Parked or expired.
        Parked = "parked",
        /// Answers from another network than before.
        Moved = "moved",
        /// Answers a null address; a resolver's filter may do this.
        Nullrouted = "nullrouted",
        /// Answers as before.
        Live = "live",
        /// Nothing can be said: SERVFAIL, time-outs, disagreement. Never "down".
        Inconclusive = "inconclusive",
    }
);

stored!(
    /// What a person decides about a cluster or a membership.
    ClusterRulingKind, "cluster ruling" {
        /// The cluster is one.
        Accepted = "accepted",
        /// The cluster is none.
        Rejected = "rejected",
        /// The observable belongs to the cluster whatever the evidence says.
        Pinned = "pinned",
        /// The observable does not belong to the cluster whatever the evidence says.
        Barred = "barred",
        /// An earlier ruling on the same thing no longer holds.
        Withdrawn = "withdrawn",
    }
);

stored!(
    /// What a person decides about a shared value.
    PivotRuling, "pivot ruling" {
        /// Nothing: the machine weighs it.
        Unruled = "unruled",
        /// It says nothing.
        Excluded = "excluded",
        /// It says much, however many share it.
        Trusted = "trusted",
    }
);

stored!(
    /// What became of a cluster in a run.
    ClusterChangeKind, "cluster change" {
        /// It was found.
        Appeared = "appeared",
        /// It parted from another.
        Split = "split",
        /// Members joined.
        Grew = "grew",
        /// Members departed.
        Shrank = "shrank",
        /// Members joined and departed.
        Shifted = "shifted",
        /// Most of its members went into another.
        Merged = "merged",
        /// It has no members any more.
        Dissolved = "dissolved",
    }
);

stored!(
    /// What kind of organisation a party is.
    PartyKind, "kind of party" {
        /// A unit of a security vendor.
        VendorUnit = "vendor_unit",
        /// A law-enforcement agency.
        LawEnforcement = "law_enforcement",
        /// A computer security incident response team.
        Csirt = "csirt",
        /// A government body that is none of the others.
        Government = "government",
        /// Sponsors names: an ICANN-accredited or national registrar.
        Registrar = "registrar",
        /// Runs a top-level domain.
        Registry = "registry",
        /// Runs servers or networks.
        Host = "host",
        /// Runs accounts, pages or channels of users.
        Platform = "platform",
        /// Stands in front of servers.
        Cdn = "cdn",
        /// Issues certificates.
        CertificateAuthority = "certificate_authority",
    }
);

stored!(
    /// What a source's word about a party is about.
    ClaimField, "field of a party" {
        /// What it is called.
        Name = "name",
        /// Its country, ISO 3166-1 alpha-2.
        Country = "country",
        /// Its accreditation: `accredited`, `terminated`, `reserved`.
        Status = "status",
        /// Its web site.
        Website = "website",
        /// The mailbox of its desk for abuse.
        Email = "email",
        /// The mailbox of a desk that only law enforcement may write to.
        LawEnforcementEmail = "law_enforcement_email",
        /// The form of its desk for abuse, a URL.
        Form = "form",
        /// How its desk takes reports by machine.
        Api = "api",
        /// A telephone number.
        Phone = "phone",
        /// The base of its RDAP service, a URL.
        Rdap = "rdap",
        /// When somebody is there.
        OfficeHours = "office_hours",
        /// The time zone of its hours (IANA name).
        TimeZone = "time_zone",
        /// A day on which nobody is there: `2026-12-25`, or `12-25` for every year.
        Holiday = "holiday",
        /// A language that its desk reads, ISO 639-1.
        Language = "language",
        /// What it answers for: `country:AT`, `AS64496`, `192.0.2.0/24`, `domain:ac.example`.
        Scope = "scope",
        /// How its desk wants to be told: `email`, `form` or `api`.
        Prefers = "prefers",
        /// Whether it tells the registrant who complained: `yes` or `no`.
        NotifiesRegistrant = "notifies_registrant",
        /// The fingerprint of an OpenPGP key, 40 or 64 hex digits.
        PgpKey = "pgp_key",
        /// Anything else that the source says.
        Note = "note",
    }
);

stored!(
    /// How a country belongs to the circle that receives a share.
    Standing, "standing in the circle" {
        /// A member state of the European Union.
        Member = "member",
        /// A candidate for accession.
        Candidate = "candidate",
        /// A member of the European Free Trade Association.
        Efta = "efta",
        /// A partner outside both: the United Kingdom, Monaco, the Holy See, or one that was added here.
        Partner = "partner",
        /// Taken out of the circle here.
        Left = "left",
    }
);
