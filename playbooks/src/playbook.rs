//! A playbook as it stands in its file.

use entities::{
    Approval, Ask, Authority, Channel, Evidence, FactKind, ObservableKind, ObservableState, Role,
};
use serde::Deserialize;

use crate::Span;

/// What to do about one kind of target through one channel under one authority.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Playbook {
    /// Its name: lower-case words joined by hyphens, the file's name.
    pub name: String,
    /// Counts changes of what it does; tasks name the version they were opened under.
    pub version: u16,
    /// What it does, in one line.
    pub title: String,
    /// Who is asked.
    pub channel: Channel,
    /// On what basis.
    pub authority: Authority,
    /// What is asked for.
    pub ask: Ask,
    /// What it is for.
    pub target: Target,
    /// Facts that stop it unless a person gives a reason.
    pub guard: Vec<FactKind>,
    /// Facts that stop it whatever the reason.
    pub stop: Vec<FactKind>,
    /// What must be known before anybody is asked.
    pub evidence: Vec<Evidence>,
    /// Where a second person must say yes.
    pub approvals: Vec<Approval>,
    /// When a target counts as down.
    pub verification: Verification,
    /// When to remind, counted from the notice; rising.
    pub reminders: Vec<Span>,
}

/// What a playbook is for.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Kinds of observable.
    pub kinds: Vec<ObservableKind>,
    /// States of observable.
    pub states: Vec<ObservableState>,
    /// What it was seen doing; one of these is enough.
    pub roles: Vec<Role>,
    /// The longest time from registration to the first sighting at which it still counts as registered for
    /// the purpose.
    pub max_age_at_first_sighting: Span,
}

/// When a target counts as down: `agreeing` of the last `rounds` looks say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// How many looks count, 1–10.
    pub rounds: u8,
    /// How many of them must agree: more than half.
    pub agreeing: u8,
    /// How long after the notice the first look comes.
    pub first_check: Span,
    /// The time between looks while it is not down.
    pub every: Span,
}

impl Playbook {
    /// Name and version, as tasks keep it: `registrar-suspension@1`.
    pub fn reference(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }
}
