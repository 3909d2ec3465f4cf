//! Who may read a thing, what may be done with it, and how far it is believed.

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
