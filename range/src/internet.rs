//! The world in motion: what the clock and the registrars have made of it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use time::OffsetDateTime;

use crate::generate;
use crate::scenario::Scenario;
use crate::world::{Domain, World};

/// Tells the time on the range; may run faster than the wall.
pub type Clock = Arc<dyn Fn() -> OffsetDateTime + Send + Sync>;

/// A world, its clock, and what has changed since the start.
pub(crate) struct Internet {
    pub(crate) scenario: Scenario,
    pub(crate) world: World,
    clock: Clock,
    by_name: HashMap<String, usize>,
    suffixes: HashSet<String>,
    changes: RwLock<Changes>,
}

/// What registrars did: held domains, and how often a zone was changed.
#[derive(Default)]
struct Changes {
    held: HashMap<usize, OffsetDateTime>,
    changed_at: HashMap<usize, OffsetDateTime>,
    serial: u32,
}

/// Where a name lies.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    /// At or below a domain that the world has: its index, and the relative name (empty at the domain).
    In { index: usize, below: &'a str },
    /// Under a suffix, in no domain.
    Vacant { suffix: &'a str },
    /// The suffix itself.
    Suffix { suffix: &'a str },
    /// Elsewhere.
    Outside,
}

/// How a domain stands at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Not registered yet.
    Unregistered,
    /// Registered and in the zone.
    Active,
    /// On `client hold` since then, and not in the zone.
    Held(OffsetDateTime),
}

impl Internet {
    pub(crate) fn new(scenario: Scenario, clock: Clock) -> Self {
        let world = generate::generate(&scenario);
        let by_name = world.domains.iter().enumerate().map(|(i, d)| (d.name.clone(), i)).collect();
        let suffixes = scenario.suffixes.iter().cloned().collect();
        Self { scenario, world, clock, by_name, suffixes, changes: RwLock::default() }
    }

    /// The time on the range.
    pub(crate) fn now(&self) -> OffsetDateTime {
        (self.clock)()
    }

    /// The domain with this index.
    pub(crate) fn domain(&self, index: usize) -> &Domain {
        &self.world.domains[index]
    }

    /// Index of the domain with exactly this name (lower case, no trailing dot).
    pub(crate) fn index_of(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Where a name (lower case, no trailing dot) lies.
    pub(crate) fn place<'a>(&self, name: &'a str) -> Place<'a> {
        let mut from = 0;
        loop {
            let tail = &name[from..];
            if let Some(index) = self.index_of(tail) {
                return Place::In { index, below: name[..from].trim_end_matches('.') };
            }
            if self.suffixes.contains(tail) {
                return if from == 0 {
                    Place::Suffix { suffix: tail }
                } else {
                    Place::Vacant { suffix: tail }
                };
            }
            match tail.find('.') {
                Some(dot) => from += dot + 1,
                None => return Place::Outside,
            }
        }
    }

    /// How the domain stands now.
    pub(crate) fn standing(&self, index: usize) -> Standing {
        let now = self.now();
        if self.domain(index).created_at > now {
            return Standing::Unregistered;
        }
        match self.read().held.get(&index) {
            Some(since) if *since <= now => Standing::Held(*since),
            Some(_) | None => Standing::Active,
        }
    }

    /// When the domain's registration was last changed.
    pub(crate) fn changed_at(&self, index: usize) -> OffsetDateTime {
        self.read().changed_at.get(&index).copied().unwrap_or(self.domain(index).created_at)
    }

    /// Serial number of the zones: grows with every change.
    pub(crate) fn serial(&self) -> u32 {
        self.read().serial
    }

    /// Puts a domain on hold. False when it was held before.
    pub(crate) fn hold(&self, index: usize, since: OffsetDateTime) -> bool {
        let mut changes = self.changes.write().unwrap_or_else(PoisonError::into_inner);
        let fresh = !changes.held.contains_key(&index);
        if fresh {
            changes.held.insert(index, since);
            changes.changed_at.insert(index, since);
            changes.serial += 1;
        }
        fresh
    }

    /// Lifts the hold of a domain. False when there was none.
    pub(crate) fn release(&self, index: usize) -> bool {
        let now = self.now();
        let mut changes = self.changes.write().unwrap_or_else(PoisonError::into_inner);
        let held = changes.held.remove(&index).is_some();
        if held {
            changes.changed_at.insert(index, now);
            changes.serial += 1;
        }
        held
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Changes> {
        self.changes.read().unwrap_or_else(PoisonError::into_inner)
    }
}
