//! Every rule, in one place: who may act, who may see, what may be probed, what may leave. Deny by default.

use entities::{ActorRole, Pap, Tlp, link, sighting};
use sea_orm::{ColumnTrait, Condition, EntityTrait, sea_query::Query};

use crate::{actor::Actor, error::Error};

/// One variant per verb of the API and the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Read case content.
    Read,
    /// Bring in indicators.
    ImportIndicators,
    /// Look observables up now.
    Observe,
    /// Group observables anew.
    Recluster,
    /// Accept, reject, name, split and merge clusters, pin and bar members, exclude and trust pivots.
    RuleOnClusters,
    /// Open tasks for a cluster.
    OpenTasks,
    /// Approve tasks that another person opened.
    ApproveTasks,
    /// Render a notice.
    DraftNotice,
    /// Approve a notice that another person drafted.
    ApproveNotice,
    /// Send an approved notice.
    SendNotice,
    /// Say whether a target is down.
    Verify,
    /// Make or revoke access tokens.
    ManageTokens,
    /// Read the ledger.
    ReadLedger,
    /// See the job queue and let dead jobs run again.
    ManageJobs,
    /// Read the directory of parties and the circle of countries: public knowledge, no case content.
    ReadDirectory,
    /// Load lists into the directory, decide about the circle.
    ManageParties,
}

impl Action {
    /// Every action, in the matrix's order.
    pub const ALL: &'static [Self] = &[
        Self::Read,
        Self::ImportIndicators,
        Self::Observe,
        Self::Recluster,
        Self::RuleOnClusters,
        Self::OpenTasks,
        Self::ApproveTasks,
        Self::DraftNotice,
        Self::ApproveNotice,
        Self::SendNotice,
        Self::Verify,
        Self::ManageTokens,
        Self::ReadLedger,
        Self::ManageJobs,
        Self::ReadDirectory,
        Self::ManageParties,
    ];

    /// The verb, for messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "reading",
            Self::ImportIndicators => "importing indicators",
            Self::Observe => "observing",
            Self::Recluster => "clustering",
            Self::RuleOnClusters => "ruling on clusters",
            Self::OpenTasks => "opening tasks",
            Self::ApproveTasks => "approving tasks",
            Self::DraftNotice => "drafting a notice",
            Self::ApproveNotice => "approving a notice",
            Self::SendNotice => "sending a notice",
            Self::Verify => "verifying",
            Self::ManageTokens => "managing tokens",
            Self::ReadLedger => "reading the ledger",
            Self::ManageJobs => "managing jobs",
            Self::ReadDirectory => "reading the directory",
            Self::ManageParties => "managing parties",
        }
    }
}

/// The facts that a rule needs of what is acted on.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// The system as a whole.
    System,
    /// A task or notice, by who opened or drafted it.
    DraftedBy(&'a str),
}

/// Refuses who has not signed in, before anything is looked for: "not found" would send them the wrong way.
///
/// # Errors
/// [`Error::Unauthenticated`].
pub const fn signed_in(actor: &Actor) -> Result<(), Error> {
    match actor {
        Actor::Nobody => Err(Error::Unauthenticated),
        _ => Ok(()),
    }
}

/// May `actor` do `action` on `subject`?
///
/// # Errors
/// [`Error::Unauthenticated`] for nobody, [`Error::Forbidden`] with the reason otherwise.
pub fn check(actor: &Actor, action: Action, subject: Subject<'_>) -> Result<(), Error> {
    let role = match actor {
        Actor::Nobody => return Err(Error::Unauthenticated),
        Actor::System(_) => return system_may(action),
        Actor::Person { role, .. } => *role,
    };
    let allowed = match action {
        // An administrator runs the system and sees no case content.
        Action::Read => role != ActorRole::Admin,
        Action::ImportIndicators | Action::Observe | Action::Recluster | Action::Verify => {
            matches!(role, ActorRole::Analyst | ActorRole::Lead)
        }
        Action::RuleOnClusters | Action::OpenTasks | Action::DraftNotice => {
            matches!(role, ActorRole::Analyst | ActorRole::Lead)
        }
        Action::ApproveTasks | Action::ApproveNotice => matches!(role, ActorRole::Lead | ActorRole::Liaison),
        // Mail is sent by the job, after its own check of the approval; no person sends.
        Action::SendNotice => false,
        Action::ManageTokens => role == ActorRole::Admin,
        Action::ReadLedger | Action::ManageJobs | Action::ManageParties => {
            matches!(role, ActorRole::Admin | ActorRole::Lead)
        }
        Action::ReadDirectory => true,
    };
    if !allowed {
        return forbidden(action, format!("the role {role} may not do this"));
    }
    // Four eyes: who prepared it cannot approve it.
    if let (Action::ApproveTasks | Action::ApproveNotice, Subject::DraftedBy(name)) = (action, subject)
        && name == actor.to_string()
    {
        return forbidden(action, "who prepared it cannot approve it: ask a second person".into());
    }
    Ok(())
}

/// Machine work does what people decided; it never approves.
fn system_may(action: Action) -> Result<(), Error> {
    match action {
        Action::Read
        | Action::ImportIndicators
        | Action::Observe
        | Action::Recluster
        | Action::DraftNotice
        | Action::SendNotice
        | Action::Verify
        | Action::ReadLedger
        | Action::ReadDirectory => Ok(()),
        Action::RuleOnClusters
        | Action::OpenTasks
        | Action::ApproveTasks
        | Action::ApproveNotice
        | Action::ManageTokens
        | Action::ManageJobs
        | Action::ManageParties => forbidden(action, "this is a person's decision".into()),
    }
}

fn forbidden(action: Action, reason: String) -> Result<(), Error> {
    Err(Error::Forbidden { action: action.as_str(), reason })
}

/// Rows that carry case content, and what an actor sees of them.
pub trait Scoped: EntityTrait {
    /// The condition that a row's own marking puts on being seen.
    fn within(_limit: Tlp) -> Condition {
        Condition::all()
    }
}

/// Which rows of `E` may `actor` see? Goes into every list and look-up, so that counts and pages are right.
pub fn visible<E: Scoped>(actor: &Actor) -> Condition {
    match clearance(actor) {
        Some(limit) => E::within(limit),
        None => nothing(),
    }
}

fn nothing() -> Condition {
    Condition::any().add(sea_orm::sea_query::Expr::cust("1 = 0"))
}

/// The most restrictive TLP that an actor reads; none means no case content at all.
pub const fn clearance(actor: &Actor) -> Option<Tlp> {
    match actor {
        Actor::Nobody => None,
        Actor::System(_) => Some(Tlp::Red),
        Actor::Person { role, .. } => match role {
            ActorRole::Admin => None,
            ActorRole::Analyst | ActorRole::Lead => Some(Tlp::Red),
            // RED is for named persons of the originator; a liaison of another agency is not one of them.
            ActorRole::Liaison => Some(Tlp::AmberStrict),
        },
    }
}

/// The labels that are at most as restrictive as `limit`.
fn up_to(limit: Tlp) -> Vec<Tlp> {
    Tlp::ALL.iter().copied().filter(|tlp| *tlp <= limit).collect()
}

impl Scoped for sighting::Entity {
    fn within(limit: Tlp) -> Condition {
        Condition::all().add(sighting::Column::Tlp.is_in(up_to(limit)))
    }
}

impl Scoped for link::Entity {
    fn within(limit: Tlp) -> Condition {
        Condition::all().add(link::Column::Tlp.is_in(up_to(limit)))
    }
}

impl Scoped for entities::notice::Entity {
    fn within(limit: Tlp) -> Condition {
        Condition::all().add(entities::notice::Column::Tlp.is_in(up_to(limit)))
    }
}

impl Scoped for entities::observable::Entity {
    /// An observable without sightings (a shared name server, a registrar) is public knowledge; one with
    /// sightings is seen by who may see at least one of them.
    fn within(limit: Tlp) -> Condition {
        if limit == Tlp::Red {
            return Condition::all();
        }
        let labels = up_to(limit).iter().map(|tlp| format!("'{tlp}'")).collect::<Vec<_>>().join(", ");
        Condition::any()
            .add(sea_orm::sea_query::Expr::cust(
                "NOT EXISTS (SELECT 1 FROM sighting s WHERE s.observable_id = observable.id)",
            ))
            .add(sea_orm::sea_query::Expr::cust(format!(
                "EXISTS (SELECT 1 FROM sighting s WHERE s.observable_id = observable.id AND s.tlp IN ({labels}))"
            )))
    }
}

/// What counts or names everything that shares a value is for who sees everything.
macro_rules! unlimited {
    ($($entity:path),+) => {
        $(impl Scoped for $entity {
            fn within(limit: Tlp) -> Condition {
                if limit == Tlp::Red { Condition::all() } else { nothing() }
            }
        })+
    };
}

unlimited!(entities::cluster_change::Entity, entities::cluster_ruling::Entity, entities::pivot::Entity);

impl Scoped for entities::source::Entity {}
impl Scoped for entities::fact::Entity {}
impl Scoped for entities::observation::Entity {}
impl Scoped for entities::import::Entity {}
impl Scoped for entities::import_line::Entity {}
impl Scoped for entities::cluster::Entity {}
impl Scoped for entities::cluster_member::Entity {
    /// A membership is seen by who sees the member.
    fn within(limit: Tlp) -> Condition {
        if limit == Tlp::Red {
            return Condition::all();
        }
        let seen = Query::select()
            .column(entities::observable::Column::Id)
            .from(entities::observable::Entity)
            .cond_where(entities::observable::Entity::within(limit))
            .to_owned();
        Condition::all().add(entities::cluster_member::Column::ObservableId.in_subquery(seen))
    }
}
impl Scoped for entities::desk::Entity {}
impl Scoped for entities::task::Entity {}
impl Scoped for entities::notice_task::Entity {}
impl Scoped for entities::verification::Entity {}

/// How visible a look-up is to the actor behind the infrastructure (reference/domain.md §7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Only our own tables are read.
    Own,
    /// A neutral third party is asked: a registry's or RIR's RDAP, a parent zone's server.
    ThirdParty,
    /// The actor may notice: a recursion that ends at the actor's name server, a registrar's or reseller's
    /// RDAP, a connection.
    Actor,
}

/// May something marked `pap` be looked up with that reach? `pap` is the most restrictive of its sightings.
///
/// # Errors
/// [`Error::Forbidden`] with the marking that stops it.
pub fn may_probe(pap: Pap, reach: Reach) -> Result<(), Error> {
    let most_restrictive_allowed = match reach {
        Reach::Own => Pap::Red,
        Reach::ThirdParty => Pap::Amber,
        Reach::Actor => Pap::Green,
    };
    if pap <= most_restrictive_allowed {
        return Ok(());
    }
    forbidden(
        Action::Observe,
        format!("it is marked PAP:{} and this look-up could be noticed", pap.as_str().to_uppercase()),
    )
}

/// Who would receive something that leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// A provider's desk: neither our organisation nor our client (reference/domain.md §7.1).
    Desk,
}

/// May content marked `tlp` and `pap` leave to `recipient`? A notice tells the provider, and through it perhaps
/// the actor, that somebody looks: PAP must allow an active step.
///
/// # Errors
/// [`Error::Forbidden`] with the marking that stops it.
pub fn may_leave(tlp: Tlp, pap: Pap, recipient: Recipient) -> Result<(), Error> {
    let Recipient::Desk = recipient;
    if tlp > Tlp::Clear {
        return forbidden(
            Action::SendNotice,
            format!(
                "it is marked TLP:{}: the originator must release it for this desk",
                tlp.as_str().to_uppercase()
            ),
        );
    }
    if pap > Pap::Green {
        return forbidden(
            Action::SendNotice,
            format!("it is marked PAP:{}: no active step is allowed", pap.as_str().to_uppercase()),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_may_do_nothing() {
        for action in Action::ALL {
            assert!(matches!(check(&Actor::Nobody, *action, Subject::System), Err(Error::Unauthenticated)));
        }
    }

    #[test]
    fn who_drafted_cannot_approve_and_a_second_lead_can() {
        let (lea, max) = (Actor::person("lea", ActorRole::Lead), Actor::person("max", ActorRole::Lead));
        for action in [Action::ApproveTasks, Action::ApproveNotice] {
            assert!(matches!(check(&lea, action, Subject::DraftedBy("lea")), Err(Error::Forbidden { .. })));
            assert!(check(&max, action, Subject::DraftedBy("lea")).is_ok());
        }
    }

    #[test]
    fn machine_work_never_approves() {
        for action in [Action::ApproveTasks, Action::ApproveNotice, Action::OpenTasks, Action::ManageTokens] {
            assert!(check(&Actor::System("test"), action, Subject::DraftedBy("ana")).is_err());
        }
    }

    #[test]
    fn an_administrator_sees_no_case_content() {
        let admin = Actor::person("root", ActorRole::Admin);
        assert!(check(&admin, Action::Read, Subject::System).is_err());
        assert_eq!(clearance(&admin), None);
    }

    #[test]
    fn each_pap_stops_what_it_says() {
        let allowed =
            |pap| [Reach::Own, Reach::ThirdParty, Reach::Actor].map(|reach| may_probe(pap, reach).is_ok());
        assert_eq!(allowed(Pap::Red), [true, false, false]);
        assert_eq!(allowed(Pap::Amber), [true, true, false]);
        assert_eq!(allowed(Pap::Green), [true, true, true]);
        assert_eq!(allowed(Pap::Clear), [true, true, true]);
    }

    #[test]
    fn only_clear_content_that_allows_action_leaves_to_a_desk() {
        for tlp in Tlp::ALL {
            for pap in Pap::ALL {
                let leaves = may_leave(*tlp, *pap, Recipient::Desk).is_ok();
                assert_eq!(leaves, *tlp == Tlp::Clear && *pap <= Pap::Green, "{tlp} {pap}");
            }
        }
    }
}
