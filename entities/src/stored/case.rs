//! Who is asked to do what, and where that stands.

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
