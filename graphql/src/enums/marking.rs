//! Who may read what, what may be done with it, and how good it is.

use async_graphql::Enum;

use super::mirror;

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
