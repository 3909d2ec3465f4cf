//! What people and runs say of clusters.

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
