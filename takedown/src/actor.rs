//! Who acts. Every write, read, probe and exit names its actor; there is no ambient user.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use entities::{ActorRole, OperationId, PersonId, Tlp};

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
        /// Of which operations it knows.
        knows: Knows,
        /// Whose things it was shown.
        trail: Trail,
    },
    /// Machine work: the name of the job or reconciler.
    System(&'static str),
    /// Machine work on the things of one operation, or on those of none, as if there were no others.
    Confined(&'static str, Option<OperationId>),
    /// Nobody is signed in.
    Nobody,
}

/// Of which operations a person knows, besides those that everybody who reads cases knows of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Knows {
    /// Those that it, or its party, is a member of.
    #[default]
    Its,
    /// Of those only these, and of nothing else: a token for some operations.
    Only(Arc<[OperationId]>),
    /// All: the local operator, who can open the database.
    All,
}

/// The operations whose things were shown in one request. It is no part of who acts.
#[derive(Clone, Debug, Default)]
pub struct Trail(Arc<Mutex<BTreeSet<OperationId>>>);

impl PartialEq for Trail {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Trail {}

impl Actor {
    /// A person without an agency.
    pub fn person(name: impl Into<String>, role: ActorRole) -> Self {
        let (knows, trail) = (Knows::Its, Trail::default());
        Self::Person {
            name: name.into(),
            role,
            agency: None,
            id: None,
            clearance: None,
            only: None,
            knows,
            trail,
        }
    }

    /// A liaison of an agency.
    pub fn liaison(name: impl Into<String>, agency: impl Into<String>) -> Self {
        Self::person(name, ActorRole::Liaison).of(agency)
    }

    /// Who can open the database, in this role.
    pub fn operator(name: impl Into<String>, role: ActorRole) -> Self {
        match Self::person(name, role) {
            Self::Person { name, role, agency, id, clearance, only, trail, .. } => {
                Self::Person { name, role, agency, id, clearance, only, knows: Knows::All, trail }
            }
            other => other,
        }
    }

    /// The same person, of that agency or party.
    #[must_use]
    pub fn of(mut self, party: impl Into<String>) -> Self {
        if let Self::Person { agency, .. } = &mut self {
            *agency = Some(party.into());
        }
        self
    }

    /// The same, to whom nothing was shown yet: for a request.
    #[must_use]
    pub fn afresh(mut self) -> Self {
        if let Self::Person { trail, .. } = &mut self {
            *trail = Trail::default();
        }
        self
    }

    /// The account that acts.
    pub const fn account(&self) -> Option<PersonId> {
        match self {
            Self::Person { id, .. } => *id,
            Self::System(_) | Self::Confined(..) | Self::Nobody => None,
        }
    }

    /// The role of a person.
    pub const fn role(&self) -> Option<ActorRole> {
        match self {
            Self::Person { role, .. } => Some(*role),
            Self::System(_) | Self::Confined(..) | Self::Nobody => None,
        }
    }

    /// Notes that things of these operations are shown to the actor.
    pub(crate) fn shown(&self, of: impl IntoIterator<Item = Option<OperationId>>) {
        if let Self::Person { trail, .. } = self {
            trail.0.lock().unwrap_or_else(PoisonError::into_inner).extend(of.into_iter().flatten());
        }
    }

    /// The operations whose things were shown since this was asked last.
    pub(crate) fn take_shown(&self) -> BTreeSet<OperationId> {
        match self {
            Self::Person { trail, .. } => {
                std::mem::take(&mut *trail.0.lock().unwrap_or_else(PoisonError::into_inner))
            }
            Self::System(_) | Self::Confined(..) | Self::Nobody => BTreeSet::new(),
        }
    }
}

impl fmt::Display for Actor {
    /// The form that the ledger and the rows keep: `ana`, `system:send-notice`, `nobody`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person { name, .. } => f.write_str(name),
            Self::System(job) | Self::Confined(job, _) => write!(f, "system:{job}"),
            Self::Nobody => f.write_str("nobody"),
        }
    }
}
