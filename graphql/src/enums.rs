//! The closed lists of the field, as GraphQL enums that mirror the stored ones.

use async_graphql::Enum;

/// Mirrors a stored enum: the same members in the same order, each way without loss.
macro_rules! mirror {
    ($(#[$doc:meta])* $from:ident :: $name:ident { $($(#[$vdoc:meta])* $variant:ident,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl From<$from::$name> for $name {
            fn from(stored: $from::$name) -> Self {
                match stored { $($from::$name::$variant => Self::$variant,)+ }
            }
        }

        impl From<$name> for $from::$name {
            fn from(given: $name) -> Self {
                match given { $($name::$variant => Self::$variant,)+ }
            }
        }
    };
}

pub(crate) use mirror;

mirror!(
    /// What kind of thing on the internet an observable is.
    entities::ObservableKind {
        /// A registrable domain name (one label under a public suffix), as an A-label.
        DomainName,
        /// A name below a registrable domain, or a public suffix itself, as an A-label.
        HostName,
        /// An IPv4 address.
        #[graphql(name = "IPV4_ADDRESS")]
        Ipv4Address,
        /// An IPv6 address in RFC 5952 text.
        #[graphql(name = "IPV6_ADDRESS")]
        Ipv6Address,
        /// An address and a port: `192.0.2.1:443`, `[2001:db8::1]:443`.
        Endpoint,
        /// A URL with scheme and host.
        Url,
        /// An autonomous system: `AS64496`.
        AutonomousSystem,
        /// An address prefix in CIDR notation with host bits zero.
        Prefix,
        /// A certificate by the SHA-256 or SHA-1 of its DER form, lower-case hex.
        Certificate,
        /// A registrar: `iana:146`, or `name:…` where the id is unknown.
        Registrar,
        /// A registry by its TLD: `com`.
        Registry,
        /// A name server: a host name in that role.
        NameServer,
        /// A mail host: a host name in that role (MX).
        MailHost,
        /// A registrant's token (mail address, name, organisation or phone) as published.
        RegistrantToken,
        /// An account on a platform: `steam:7656…`, `telegram:name`.
        Account,
        /// A file by its hash: `sha256:…`, `sha1:…`, `md5:…`.
        FileHash,
        /// A wallet or contract address: `eth:0x…`, `btc:…`.
        Wallet,
    }
);

mirror!(
    /// Where an observable stands on the road; decides how often it is looked at again.
    entities::ObservableState {
        /// Never looked at.
        Fresh,
        /// Answering.
        Active,
        /// Not in the DNS, or without an address.
        Dark,
        /// Sinkholed or seized by an authority.
        Seized,
    }
);

mirror!(
    /// What the thing did in the malware's infrastructure.
    entities::Role {
        /// Command and control.
        C2,
        /// The operators' or affiliates' panel.
        Panel,
        /// Serves a payload or loader.
        Payload,
        /// Holds the address of the C2 (a dead drop resolver).
        DeadDrop,
        /// Receives stolen data.
        Exfil,
        /// A landing or lure page.
        Landing,
        /// Sends victims on.
        Redirect,
        /// Not told by the source.
        Unknown,
    }
);

mirror!(
    /// Traffic Light Protocol 2.0 (FIRST), least to most restrictive.
    entities::Tlp {
        /// No limit.
        Clear,
        /// The community, no public channel.
        Green,
        /// The recipient's organisation and its clients.
        Amber,
        /// The recipient's organisation only.
        AmberStrict,
        /// Named persons only.
        Red,
    }
);

mirror!(
    /// Europol's handling codes, each more restrictive than the one before.
    entities::Handling {
        /// For preventing and combating crime, as the Europol Regulation says.
        #[graphql(name = "H0")]
        H0,
        /// Not to be disclosed in judicial proceedings without the provider's permission.
        #[graphql(name = "H1")]
        H1,
        /// Not to be disseminated without the provider's permission.
        #[graphql(name = "H2")]
        H2,
        /// Other restrictions, which the provider says.
        #[graphql(name = "H3")]
        H3,
    }
);

mirror!(
    /// Permissible Actions Protocol, least to most restrictive.
    entities::Pap {
        /// No limit.
        Clear,
        /// Active, non-destructive acts allowed: asking the actor's servers, notices.
        Green,
        /// Passive look-ups at third parties only.
        Amber,
        /// Only what the actor cannot see.
        Red,
    }
);

mirror!(
    /// Which of the two grading scales a grading is on; they do not convert (domain.md §7.3).
    entities::GradingScale {
        /// Admiralty (NATO): source A–F, information 1–6.
        Admiralty,
        /// Europol 4×4: source A, B, C, X, information 1–4.
        Europol,
    }
);

mirror!(
    /// The kinds of link between observables.
    entities::LinkKind {
        /// Name → address (A, AAAA).
        ResolvesTo,
        /// Name → canonical name (CNAME).
        AliasOf,
        /// Name → name server (NS).
        DelegatedTo,
        /// Name → SOA primary name server.
        SoaPrimary,
        /// Name → SOA responsible mailbox, as a registrant token.
        SoaMailbox,
        /// Name → mail host (MX).
        MailTo,
        /// Address → prefix that covers it.
        InPrefix,
        /// Address or prefix → autonomous system that announces it.
        AnnouncedBy,
        /// Domain → registrar that sponsors it.
        SponsoredBy,
        /// Domain → registry of its TLD.
        RegisteredAt,
        /// Domain → registrant token.
        RegisteredTo,
        /// Name or address → certificate it served or was issued for.
        Certified,
        /// Host name → registrable domain.
        BelowDomain,
        /// URL or endpoint → name or address in it.
        HostedOn,
        /// URL → URL or name it sends visitors to.
        RedirectsTo,
        /// Dead drop → C2 address that it holds.
        Encodes,
        /// File → name, address or URL it talks to.
        CommunicatesWith,
    }
);

mirror!(
    /// What a look-up asked; one observation row per question, server and reading.
    entities::Probe {
        /// DNS A.
        A,
        /// DNS AAAA.
        Aaaa,
        /// DNS NS, as a resolver tells it.
        Ns,
        /// DNS SOA.
        Soa,
        /// DNS MX.
        Mx,
        /// DNS TXT.
        Txt,
        /// DNS CAA.
        Caa,
        /// The delegation as the parent zone's servers give it.
        Delegation,
        /// RDAP, domain class.
        RdapDomain,
        /// RDAP, ip network class.
        RdapIp,
        /// RDAP, autnum class.
        RdapAutnum,
        /// RDAP, entity class.
        RdapEntity,
        /// The loaded address-to-AS table.
        AsnTable,
    }
);

mirror!(
    /// What is known of an observable besides its links.
    entities::FactKind {
        /// On a list of benign or shared things; `list` names it.
        Listed,
        /// The name mixes scripts.
        MixedScript,
        /// Under a public suffix of the private section (a customer's name at a platform).
        PrivateSuffix,
        /// Every name below it answers.
        Wildcard,
        /// Many short-lived addresses over many networks.
        FastFlux,
        /// Points into a sinkhole; `list` names the operator.
        Sinkholed,
        /// Points at a parking service; `list` names it.
        Parked,
        /// Resolvers disagree about it.
        ResolversDisagree,
        /// A value a publisher gave that has no link of its own; `list` names the field.
        Published,
    }
);

mirror!(
    /// What happened to one line or object of an import.
    entities::LineVerdict {
        /// A new sighting was stored.
        Accepted,
        /// It was known already, from this import or an earlier one.
        Duplicate,
        /// It was refused; `reason` says why.
        Rejected,
    }
);

mirror!(
    /// Who is asked to act.
    entities::Channel {
        /// The registrar that sponsors the domain.
        Registrar,
        /// The registry of the TLD.
        Registry,
        /// The hosting provider or network of the address.
        Host,
        /// The CDN or reverse proxy in front.
        Cdn,
        /// The operator of the name servers.
        DnsHost,
        /// The platform that hosts an account or page.
        Platform,
    }
);

mirror!(
    /// The legal basis of an act.
    entities::Authority {
        /// The provider's own abuse policy (for gTLD registrars, RAA §3.18).
        AbusePolicy,
        /// An order of a court.
        CourtOrder,
        /// A request of a law-enforcement agency.
        LawEnforcementRequest,
    }
);

mirror!(
    /// The state of a task (reference/domain.md §6).
    entities::TaskState {
        /// Opened, evidence not complete.
        Draft,
        /// The evidence that the playbook asks for is there.
        EvidenceReady,
        /// Waits for a second person.
        Review,
        /// A second person said yes.
        Approved,
        /// Stopped by a hold.
        Held,
        /// Its notice waits to go out.
        Queued,
        /// The recipient's server took the notice.
        Sent,
        /// Delivery was confirmed.
        Delivered,
        /// The notice came back.
        Bounced,
        /// The desk said that it has the notice.
        Acked,
        /// The desk said that it works on it.
        InProgress,
        /// The desk said that it is done.
        MitigatedClaimed,
        /// We saw that it is down.
        VerifiedDown,
        /// Down and watched for return.
        Monitoring,
        /// Ended.
        Closed,
        /// It came back.
        ReEmerged,
        /// The desk said no.
        Refused,
        /// The desk named another.
        Redirected,
        /// Another task did it.
        Superseded,
        /// A person withdrew it.
        Cancelled,
        /// It could not be done.
        Failed,
    }
);

mirror!(
    /// The state of a notice (reference/style.md §9.4).
    entities::NoticeState {
        /// Rendered, waits for approval.
        Draft,
        /// Approved by a second person.
        Approved,
        /// Its sending is under way.
        Queued,
        /// The recipient's server took it.
        Sent,
        /// It could not be sent; the reason is kept.
        Failed,
        /// Withdrawn before it was sent.
        Withdrawn,
    }
);

mirror!(
    /// What a re-observation says of a target (reference/domain.md §1.3).
    entities::Verdict {
        /// NXDOMAIN and the registrar's hold.
        HeldByRegistrar,
        /// NXDOMAIN and the registry's hold.
        HeldByRegistry,
        /// NXDOMAIN, in redemption or pending delete.
        DeletedPending,
        /// NXDOMAIN and unknown to the registry.
        Unregistered,
        /// Delegated, but without an address.
        NoAddress,
        /// Answers from a known sinkhole.
        Sinkholed,
        /// Moved to a party named in an order, under registry locks.
        Seized,
        /// Parked or expired.
        Parked,
        /// Answers from another network than before.
        Moved,
        /// Answers a null address; a resolver's filter may do this.
        Nullrouted,
        /// Answers as before.
        Live,
        /// Nothing can be said: SERVFAIL, time-outs, disagreement. Never "down".
        Inconclusive,
    }
);

mirror!(
    /// What a person may be.
    entities::ActorRole {
        /// Looks into cases and prepares what is done.
        Analyst,
        /// An analyst who also approves what others prepared.
        Lead,
        /// A person of an agency, who approves and reads up to TLP:AMBER+STRICT.
        Liaison,
        /// A person of a country's or party's desk, who reads what was released to it.
        Partner,
        /// Runs the system and sees no case content.
        Admin,
    }
);

mirror!(
    /// What a person decides about a cluster or a membership.
    entities::ClusterRulingKind {
        /// The cluster is one.
        Accepted,
        /// The cluster is none.
        Rejected,
        /// The observable belongs to the cluster whatever the evidence says.
        Pinned,
        /// The observable does not belong to the cluster whatever the evidence says.
        Barred,
        /// An earlier ruling on the same thing no longer holds.
        Withdrawn,
    }
);

mirror!(
    /// What a person decides about a shared value.
    entities::PivotRuling {
        /// Nothing: the machine weighs it.
        Unruled,
        /// It says nothing.
        Excluded,
        /// It says much, however many share it.
        Trusted,
    }
);

mirror!(
    /// What became of a cluster in a run.
    entities::ClusterChangeKind {
        /// It was found.
        Appeared,
        /// It parted from another.
        Split,
        /// Members joined.
        Grew,
        /// Members departed.
        Shrank,
        /// Members joined and departed.
        Shifted,
        /// Most of its members went into another.
        Merged,
        /// It has no members any more.
        Dissolved,
    }
);

mirror!(
    /// What kind of organisation a party is.
    entities::PartyKind {
        /// A unit of a security vendor.
        VendorUnit,
        /// A law-enforcement agency.
        LawEnforcement,
        /// A computer security incident response team.
        Csirt,
        /// A government body that is none of the others.
        Government,
        /// Sponsors names: an ICANN-accredited or national registrar.
        Registrar,
        /// Runs a top-level domain.
        Registry,
        /// Runs servers or networks.
        Host,
        /// Runs accounts, pages or channels of users.
        Platform,
        /// Stands in front of servers.
        Cdn,
        /// Issues certificates.
        CertificateAuthority,
    }
);

mirror!(
    /// What a source's word about a party is about.
    entities::ClaimField {
        /// What it is called.
        Name,
        /// Its country, ISO 3166-1 alpha-2.
        Country,
        /// Its accreditation: `accredited`, `terminated`, `reserved`.
        Status,
        /// Its web site.
        Website,
        /// The mailbox of its desk for abuse.
        Email,
        /// The mailbox of a desk that only law enforcement may write to.
        LawEnforcementEmail,
        /// The form of its desk for abuse, a URL.
        Form,
        /// How its desk takes reports by machine.
        Api,
        /// A telephone number.
        Phone,
        /// The base of its RDAP service, a URL.
        Rdap,
        /// When somebody is there.
        OfficeHours,
        /// The time zone of its hours (IANA name).
        TimeZone,
        /// A day on which nobody is there: `2026-12-25`, or `12-25` for every year.
        Holiday,
        /// A language that its desk reads, ISO 639-1.
        Language,
        /// What it answers for: `country:AT`, `AS64496`, `192.0.2.0/24`, `domain:ac.example`.
        Scope,
        /// How its desk wants to be told: `email`, `form` or `api`.
        Prefers,
        /// Whether it tells the registrant who complained: `yes` or `no`.
        NotifiesRegistrant,
        /// The fingerprint of an OpenPGP key, 40 or 64 hex digits.
        PgpKey,
        /// Anything else that the source says.
        Note,
    }
);

mirror!(
    /// How a country belongs to the circle that receives a share.
    entities::Standing {
        /// A member state of the European Union.
        Member,
        /// A candidate for accession.
        Candidate,
        /// A member of the European Free Trade Association.
        Efta,
        /// A partner outside both: the United Kingdom, Monaco, the Holy See, or one that was added here.
        Partner,
        /// Taken out of the circle here.
        Left,
    }
);
