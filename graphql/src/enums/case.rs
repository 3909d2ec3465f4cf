//! What is decided about clusters and done about targets.

use async_graphql::Enum;

use super::mirror;

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
