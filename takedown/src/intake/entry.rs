//! What a parser hands to the store: one entry per line or object of the input, in order.

use entities::{FactKind, GradingScale, LinkKind, ObservableKind, Pap, Role, Timestamp, Tlp};

/// An observable as an input names it, already canonical.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Named {
    /// What kind of thing.
    pub kind: ObservableKind,
    /// The canonical form, as `observable.value` holds it.
    pub value: String,
    /// The Unicode form of an internationalised name, where it differs.
    pub display: Option<String>,
    /// The registrable domain, for names, URLs and endpoints on names.
    pub registrable: Option<String>,
}

/// What the input says of a sighting; what it leaves out the import's options fill in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// The malware family, in the input's own spelling.
    pub family: Option<String>,
    /// What the thing did.
    pub role: Option<Role>,
    /// When it was seen.
    pub seen_at: Option<Timestamp>,
    /// The end of its validity window.
    pub valid_until: Option<Timestamp>,
    /// 0–100.
    pub confidence: Option<i16>,
    /// Scale and value: (`Admiralty`, `B2`).
    pub grading: Option<(GradingScale, String)>,
    /// Its marking.
    pub tlp: Option<Tlp>,
    /// What may be done with it.
    pub pap: Option<Pap>,
}

/// A dated relation that the input states between two things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    /// Where it starts.
    pub from: Named,
    /// What it is.
    pub kind: LinkKind,
    /// Where it ends.
    pub to: Named,
    /// First and last time it held, where the input says; else the import's time.
    pub seen: Option<(Timestamp, Timestamp)>,
    /// How often it was seen; 1 where the input does not say.
    pub count: i64,
}

/// Something the input states of a thing that is no link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    /// Of what.
    pub of: Named,
    /// What kind of fact.
    pub kind: FactKind,
    /// The field or list it is from.
    pub list: String,
    /// Its value.
    pub detail: String,
}

/// What one line or object says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The indicators, each with what is claimed of it. A line with links alone may have none.
    pub sightings: Vec<(Named, Claim)>,
    /// The relations it states. Their ends are stored as observables even when nothing was sighted.
    pub links: Vec<Linked>,
    /// The other facts it states.
    pub facts: Vec<Stated>,
}

/// One line or object of the input with what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The line number, or the object's place in its bundle, from 1.
    pub number: u64,
    /// The line or a short description of the object, cut to [`Entry::TEXT_MAX`] characters.
    pub text: String,
    /// What it says, or why it was refused: a lower-case phrase a person can act on.
    pub parsed: Result<Parsed, String>,
}

impl Entry {
    /// How much of a line is kept to show it, in characters.
    pub const TEXT_MAX: usize = 200;
}
