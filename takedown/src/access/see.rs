//! What an actor sees: one condition a kind of row, so that lists, look-ups, counts and pages agree.

use entities::{
    ActorRole, ObservableKind, Tlp, cluster, cluster_change, cluster_member, cluster_model, cluster_ruling,
    desk, fact, holding, import, import_line, link, notice, notice_task, observable, observation, pivot,
    sighting, source, task, verification,
};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait,
    sea_query::{Expr, ExprTrait, Query},
};

use super::Action;
use crate::actor::Actor;

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
    Condition::any().add(Expr::cust("1 = 0"))
}

/// The most restrictive TLP that an actor reads; none means no case content at all.
pub fn clearance(actor: &Actor) -> Option<Tlp> {
    match actor {
        Actor::Nobody => None,
        Actor::System(_) => Some(Tlp::Red),
        Actor::Person { only: Some(only), .. } if !only.contains(&Action::Read) => None,
        Actor::Person { role, clearance, .. } => {
            let most = match role {
                ActorRole::Admin | ActorRole::Partner => return None,
                ActorRole::Analyst | ActorRole::Lead => Tlp::Red,
                // RED is for named persons of the originator; a liaison of another agency is not one of them.
                ActorRole::Liaison => Tlp::AmberStrict,
            };
            Some(clearance.map_or(most, |own| Ord::min(own, most)))
        }
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

impl Scoped for notice::Entity {
    fn within(limit: Tlp) -> Condition {
        Condition::all().add(notice::Column::Tlp.is_in(up_to(limit)))
    }
}

/// Kinds that many share and that public registries list. What else has no sighting was found beside something that has.
const PUBLIC: [ObservableKind; 6] = [
    ObservableKind::AutonomousSystem,
    ObservableKind::Prefix,
    ObservableKind::Registrar,
    ObservableKind::Registry,
    ObservableKind::NameServer,
    ObservableKind::MailHost,
];

impl Scoped for observable::Entity {
    /// One with sightings is seen by who may see at least one of them. One without was found by looking at another, or
    /// named by another's line. A domain is then seen by who sees something sighted under it, anything else by who sees
    /// such a domain or something sighted right beside it, by a link that they see: the host of a RED address is as RED
    /// as the address. What is further away is not seen, which is on the safe side.
    fn within(limit: Tlp) -> Condition {
        if limit == Tlp::Red {
            return Condition::all();
        }
        let labels = up_to(limit).iter().map(|tlp| format!("'{tlp}'")).collect::<Vec<_>>().join(", ");
        let public = PUBLIC.map(|kind| format!("'{kind}'")).join(", ");
        let sighted = |id: &str| {
            format!("EXISTS (SELECT 1 FROM sighting s WHERE s.observable_id = {id} AND s.tlp IN ({labels}))")
        };
        let above = |of: &str| {
            format!(
                "({of}.kind = '{}' AND EXISTS (SELECT 1 FROM observable below WHERE below.registrable = {of}.value \
                 AND {}))",
                ObservableKind::DomainName,
                sighted("below.id")
            )
        };
        let beside = |here: &str, there: &str| {
            format!(
                "EXISTS (SELECT 1 FROM link l JOIN observable n ON n.id = l.{there} \
                 WHERE l.{here} = observable.id AND l.tlp IN ({labels}) AND ({} OR {}))",
                sighted("n.id"),
                above("n")
            )
        };
        let found = format!(
            "(NOT EXISTS (SELECT 1 FROM sighting s WHERE s.observable_id = observable.id) \
             AND (observable.kind IN ({public}) OR {} OR {} OR {}))",
            above("observable"),
            beside("from_id", "to_id"),
            beside("to_id", "from_id")
        );
        Condition::any().add(Expr::cust(sighted("observable.id"))).add(Expr::cust(found))
    }
}

/// What hangs on something is seen by who sees that. Asked for each row by the other's key, so that a page costs a page.
macro_rules! hangs {
    ($($entity:ident.$column:ident on $on:ident;)+) => {
        $(impl Scoped for $entity::Entity {
            fn within(limit: Tlp) -> Condition {
                if limit == Tlp::Red {
                    return Condition::all();
                }
                let here = ($entity::Entity, $entity::Column::$column);
                let seen = Query::select()
                    .expr(Expr::val(1))
                    .from($on::Entity)
                    .and_where(Expr::col(($on::Entity, $on::Column::Id)).equals(here))
                    .cond_where($on::Entity::within(limit))
                    .to_owned();
                Condition::all().add(Expr::exists(seen))
            }
        })+
    };
}

hangs! {
    cluster_member.ObservableId on observable;
    fact.ObservableId on observable;
    observation.ObservableId on observable;
    task.TargetId on observable;
    verification.TaskId on task;
    notice_task.TaskId on task;
}

impl Scoped for cluster::Entity {
    /// A cluster is seen by who sees a member; it may be named after one that they do not see, so its name is told by
    /// [`sees_all`] only.
    fn within(limit: Tlp) -> Condition {
        if limit == Tlp::Red {
            return Condition::all();
        }
        let here = (cluster::Entity, cluster::Column::Id);
        let seen = Query::select()
            .expr(Expr::val(1))
            .from(cluster_member::Entity)
            .and_where(Expr::col((cluster_member::Entity, cluster_member::Column::ClusterId)).equals(here))
            .cond_where(cluster_member::Entity::within(limit))
            .to_owned();
        Condition::all().add(Expr::exists(seen))
    }
}

impl Scoped for import::Entity {
    /// An import is seen by who sees all that it brought, since its figures count all, and if it brought something.
    fn within(limit: Tlp) -> Condition {
        if limit == Tlp::Red {
            return Condition::all();
        }
        let labels = up_to(limit).iter().map(|tlp| format!("'{tlp}'")).collect::<Vec<_>>().join(", ");
        let brought = |which: &str| {
            format!(
                "EXISTS (SELECT 1 FROM sighting s WHERE s.import_id = import.id AND s.tlp {which} ({labels}))"
            )
        };
        Condition::all().add(Expr::cust(brought("IN"))).add(Expr::cust(format!("NOT {}", brought("NOT IN"))))
    }
}

/// Whether an actor sees everything: what counts or names everything that shares something is for them only.
pub fn sees_all(actor: &Actor) -> bool {
    clearance(actor) == Some(Tlp::Red)
}

/// Whether an actor reads the facts of an event: they may name what only who sees everything sees; one's own one knows.
pub fn reads_facts(actor: &Actor, of: &str) -> bool {
    sees_all(actor) || (*actor != Actor::Nobody && actor.to_string() == of)
}

/// What counts or names everything that shares a value is for who sees everything, and so are lines that nobody marked.
macro_rules! unlimited {
    ($($entity:ident),+) => {
        $(impl Scoped for $entity::Entity {
            fn within(limit: Tlp) -> Condition {
                if limit == Tlp::Red { Condition::all() } else { nothing() }
            }
        })+
    };
}

unlimited!(cluster_change, cluster_model, cluster_ruling, holding, pivot, import_line);

impl Scoped for source::Entity {}
impl Scoped for desk::Entity {}
