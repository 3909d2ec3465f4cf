//! What is seen, looked up and learned of observables.

use async_graphql::Enum;

use super::mirror;

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
