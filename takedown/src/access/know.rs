//! Need to know: of which operations, and so of whose things, an actor may know.
//!
//! The things of an operation are rows of their own (`operation_id`), apart from those of every other and from those of
//! none: what two of them hold is there twice. So nothing that happens to a thing of one is to be told from anything of
//! another, and one condition on that column is the whole wall.

use entities::{operation, operation_member, party};
use sea_orm::{
    ColumnTrait, Condition,
    sea_query::{Expr, ExprTrait, IntoColumnRef, Query, SelectStatement},
};

use super::{Action, Subject, clearance, forbidden};
use crate::{
    actor::{Actor, Knows},
    error::Error,
};

/// What an actor is in an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Nothing.
    Stranger,
    /// A member, or of a party that is one.
    Member,
    /// A member of the party that owns it; where nobody's party does, who made it.
    Owner,
}

/// What `actor` is in an operation, by its members and the key of the party that owns it. The local operator is an owner.
pub fn standing(
    actor: &Actor,
    row: &operation::Model,
    owner: Option<&str>,
    members: &[(operation_member::Model, Option<String>)],
) -> Standing {
    let Actor::Person { id, agency, knows, .. } = actor else { return Standing::Stranger };
    match knows {
        Knows::All => return Standing::Owner,
        Knows::Only(only) if !only.contains(&row.id) => return Standing::Stranger,
        Knows::Its | Knows::Only(_) => {}
    }
    let agency = agency.as_deref();
    let is = |(member, key): &(operation_member::Model, Option<String>)| {
        (member.person_id.is_some() && member.person_id == *id) || (key.is_some() && key.as_deref() == agency)
    };
    if !members.iter().any(is) {
        return Standing::Stranger;
    }
    let owns = match owner {
        Some(owner) => agency == Some(owner),
        None => row.created_by == actor.to_string(),
    };
    if owns { Standing::Owner } else { Standing::Member }
}

/// What need to know adds to the rules of acting.
pub(super) fn check(actor: &Actor, action: Action, subject: Subject<'_>) -> Result<(), Error> {
    let Subject::Operation { standing, sealed } = subject else {
        // What belongs to no operation is not what a token for some is for.
        let whole = matches!(
            action,
            Action::ImportIndicators
                | Action::CreateOperation
                | Action::TrainAttribution
                | Action::ManageParties
                | Action::ManageJobs
        );
        let apart = matches!(actor, Actor::Person { knows: Knows::Only(_), .. })
            && (whole || matches!(subject, Subject::Common));
        return if apart {
            forbidden(action, "this token is for some operations: name one of them".into())
        } else {
            Ok(())
        };
    };
    let refused = match action {
        Action::Read => (sealed && standing == Standing::Stranger).then_some("it is for members"),
        Action::ImportIndicators | Action::ManageOperation => {
            (standing == Standing::Stranger).then_some("it is for members of the operation")
        }
        Action::UnsealOperation => {
            (standing != Standing::Owner).then_some("it is for members of the party that owns the operation")
        }
        _ => Some("it is no act on an operation"),
    };
    refused.map_or(Ok(()), |reason| forbidden(action, reason.into()))
}

/// The condition that a column which names an operation puts on being seen.
pub(super) fn known(actor: &Actor, column: impl IntoColumnRef) -> Condition {
    let column = Expr::col(column);
    match actor {
        Actor::System(_) | Actor::Person { knows: Knows::All, .. } => Condition::all(),
        Actor::Confined(_, None) => Condition::all().add(column.is_null()),
        Actor::Confined(_, Some(of)) => Condition::all().add(column.eq(*of)),
        Actor::Nobody => Condition::any().add(Expr::cust("1 = 0")),
        Actor::Person { knows, .. } => {
            let some = Condition::any()
                .add(column.clone().in_subquery(open()))
                .add_option(its(actor).map(|its| column.clone().in_subquery(its)));
            match knows {
                Knows::Only(only) => Condition::all().add(column.is_in(only.iter().copied())).add(some),
                _ => some.add(column.is_null()),
            }
        }
    }
}

/// The condition that a column names an operation that the actor is a member of, sealed or not: what is for its members is
/// not for everybody who may know of it.
pub(super) fn member(actor: &Actor, column: impl IntoColumnRef) -> Condition {
    let column = Expr::col(column);
    let nothing = || Condition::any().add(Expr::cust("1 = 0"));
    match actor {
        Actor::System(_) | Actor::Person { knows: Knows::All, .. } => Condition::all(),
        Actor::Confined(..) | Actor::Nobody => nothing(),
        Actor::Person { knows, .. } => {
            let Some(its) = its(actor) else { return nothing() };
            let its = Condition::all().add(column.clone().in_subquery(its));
            match knows {
                Knows::Only(only) => its.add(column.is_in(only.iter().copied())),
                _ => its,
            }
        }
    }
}

/// The operations that are not sealed.
fn open() -> SelectStatement {
    Query::select()
        .column(operation::Column::Id)
        .from(operation::Entity)
        .and_where(operation::Column::SealedAt.is_null())
        .to_owned()
}

/// The operations that a person, or its party, is a member of; none for who reads no cases at all.
fn its(actor: &Actor) -> Option<SelectStatement> {
    let Actor::Person { id, agency, .. } = actor else { return None };
    clearance(actor)?;
    let of_party = agency.as_deref().map(|key| {
        let party = Query::select()
            .column(party::Column::Id)
            .from(party::Entity)
            .and_where(party::Column::Key.eq(key))
            .to_owned();
        operation_member::Column::PartyId.in_subquery(party)
    });
    let of_person = id.map(|id| operation_member::Column::PersonId.eq(id));
    if of_person.is_none() && of_party.is_none() {
        return None;
    }
    let is = Condition::any().add_option(of_person).add_option(of_party);
    Some(
        Query::select()
            .column(operation_member::Column::OperationId)
            .from(operation_member::Entity)
            .cond_where(is)
            .to_owned(),
    )
}

/// The condition on an event of the ledger: those that tell of an operation are for who knows of it.
pub fn ledger(actor: &Actor) -> Condition {
    use entities::audit_event::{Column, Entity};
    known(actor, (Entity, Column::OperationId))
}
