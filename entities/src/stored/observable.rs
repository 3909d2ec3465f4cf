//! Observables, what is seen of them, and what relates them.

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
