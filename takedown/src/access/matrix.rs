//! The rules as a table for people who do not read code: every answer is asked of the rules themselves.

use std::fmt::Write as _;

use entities::{ActorRole, Handling, Pap, PartyId, PersonId, Tlp};
use uuid::Uuid;

use super::{Action, Reach, Recipient, Standing, Subject, check, clearance, may_leave, may_probe};
use crate::{
    actor::{Actor, Knows, Trail},
    marking::Marking,
};

/// The actors of the columns.
fn actors() -> Vec<(String, Actor)> {
    let person = |role: ActorRole| {
        let agency = matches!(role, ActorRole::Liaison | ActorRole::Partner)
            .then(|| PartyId(Uuid::from_u128(1)).to_string());
        let (name, id) = ("me".to_owned(), Some(PersonId(Uuid::from_u128(1))));
        let (knows, trail) = (Knows::Its, Trail::default());
        Actor::Person { name, role, agency, id, clearance: None, only: None, knows, trail }
    };
    let mut actors: Vec<_> = ActorRole::ALL.iter().map(|role| (role.to_string(), person(*role))).collect();
    actors.push(("system".into(), Actor::System("job")));
    actors.push(("nobody".into(), Actor::Nobody));
    actors
}

/// `docs/ACCESS.md`.
pub fn markdown() -> String {
    let mut text = String::from(
        "# Who may do what\n\n\
         Written by `lockstep access` from `takedown/src/access.rs` and checked in: a change of a rule shows here.\n\n\
         ## Acts\n\n\
         *yes*; *no*; *other's*: only what another person prepared (four eyes). A token does at most what its person may, \
         and only the acts that it is for.\n\n",
    );
    let actors = actors();
    row(&mut text, "act", actors.iter().map(|(name, _)| name.clone()));
    rule(&mut text, actors.len());
    for action in Action::ALL {
        row(&mut text, action.as_str(), actors.iter().map(|(_, actor)| may(actor, *action).to_owned()));
    }
    text += "\n## Acts in an operation\n\nBy what an actor is in it: nothing, a member (itself or its party), or of the party \
             that owns it. Of a sealed one, who is nothing in it is not even told that it is there; what is brought into an \
             operation, and all that comes of it, belongs to it, and is read and worked on by who reads the operation. \
             Machine work knows of all, and keeps them apart.\n\n";
    row(&mut text, "act, in the operation", actors.iter().map(|(name, _)| name.clone()));
    rule(&mut text, actors.len());
    for (name, action, sealed) in [
        ("reading an open one", Action::Read, false),
        ("reading a sealed one", Action::Read, true),
        ("importing indicators into it", Action::ImportIndicators, true),
        ("changing its members, sealing it", Action::ManageOperation, true),
        ("lifting its seal", Action::UnsealOperation, true),
    ] {
        for (standing, who) in
            [(Standing::Stranger, "nothing"), (Standing::Member, "member"), (Standing::Owner, "owner")]
        {
            let may = |actor: &Actor| {
                let subject = Subject::Operation { standing, sealed };
                if check(actor, action, subject).is_ok() { "yes" } else { "no" }
            };
            let head = format!("{name}: {who}");
            row(&mut text, &head, actors.iter().map(|(_, actor)| may(actor).to_owned()));
        }
    }
    text += "\n## What is read\n\nOf each label, what case content an actor reads. A person's clearance can lower it. An \
             observable is read with its least restrictive sighting, an import only with all of its sightings; a task, a \
             fact, an observation and a cluster are read by who reads the observable that they are about, or one of \
             them.\n\n";
    row(&mut text, "TLP", actors.iter().map(|(name, _)| name.clone()));
    rule(&mut text, actors.len());
    for tlp in Tlp::ALL {
        let reads =
            |actor: &Actor| if clearance(actor).is_some_and(|limit| *tlp <= limit) { "yes" } else { "no" };
        row(&mut text, &tlp.to_string(), actors.iter().map(|(_, actor)| reads(actor).to_owned()));
    }
    text += "\n## What is looked up\n\nOf each label, how far a look-up may reach.\n\n";
    let reaches = [
        ("our own tables", Reach::Own),
        ("third parties", Reach::ThirdParty),
        ("where the other side may notice", Reach::Actor),
    ];
    row(&mut text, "PAP", reaches.iter().map(|(name, _)| (*name).to_owned()));
    rule(&mut text, reaches.len());
    for pap in Pap::ALL {
        let may = |reach| if may_probe(*pap, reach).is_ok() { "yes" } else { "no" };
        row(&mut text, &pap.to_string(), reaches.iter().map(|(_, reach)| may(*reach).to_owned()));
    }
    text += "\n## What leaves\n\nWhether content with both labels may leave to a provider's desk.\n\n";
    row(&mut text, "TLP \\ PAP", Pap::ALL.iter().map(ToString::to_string));
    rule(&mut text, Pap::ALL.len());
    for tlp in Tlp::ALL {
        let may = |pap| leaves(Marking { tlp: *tlp, pap, ..Marking::CLEAR });
        row(&mut text, &tlp.to_string(), Pap::ALL.iter().map(|pap| may(*pap).to_owned()));
    }
    text += "\nAnd content with both labels clear, by its handling code.\n\n";
    row(&mut text, "handling", ["leaves".to_owned()].into_iter());
    rule(&mut text, 1);
    for handling in Handling::ALL {
        let may = leaves(Marking { handling: *handling, ..Marking::CLEAR });
        row(&mut text, &handling.to_string(), [may.to_owned()].into_iter());
    }
    text
}

fn leaves(marking: Marking) -> &'static str {
    if may_leave(marking, Recipient::Desk).is_ok() { "yes" } else { "no" }
}

fn may(actor: &Actor, action: Action) -> &'static str {
    let (own, others) = (Subject::DraftedBy("me"), Subject::DraftedBy("another"));
    match (check(actor, action, own).is_ok(), check(actor, action, others).is_ok()) {
        (true, true) => "yes",
        (false, true) => "other's",
        // Nobody may do to their own what they may not do to another's.
        (_, false) => "no",
    }
}

fn row(text: &mut String, head: &str, cells: impl Iterator<Item = String>) {
    let cells: Vec<_> = cells.collect();
    // Writing to a string does not fail.
    let _ = writeln!(text, "| {head} | {} |", cells.join(" | "));
}

fn rule(text: &mut String, columns: usize) {
    let _ = writeln!(text, "|---|{}", "---|".repeat(columns));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checked_in_matrix_is_what_the_rules_answer() {
        let checked_in = include_str!("../../../docs/ACCESS.md");
        assert_eq!(markdown(), checked_in, "a rule changed: have it reviewed, then `make gen`");
    }
}
