//! Who acts, and who is written to.

use async_graphql::Enum;

use super::mirror;

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
