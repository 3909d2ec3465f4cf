//! Scoped finders: the only way from an actor to rows. What is not visible is not found.
#![expect(
    clippy::disallowed_methods,
    reason = "the one place where finders are made, each behind `access::visible`"
)]

use entities::{
    cluster, cluster_change, cluster_member, cluster_model, cluster_ruling, collision, desk, fact, holding,
    import, import_line, link, notice, notice_task, observable, observation, operation, pivot, sighting,
    source, task, verification,
};
use sea_orm::{EntityTrait, QueryFilter, QuerySelect, Select, sea_query::LockType};

use crate::{access, actor::Actor};

macro_rules! finders {
    ($($(#[$doc:meta])* $name:ident => $entity:path;)+) => {
        $($(#[$doc])*
        pub fn $name(actor: &Actor) -> Select<$entity> {
            scoped(actor)
        })+
    };
}

/// The rows of `E` that `actor` may see.
pub fn scoped<E: access::Scoped>(actor: &Actor) -> Select<E> {
    E::find().filter(access::visible::<E>(actor))
}

/// Locks the found rows until the transaction ends, on PostgreSQL. SQLite's write transaction is one already,
/// and its dialect leaves the clause out.
pub fn for_update<E: EntityTrait>(select: Select<E>) -> Select<E> {
    select.lock(LockType::Update)
}

finders! {
    /// Desks that want to be spoken to, as far as `actor` is told.
    collisions => collision::Entity;
    /// Operations that `actor` may see.
    operations => operation::Entity;
    /// Observables that `actor` may see.
    observables => observable::Entity;
    /// Sightings that `actor` may see.
    sightings => sighting::Entity;
    /// Sources that `actor` may see.
    sources => source::Entity;
    /// Links that `actor` may see; whether their ends are visible is the caller's second look-up.
    links => link::Entity;
    /// Facts that `actor` may see.
    facts => fact::Entity;
    /// Observations that `actor` may see.
    observations => observation::Entity;
    /// Imports that `actor` may see.
    imports => import::Entity;
    /// Lines without a new sighting that `actor` may see.
    import_lines => import_line::Entity;
    /// Clusters that `actor` may see.
    clusters => cluster::Entity;
    /// Memberships that `actor` may see.
    cluster_members => cluster_member::Entity;
    /// What became of clusters that `actor` may see.
    cluster_changes => cluster_change::Entity;
    /// Rulings that `actor` may see.
    cluster_rulings => cluster_ruling::Entity;
    /// Hubs and ruled values that `actor` may see.
    pivots => pivot::Entity;
    /// What was learned of families, as far as `actor` may see it.
    cluster_models => cluster_model::Entity;
    /// What names hold, as far as `actor` may see it.
    holdings => holding::Entity;
    /// Desks that `actor` may see.
    desks => desk::Entity;
    /// Tasks that `actor` may see.
    tasks => task::Entity;
    /// Notices that `actor` may see.
    notices => notice::Entity;
    /// Which tasks which notices speak for.
    notice_tasks => notice_task::Entity;
    /// Verifications that `actor` may see.
    verifications => verification::Entity;
}
