//! The planner: what a playbook makes of one target. Pure; everything it needs is in [`Facts`].

use std::fmt;

use entities::{
    Ask, Authority, Channel, Evidence, FactKind, ObservableKind, ObservableState, Role, Timestamp,
};

use crate::Playbook;

/// What is known of one target.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// Its canonical value.
    pub target: String,
    /// What kind of thing.
    pub kind: ObservableKind,
    /// Where it stands.
    pub state: ObservableState,
    /// What sources say that it did.
    pub roles: Vec<Role>,
    /// The earliest sighting.
    pub first_seen: Option<Timestamp>,
    /// The latest sighting.
    pub last_seen: Option<Timestamp>,
    /// When it was registered, by RDAP.
    pub registered_at: Option<Timestamp>,
    /// The sponsoring registrar, by RDAP: `iana:146` or `name:…`.
    pub registrar: Option<String>,
    /// When an address was last seen for it.
    pub resolved_at: Option<Timestamp>,
    /// The facts that may stop a plan.
    pub listings: Vec<Listing>,
}

/// One fact of a target that may stop a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// What kind of fact.
    pub kind: FactKind,
    /// The list or operator that says so; empty for our own findings.
    pub list: String,
}

/// Which rule refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Check {
    /// The playbook is for another kind of thing.
    Kind,
    /// The target is not in a state that it is for.
    State,
    /// It was seen doing something else.
    Role,
    /// A fact that ends it.
    Stop,
    /// Something that the playbook asks for is not known.
    Evidence,
    /// A fact that asks for a person's reason.
    Guard,
    /// It was registered long before it was first seen: perhaps a compromised site.
    Age,
    /// It was registered after it was last seen: perhaps somebody else's now.
    Reregistered,
}

impl Check {
    /// Whether a person's reason lifts the refusal.
    pub const fn yields_to_a_reason(self) -> bool {
        match self {
            Self::Guard | Self::Age | Self::Reregistered => true,
            Self::Kind | Self::State | Self::Role | Self::Stop | Self::Evidence => false,
        }
    }
}

/// Why nothing is planned, or what a person's reason overrode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which rule.
    pub check: Check,
    /// Why, for a person.
    pub reason: String,
}

/// A task to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Who is asked.
    pub channel: Channel,
    /// On what basis.
    pub authority: Authority,
    /// What is asked for.
    pub ask: Ask,
    /// Why it counts as registered for the purpose, for the notice.
    pub malicious_because: Vec<String>,
    /// The person's reason, when it overrode refusals.
    pub override_reason: Option<String>,
    /// The refusals that the reason overrode; a plan on a listed thing always says so.
    pub overridden: Vec<Refusal>,
}

/// What a playbook makes of one target: a task, or refusals that each say why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The playbook and its version.
    pub playbook: String,
    /// The target's canonical value.
    pub target: String,
    /// The task, unless something refused.
    pub task: Option<Planned>,
    /// What refused; empty when there is a task.
    pub refusals: Vec<Refusal>,
}

/// Plans `playbook` for the target of `facts`. `reason` is a person's explicit reason to act on a guarded
/// thing; without one, what stands on a benign list is never planned.
pub fn plan(playbook: &Playbook, facts: &Facts, reason: Option<&str>) -> Plan {
    let reason = reason.map(str::trim).filter(|text| !text.is_empty());
    let (liftable, final_ones): (Vec<Refusal>, Vec<Refusal>) =
        refusals(playbook, facts).into_iter().partition(|refusal| refusal.check.yields_to_a_reason());
    let planned = Plan {
        playbook: playbook.reference(),
        target: facts.target.clone(),
        task: None,
        refusals: Vec::new(),
    };
    if !final_ones.is_empty() || (reason.is_none() && !liftable.is_empty()) {
        return Plan { refusals: final_ones.into_iter().chain(liftable).collect(), ..planned };
    }
    let task = Planned {
        channel: playbook.channel,
        authority: playbook.authority,
        ask: playbook.ask,
        malicious_because: malicious_because(playbook, facts),
        override_reason: if liftable.is_empty() { None } else { reason.map(str::to_owned) },
        overridden: liftable,
    };
    Plan { task: Some(task), ..planned }
}

/// Everything that speaks against acting on the target.
fn refusals(playbook: &Playbook, facts: &Facts) -> Vec<Refusal> {
    let mut found = Vec::new();
    let mut refuse = |check, reason: String| found.push(Refusal { check, reason });
    let target = &playbook.target;
    if !target.kinds.contains(&facts.kind) {
        refuse(
            Check::Kind,
            format!("its kind is {}, the playbook is for {}", facts.kind, words(&target.kinds)),
        );
    }
    if !target.states.contains(&facts.state) {
        refuse(Check::State, format!("it is {}, the playbook is for {}", facts.state, words(&target.states)));
    }
    if !facts.roles.is_empty() && !facts.roles.iter().any(|role| target.roles.contains(role)) {
        refuse(Check::Role, format!("it was seen as {} only", words(&facts.roles)));
    }
    for listing in &facts.listings {
        if playbook.stop.contains(&listing.kind) {
            refuse(Check::Stop, format!("it is {}: somebody has acted already", described(listing)));
        } else if playbook.guard.contains(&listing.kind) {
            refuse(Check::Guard, format!("it is {}: acting needs a person's reason", described(listing)));
        }
    }
    for evidence in &playbook.evidence {
        let (known, missing) = match evidence {
            Evidence::Sighting => (facts.first_seen.is_some(), "no source saw it"),
            Evidence::RegistrationDate => (facts.registered_at.is_some(), "no registration date is known"),
            Evidence::Registrar => (facts.registrar.is_some(), "its registrar is not known"),
            Evidence::Resolution => (facts.resolved_at.is_some(), "no address was seen for it"),
        };
        if !known {
            refuse(Check::Evidence, format!("{missing}: observe it first"));
        }
    }
    if let (Some(registered), Some(first), Some(last)) =
        (facts.registered_at, facts.first_seen, facts.last_seen)
    {
        let (age, longest) = (first.since(registered), target.max_age_at_first_sighting);
        if last < registered {
            refuse(
                Check::Reregistered,
                format!(
                    "it was registered on {}, after its last sighting: it may be another's",
                    day(registered)
                ),
            );
        } else if age > longest.0 {
            let days = age.as_secs() / 86_400;
            refuse(
                Check::Age,
                format!(
                    "it was {days} days old when first seen (limit {longest}): perhaps a compromised site"
                ),
            );
        }
    }
    found
}

/// Why the target counts as registered for the purpose, in words a desk can check.
fn malicious_because(playbook: &Playbook, facts: &Facts) -> Vec<String> {
    let mut because = Vec::new();
    if let (Some(registered), Some(first)) = (facts.registered_at, facts.first_seen) {
        let age = first.since(registered);
        if first >= registered && age <= playbook.target.max_age_at_first_sighting.0 {
            because.push(format!("first seen in use {} after its registration", rounded(age.as_secs())));
        }
    }
    if !facts.listings.iter().any(|listing| listing.kind == FactKind::Listed) {
        because.push("on no list of popular or shared names".into());
    }
    because
}

/// A span in the largest unit that is not zero, rounded down.
fn rounded(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..3_600 => return "within the hour".into(),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

fn day(at: Timestamp) -> String {
    at.datetime().date().to_string()
}

fn described(listing: &Listing) -> String {
    let what = match listing.kind {
        FactKind::Listed => "on the list",
        FactKind::PrivateSuffix => "a customer's name at a platform",
        FactKind::Sinkholed => "in the sinkhole of",
        FactKind::Parked => "parked at",
        FactKind::Wildcard => "a name below which everything answers",
        FactKind::FastFlux => "fast flux",
        FactKind::MixedScript => "of mixed scripts",
        FactKind::ResolversDisagree => "seen differently by resolvers",
        FactKind::Published => "described by a publisher",
    };
    if listing.list.is_empty() { what.to_owned() } else { format!("{what} `{}`", listing.list) }
}

fn words<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Plan {
    /// The plan as a person reviews it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.task {
            Some(task) => {
                writeln!(
                    f,
                    "{}: {} asks {} for {} ({})",
                    self.target, self.playbook, task.channel, task.ask, task.authority
                )?;
                for because in &task.malicious_because {
                    writeln!(f, "  because: {because}")?;
                }
                for refusal in &task.overridden {
                    writeln!(f, "  although: {}", refusal.reason)?;
                }
                if let Some(reason) = &task.override_reason {
                    writeln!(f, "  reason given: {reason}")?;
                }
            }
            None => writeln!(f, "{}: {} does nothing", self.target, self.playbook)?,
        }
        for refusal in &self.refusals {
            writeln!(f, "  refused: {}", refusal.reason)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000_000;

    fn book() -> Playbook {
        crate::library().expect("a good library").remove(0)
    }

    fn at(day: i64) -> Timestamp {
        Timestamp(1_740_000_000_000_000 + day * DAY)
    }

    fn fresh_c2() -> Facts {
        Facts {
            target: "bad-name.example".into(),
            kind: ObservableKind::DomainName,
            state: ObservableState::Active,
            roles: vec![Role::C2],
            first_seen: Some(at(3)),
            last_seen: Some(at(9)),
            registered_at: Some(at(1)),
            registrar: Some("iana:64496".into()),
            resolved_at: Some(at(9)),
            listings: vec![],
        }
    }

    fn listed(kind: FactKind, list: &str) -> Vec<Listing> {
        vec![Listing { kind, list: list.into() }]
    }

    #[test]
    fn each_rule_refuses_what_it_is_for() {
        let cases: Vec<(&str, Facts, Vec<Check>)> = vec![
            ("a fresh C2", fresh_c2(), vec![]),
            ("a host", Facts { kind: ObservableKind::HostName, ..fresh_c2() }, vec![Check::Kind]),
            ("dark", Facts { state: ObservableState::Dark, ..fresh_c2() }, vec![Check::State]),
            ("seized", Facts { state: ObservableState::Seized, ..fresh_c2() }, vec![Check::State]),
            ("never seen", Facts { first_seen: None, ..fresh_c2() }, vec![Check::Evidence]),
            ("no registrar", Facts { registrar: None, ..fresh_c2() }, vec![Check::Evidence]),
            ("no date", Facts { registered_at: None, ..fresh_c2() }, vec![Check::Evidence]),
            ("no address", Facts { resolved_at: None, ..fresh_c2() }, vec![Check::Evidence]),
            (
                "popular",
                Facts { listings: listed(FactKind::Listed, "tranco"), ..fresh_c2() },
                vec![Check::Guard],
            ),
            (
                "sinkholed",
                Facts { listings: listed(FactKind::Sinkholed, "an operator"), ..fresh_c2() },
                vec![Check::Stop],
            ),
            ("parked", Facts { listings: listed(FactKind::Parked, ""), ..fresh_c2() }, vec![Check::Guard]),
            (
                "a platform's customer",
                Facts { listings: listed(FactKind::PrivateSuffix, ""), ..fresh_c2() },
                vec![Check::Guard],
            ),
            ("old", Facts { registered_at: Some(at(-400)), ..fresh_c2() }, vec![Check::Age]),
            ("exactly the limit", Facts { registered_at: Some(at(3 - 365)), ..fresh_c2() }, vec![]),
            ("re-registered", Facts { registered_at: Some(at(10)), ..fresh_c2() }, vec![Check::Reregistered]),
            (
                "only mixed scripts",
                Facts { listings: listed(FactKind::MixedScript, ""), ..fresh_c2() },
                vec![],
            ),
        ];
        for (what, facts, expected) in cases {
            let plan = plan(&book(), &facts, None);
            let checks: Vec<Check> = plan.refusals.iter().map(|refusal| refusal.check).collect();
            assert_eq!(checks, expected, "{what}");
            assert_eq!(plan.task.is_some(), expected.is_empty(), "{what}");
        }
    }

    #[test]
    fn a_reason_lifts_a_guard_and_the_plan_says_so() {
        let facts = Facts { listings: listed(FactKind::Listed, "tranco"), ..fresh_c2() };
        for empty in [None, Some(""), Some("  ")] {
            assert_eq!(plan(&book(), &facts, empty).task, None);
        }
        let task = plan(&book(), &facts, Some("owner confirmed")).task.expect("a task");
        assert_eq!(task.overridden.len(), 1);
        assert_eq!(task.override_reason.as_deref(), Some("owner confirmed"));
        assert_eq!(plan(&book(), &fresh_c2(), Some("unneeded")).task.expect("a task").override_reason, None);
    }

    #[test]
    fn no_reason_lifts_a_stop_or_missing_evidence() {
        for facts in [
            Facts { listings: listed(FactKind::Sinkholed, "x"), ..fresh_c2() },
            Facts { registrar: None, ..fresh_c2() },
            Facts { kind: ObservableKind::Url, ..fresh_c2() },
        ] {
            assert_eq!(plan(&book(), &facts, Some("do it")).task, None);
        }
    }

    #[test]
    fn a_plan_reads_as_a_person_would_review_it() {
        let popular = Facts { listings: listed(FactKind::Listed, "tranco"), ..fresh_c2() };
        let hopeless = Facts {
            state: ObservableState::Dark,
            registrar: None,
            listings: listed(FactKind::Sinkholed, "an operator"),
            registered_at: Some(at(-4_000)),
            ..fresh_c2()
        };
        let plans = [
            plan(&book(), &fresh_c2(), None),
            plan(&book(), &popular, None),
            plan(&book(), &popular, Some("the owner asked for it, case 12")),
            plan(&book(), &hopeless, None),
        ];
        insta::assert_snapshot!(plans.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    }
}
