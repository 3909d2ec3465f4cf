//! What an actor sees: one condition a kind of row, so that lists, look-ups, counts and pages agree. Two things limit it:
//! the label of a row, and the operation that it belongs to (`know`).

use entities::{
    ActorRole, ObservableKind, Tlp, cluster, cluster_change, cluster_member, cluster_model, cluster_ruling,
    collision, desk, fact, holding, import, import_line, link, notice, notice_task, observable, observation,
    operation, pivot, sighting, source, task, verification,
};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait,
    sea_query::{Expr, ExprTrait, IntoColumnRef, Query},
};

use super::{Action, know};
use crate::actor::Actor;

/// Rows that carry case content, and what an actor sees of them.
pub trait Scoped: EntityTrait {
    /// The condition that a row's marking and operation put on being seen.
    fn within(_sight: Sight<'_>) -> Condition {
        Condition::all()
    }
}

/// How far an actor who reads cases at all sees.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    actor: &'a Actor,
    limit: Tlp,
}

impl Sight<'_> {
    /// Whether no label hides anything.
    fn every_label(self) -> bool {
        self.limit == Tlp::Red
    }

    /// The condition on a column that holds a label.
    fn labels<C: ColumnTrait>(self, column: C) -> Condition {
        if self.every_label() {
            Condition::all()
        } else {
            Condition::all().add(column.is_in(up_to(self.limit)))
        }
    }

    /// The condition on a column that names an operation.
    fn knows(self, column: impl IntoColumnRef) -> Condition {
        know::known(self.actor, column)
    }
}

/// Which rows of `E` may `actor` see? Goes into every list and look-up, so that counts and pages are right.
pub fn visible<E: Scoped>(actor: &Actor) -> Condition {
    match clearance(actor) {
        Some(limit) => E::within(Sight { actor, limit }),
        None => nothing(),
    }
}

fn nothing() -> Condition {
    Condition::any().add(Expr::cust("1 = 0"))
}

/// Both conditions; one that is empty limits nothing.
fn both(one: Condition, other: Condition) -> Condition {
    match (one.is_empty(), other.is_empty()) {
        (true, _) => other,
        (_, true) => one,
        _ => Condition::all().add(one).add(other),
    }
}

/// The most restrictive TLP that an actor reads; none means no case content at all.
pub fn clearance(actor: &Actor) -> Option<Tlp> {
    match actor {
        Actor::Nobody => None,
        Actor::System(_) | Actor::Confined(..) => Some(Tlp::Red),
        Actor::Person { only: Some(only), .. } if !only.contains(&Action::Read) => None,
        Actor::Person { role, clearance, .. } => reach(*role, *clearance),
    }
}

/// The most restrictive TLP that a person of that role, with a clearance of its own, reads; none means no case content at all.
pub fn reach(role: ActorRole, clearance: Option<Tlp>) -> Option<Tlp> {
    let most = match role {
        ActorRole::Admin | ActorRole::Partner => return None,
        ActorRole::Analyst | ActorRole::Lead => Tlp::Red,
        // RED is for named persons of the originator; a liaison of another agency is not one of them.
        ActorRole::Liaison => Tlp::AmberStrict,
    };
    Some(clearance.map_or(most, |own| Ord::min(own, most)))
}

/// The labels that are at most as restrictive as `limit`.
fn up_to(limit: Tlp) -> Vec<Tlp> {
    Tlp::ALL.iter().copied().filter(|tlp| *tlp <= limit).collect()
}

impl Scoped for operation::Entity {
    /// An operation is seen by who knows of it and reads its label.
    fn within(sight: Sight<'_>) -> Condition {
        both(sight.knows((operation::Entity, operation::Column::Id)), sight.labels(operation::Column::Tlp))
    }
}

impl Scoped for collision::Entity {
    /// That a desk wants to be spoken to is seen by who is told: the members of an operation, or one actor.
    fn within(sight: Sight<'_>) -> Condition {
        let told = Condition::all()
            .add(collision::Column::OperationId.is_null())
            .add(sight.knows((collision::Entity, collision::Column::OperationId)))
            .add(collision::Column::ToldTo.eq(sight.actor.to_string()));
        let its = Condition::all()
            .add(collision::Column::OperationId.is_not_null())
            .add(know::member(sight.actor, (collision::Entity, collision::Column::OperationId)));
        Condition::any().add(told).add(its)
    }
}

impl Scoped for sighting::Entity {
    fn within(sight: Sight<'_>) -> Condition {
        let here = (sighting::Entity, sighting::Column::OperationId);
        both(sight.knows(here), sight.labels(sighting::Column::Tlp))
    }
}

impl Scoped for link::Entity {
    /// Both ends of a link belong to the same operation, or to none, since names are told apart by it; and links are read
    /// from an end that is seen. So of a link its label alone is asked.
    fn within(sight: Sight<'_>) -> Condition {
        sight.labels(link::Column::Tlp)
    }
}

impl Scoped for notice::Entity {
    fn within(sight: Sight<'_>) -> Condition {
        let here = (notice::Entity, notice::Column::OperationId);
        both(sight.knows(here), sight.labels(notice::Column::Tlp))
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
    /// as the address. What is further away is not seen, which is on the safe side. All of these are of one operation.
    fn within(sight: Sight<'_>) -> Condition {
        let known = sight.knows((observable::Entity, observable::Column::OperationId));
        if sight.every_label() {
            return known;
        }
        let labels = up_to(sight.limit).iter().map(|tlp| format!("'{tlp}'")).collect::<Vec<_>>().join(", ");
        let public = PUBLIC.map(|kind| format!("'{kind}'")).join(", ");
        let sighted = |id: &str| {
            format!("EXISTS (SELECT 1 FROM sighting s WHERE s.observable_id = {id} AND s.tlp IN ({labels}))")
        };
        let above = |of: &str| {
            format!(
                "({of}.kind = '{}' AND EXISTS (SELECT 1 FROM observable below WHERE below.registrable = {of}.value \
                 AND below.operation_id IS NOT DISTINCT FROM {of}.operation_id AND {}))",
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
        let read = Condition::any().add(Expr::cust(sighted("observable.id"))).add(Expr::cust(found));
        both(known, read)
    }
}

/// The condition that the row of `$on` whose id the column names is seen; empty if every one is.
macro_rules! exists {
    ($sight:ident, $entity:ident.$column:ident on $on:ident) => {{
        let seen = $on::Entity::within($sight);
        if seen.is_empty() {
            seen
        } else {
            let here = ($entity::Entity, $entity::Column::$column);
            let seen = Query::select()
                .expr(Expr::val(1))
                .from($on::Entity)
                .and_where(Expr::col(($on::Entity, $on::Column::Id)).equals(here))
                .cond_where(seen)
                .to_owned();
            Condition::all().add(Expr::exists(seen))
        }
    }};
}

/// What hangs on something is seen by who sees that. Asked for each row by the other's key, so that a page costs a page.
macro_rules! hangs {
    ($($entity:ident.$column:ident on $on:ident;)+) => {
        $(impl Scoped for $entity::Entity {
            fn within(sight: Sight<'_>) -> Condition {
                exists!(sight, $entity.$column on $on)
            }
        })+
    };
}

hangs! {
    cluster_member.ObservableId on observable;
    fact.ObservableId on observable;
    observation.ObservableId on observable;
    verification.TaskId on task;
    notice_task.TaskId on task;
}

impl Scoped for task::Entity {
    /// A task belongs to its target's operation, and is seen by who sees the target.
    fn within(sight: Sight<'_>) -> Condition {
        let known = sight.knows((task::Entity, task::Column::OperationId));
        if sight.every_label() { known } else { both(known, exists!(sight, task.TargetId on observable)) }
    }
}

impl Scoped for cluster::Entity {
    /// A cluster is seen by who sees a member; it may be named after one whose label they do not read, so its name is
    /// told by [`sees_all`] only. All members are of one operation, or of none.
    fn within(sight: Sight<'_>) -> Condition {
        let known = sight.knows((cluster::Entity, cluster::Column::OperationId));
        if sight.every_label() {
            return known;
        }
        let here = (cluster::Entity, cluster::Column::Id);
        let seen = Query::select()
            .expr(Expr::val(1))
            .from(cluster_member::Entity)
            .and_where(Expr::col((cluster_member::Entity, cluster_member::Column::ClusterId)).equals(here))
            .cond_where(cluster_member::Entity::within(sight))
            .to_owned();
        both(known, Condition::all().add(Expr::exists(seen)))
    }
}

impl Scoped for import::Entity {
    /// An import is seen by who sees all that it brought, since its figures count all, and if it brought something.
    fn within(sight: Sight<'_>) -> Condition {
        let known = sight.knows((import::Entity, import::Column::OperationId));
        if sight.every_label() {
            return known;
        }
        let labels = up_to(sight.limit).iter().map(|tlp| format!("'{tlp}'")).collect::<Vec<_>>().join(", ");
        let brought = |which: &str| {
            format!(
                "EXISTS (SELECT 1 FROM sighting s WHERE s.import_id = import.id AND s.tlp {which} ({labels}))"
            )
        };
        let read = Condition::all()
            .add(Expr::cust(brought("IN")))
            .add(Expr::cust(format!("NOT {}", brought("NOT IN"))));
        both(known, read)
    }
}

/// Whether an actor reads every label, and so sees all of the operations that it knows of, and of what belongs to none:
/// what counts or names everything that shares something there is for them only.
pub fn sees_all(actor: &Actor) -> bool {
    clearance(actor) == Some(Tlp::Red)
}

/// Whether an actor reads the facts of an event that it may see: they may name what only who reads every label sees; one's
/// own one knows.
pub fn reads_facts(actor: &Actor, of: &str) -> bool {
    sees_all(actor) || (*actor != Actor::Nobody && actor.to_string() == of)
}

/// What counts or names everything that shares a value is for who reads every label, and so are lines that nobody marked.
macro_rules! unlimited {
    ($($entity:ident.$column:ident on $on:ident;)+) => {
        $(impl Scoped for $entity::Entity {
            fn within(sight: Sight<'_>) -> Condition {
                if sight.every_label() { exists!(sight, $entity.$column on $on) } else { nothing() }
            }
        })+
    };
}

unlimited! {
    cluster_change.ClusterId on cluster;
    cluster_ruling.ClusterId on cluster;
    import_line.ImportId on import;
}

/// The same, where the row itself says which operation it is of.
macro_rules! unlimited_within {
    ($($entity:ident),+) => {
        $(impl Scoped for $entity::Entity {
            fn within(sight: Sight<'_>) -> Condition {
                if sight.every_label() {
                    sight.knows(($entity::Entity, $entity::Column::OperationId))
                } else {
                    nothing()
                }
            }
        })+
    };
}

unlimited_within!(holding, pivot);

impl Scoped for cluster_model::Entity {
    /// It is learned from what belongs to no operation.
    fn within(sight: Sight<'_>) -> Condition {
        if sight.every_label() { Condition::all() } else { nothing() }
    }
}

impl Scoped for source::Entity {}

impl Scoped for desk::Entity {
    /// A desk that was found by the names of an operation is seen by who knows of that, also who reads none of the names;
    /// every other by everybody who reads cases.
    fn within(sight: Sight<'_>) -> Condition {
        let known = sight.knows((desk::Entity, desk::Column::OperationId));
        if known.is_empty() {
            return known;
        }
        Condition::any().add(desk::Column::OperationId.is_null()).add(known)
    }
}
