//! Every rule, in one place: who may act, who may see, what may be probed, what may leave. Deny by default.
//! docs/ACCESS.md is what the rules answer, written by `lockstep access`.

mod action;
mod know;
mod leave;
pub mod matrix;
mod see;

use entities::ActorRole;

pub use self::{
    action::Action,
    know::{Standing, ledger, standing},
    leave::{Reach, Recipient, may_leave, may_probe},
    see::{Scoped, clearance, reach, reads_facts, sees_all, visible},
};
use crate::{actor::Actor, error::Error};

/// The facts that a rule needs of what is acted on.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// The system as a whole.
    System,
    /// What belongs to no operation, and so is everybody's.
    Common,
    /// A task or notice, by who opened or drafted it.
    DraftedBy(&'a str),
    /// An operation, and what is to belong to it, by what the actor is in it and whether it is sealed.
    Operation {
        /// What the actor is in it.
        standing: Standing,
        /// Whether only members may know of it.
        sealed: bool,
    },
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
    let (role, only, account) = match actor {
        Actor::Nobody => return Err(Error::Unauthenticated),
        Actor::System(_) | Actor::Confined(..) => return system_may(action),
        Actor::Person { role, only, id, .. } => (*role, only, id),
    };
    // A token does less than its person, never more.
    if only.as_ref().is_some_and(|only| !only.contains(&action)) {
        return forbidden(action, "this token is not for that".into());
    }
    know::check(actor, action, subject)?;
    let allowed = match action {
        // An administrator runs the system and sees no case content; a partner sees what was released, elsewhere.
        Action::Read => !matches!(role, ActorRole::Admin | ActorRole::Partner),
        // A ruling, a run and what is learned are about everything that shares a value.
        Action::RuleOnClusters | Action::Recluster | Action::TrainAttribution if !see::sees_all(actor) => {
            return forbidden(action, "it is for who sees everything".into());
        }
        Action::ImportIndicators
        | Action::Observe
        | Action::Recluster
        | Action::Verify
        | Action::RuleOnClusters
        | Action::TrainAttribution
        | Action::OpenTasks
        | Action::DraftNotice => matches!(role, ActorRole::Analyst | ActorRole::Lead),
        Action::ApproveTasks | Action::ApproveNotice => matches!(role, ActorRole::Lead | ActorRole::Liaison),
        // Mail is sent by the job, after its own check of the approval; no person sends. A provider's word lets its people
        // in, and no person's.
        Action::SendNotice | Action::AdmitPeople => false,
        Action::CreateOperation | Action::ManageOperation | Action::UnsealOperation => {
            matches!(role, ActorRole::Lead | ActorRole::Liaison)
        }
        Action::ManageTokens | Action::ManagePeople => role == ActorRole::Admin,
        Action::ReadLedger | Action::ManageJobs | Action::ManageParties => {
            matches!(role, ActorRole::Admin | ActorRole::Lead)
        }
        Action::ReadDirectory => true,
        // Only an account has sessions and tokens of its own.
        Action::ManageOwnAccess if account.is_none() => {
            return forbidden(action, "only a person's account has any".into());
        }
        Action::ManageOwnAccess => true,
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
        | Action::ReadDirectory
        | Action::AdmitPeople => Ok(()),
        Action::RuleOnClusters
        | Action::TrainAttribution
        | Action::OpenTasks
        | Action::ApproveTasks
        | Action::ApproveNotice
        | Action::CreateOperation
        | Action::ManageOperation
        | Action::UnsealOperation
        | Action::ManageTokens
        | Action::ManageJobs
        | Action::ManageParties
        | Action::ManagePeople
        | Action::ManageOwnAccess => forbidden(action, "this is a person's decision".into()),
    }
}

/// The refusal of a request that a page of somebody else's made a browser send.
pub fn foreign_page(action: Action) -> Error {
    let reason =
        "a request by cookie must come from a page of ours, and say so (Sec-Fetch-Site or Origin)".into();
    Error::Forbidden { action: action.as_str(), reason }
}

fn forbidden(action: Action, reason: String) -> Result<(), Error> {
    Err(Error::Forbidden { action: action.as_str(), reason })
}

#[cfg(test)]
mod tests {
    use entities::{Handling, Pap, Tlp};

    use super::*;
    use crate::marking::Marking;

    #[test]
    fn every_act_has_a_name_of_its_own() {
        for action in Action::ALL {
            assert!(!action.name().is_empty() && Action::named(action.name()) == Some(*action), "{action:?}");
        }
        assert_eq!(Action::named(""), None);
    }

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
    fn a_person_reads_no_more_than_its_clearance_and_a_token_does_no_more_than_it_is_for() {
        let with = |role, own: Option<Tlp>, allowed: Option<&[Action]>| Actor::Person {
            name: "ana".into(),
            role,
            agency: None,
            id: None,
            clearance: own,
            only: allowed.map(Into::into),
            knows: crate::actor::Knows::Its,
            trail: crate::actor::Trail::default(),
        };
        assert_eq!(clearance(&with(ActorRole::Analyst, Some(Tlp::Green), None)), Some(Tlp::Green));
        assert_eq!(clearance(&with(ActorRole::Liaison, Some(Tlp::Red), None)), Some(Tlp::AmberStrict));
        assert_eq!(clearance(&with(ActorRole::Partner, None, None)), None);
        let token = with(ActorRole::Lead, None, Some(&[Action::ImportIndicators]));
        assert_eq!(clearance(&token), None, "not for reading");
        assert!(check(&token, Action::ImportIndicators, Subject::System).is_ok());
        for other in Action::ALL.iter().filter(|action| **action != Action::ImportIndicators) {
            assert!(check(&token, *other, Subject::System).is_err(), "{other:?}");
        }
        let admin = with(ActorRole::Admin, None, Some(&[Action::Read]));
        assert!(check(&admin, Action::Read, Subject::System).is_err(), "a token gives nothing");
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
                for handling in Handling::ALL {
                    let marking = Marking { tlp: *tlp, pap: *pap, handling: *handling };
                    let leaves = may_leave(marking, Recipient::Desk).is_ok();
                    let may = *tlp == Tlp::Clear && *pap <= Pap::Green && *handling <= Handling::H1;
                    assert_eq!(leaves, may, "{tlp} {pap} {handling}");
                }
            }
        }
    }
}
