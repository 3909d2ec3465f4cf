//! People, parties and the circle.

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
