//! Who acts. Every write, read, probe and exit names its actor; there is no ambient user.

use std::fmt;

use entities::ActorRole;

/// Who acts, and by what way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person, or a program with a person's token.
    Person {
        /// The name, as the ledger keeps it.
        name: String,
        /// What the person may be.
        role: ActorRole,
        /// The agency of a liaison.
        agency: Option<String>,
    },
    /// Machine work: the name of the job or reconciler.
    System(&'static str),
    /// Nobody is signed in.
    Nobody,
}

impl Actor {
    /// A person without an agency.
    pub fn person(name: impl Into<String>, role: ActorRole) -> Self {
        Self::Person { name: name.into(), role, agency: None }
    }

    /// A liaison of an agency.
    pub fn liaison(name: impl Into<String>, agency: impl Into<String>) -> Self {
        Self::Person { name: name.into(), role: ActorRole::Liaison, agency: Some(agency.into()) }
    }

    /// The role of a person.
    pub const fn role(&self) -> Option<ActorRole> {
        match self {
            Self::Person { role, .. } => Some(*role),
            Self::System(_) | Self::Nobody => None,
        }
    }
}

impl fmt::Display for Actor {
    /// The form that the ledger and the rows keep: `ana`, `system:send-notice`, `nobody`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person { name, .. } => f.write_str(name),
            Self::System(job) => write!(f, "system:{job}"),
            Self::Nobody => f.write_str("nobody"),
        }
    }
}
