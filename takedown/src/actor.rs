//! Who acts. Every write, read, probe and exit names its actor; there is no ambient user.

use std::{fmt, sync::Arc};

use entities::{ActorRole, PersonId, Tlp};

use crate::access::Action;

/// Who acts, and by what way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person, or a program with a person's token.
    Person {
        /// The name, as the ledger keeps it: of an account its id.
        name: String,
        /// What the person may be.
        role: ActorRole,
        /// The agency of a liaison, or the party of another person.
        agency: Option<String>,
        /// The account; none for a program's token and for the local operator.
        id: Option<PersonId>,
        /// What the person reads at most, if that is less than the role does.
        clearance: Option<Tlp>,
        /// The only acts that the token is for; all that the role may, if none.
        only: Option<Arc<[Action]>>,
    },
    /// Machine work: the name of the job or reconciler.
    System(&'static str),
    /// Nobody is signed in.
    Nobody,
}

impl Actor {
    /// A person without an agency.
    pub fn person(name: impl Into<String>, role: ActorRole) -> Self {
        Self::Person { name: name.into(), role, agency: None, id: None, clearance: None, only: None }
    }

    /// A liaison of an agency.
    pub fn liaison(name: impl Into<String>, agency: impl Into<String>) -> Self {
        let (name, role, agency) = (name.into(), ActorRole::Liaison, Some(agency.into()));
        Self::Person { name, role, agency, id: None, clearance: None, only: None }
    }

    /// The account that acts.
    pub const fn account(&self) -> Option<PersonId> {
        match self {
            Self::Person { id, .. } => *id,
            Self::System(_) | Self::Nobody => None,
        }
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
