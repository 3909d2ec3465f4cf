//! Reads around observables.

use std::collections::{HashMap, HashSet};

use entities::{
    ObservableId, ObservableKind, ObservableState, OperationId, Role, SourceId, fact, observable,
    observation, sighting, source,
};
use sea_orm::{
    ColumnTrait, Condition, DbBackend, ExprTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    Value,
    sea_query::{ArrayType, Expr, extension::postgres::PgFunc},
};

use super::{Page, Slice, page_of, shown};
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    env::Env,
    error::Error,
    graph::each::given,
    visible,
};

/// The most nested rows of one kind that one observable brings along; a bounded answer says that it is one.
pub const NESTED: usize = 200;

/// Which observables are wanted; what is left out does not limit.
#[derive(Clone, Debug, Default)]
pub struct ObservableFilter {
    /// Of these kinds.
    pub kinds: Vec<ObservableKind>,
    /// In these states.
    pub states: Vec<ObservableState>,
    /// Under this registrable domain.
    pub registrable: Option<String>,
    /// Whose value begins so.
    pub value_prefix: Option<String>,
    /// With a sighting of this family (canonical name).
    pub family: Option<String>,
    /// With a sighting in this role.
    pub role: Option<Role>,
    /// On a benign list, or on none.
    pub listed: Option<bool>,
    /// Looked at, or not yet.
    pub observed: Option<bool>,
    /// Of this operation.
    pub operation: Option<OperationId>,
}

/// A page of observables.
///
/// # Errors
/// The actor may not read, the page is out of bounds, or the database refused.
pub async fn list(
    env: &Env,
    actor: &Actor,
    filter: &ObservableFilter,
    page: Page,
) -> Result<Slice<observable::Model>, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    page_of(env, actor, filtered(actor, filter), observable::Column::Id, page).await
}

/// The visible observables that a filter finds.
pub(crate) fn filtered(actor: &Actor, filter: &ObservableFilter) -> Select<observable::Entity> {
    use observable::Column;
    let mut select = visible::observables(actor);
    if !filter.kinds.is_empty() {
        select = select.filter(Column::Kind.is_in(filter.kinds.iter().copied()));
    }
    if !filter.states.is_empty() {
        select = select.filter(Column::State.is_in(filter.states.iter().copied()));
    }
    if let Some(observed) = filter.observed {
        let at = Column::ObservedAt;
        select = select.filter(if observed { at.is_not_null() } else { at.is_null() });
    }
    if let Some(operation) = filter.operation {
        select = select.filter(Column::OperationId.eq(operation));
    }
    if let Some(registrable) = &filter.registrable {
        select = select.filter(Column::Registrable.eq(registrable.as_str()));
    }
    if let Some(prefix) = filter.value_prefix.as_deref().filter(|prefix| !prefix.is_empty()) {
        // A half-open range uses the index on both databases; LIKE would not.
        select = select.filter(Column::Value.gte(prefix));
        if let Some(end) = after_prefix(prefix) {
            select = select.filter(Column::Value.lt(end));
        }
    }
    if filter.family.is_some() || filter.role.is_some() {
        let mut sightings = visible::sightings(actor);
        if let Some(family) = &filter.family {
            sightings = sightings.filter(sighting::Column::Family.eq(family.as_str()));
        }
        if let Some(role) = filter.role {
            sightings = sightings.filter(sighting::Column::Role.eq(role));
        }
        let ids = sightings.select_only().column(sighting::Column::ObservableId).into_query();
        select = select.filter(Column::Id.in_subquery(ids));
    }
    if let Some(listed) = filter.listed {
        let facts = visible::facts(actor).filter(fact::Column::Kind.eq(entities::FactKind::Listed));
        let ids = facts.select_only().column(fact::Column::ObservableId).into_query();
        let condition = Expr::col((observable::Entity, Column::Id));
        let condition = if listed { condition.in_subquery(ids) } else { condition.not_in_subquery(ids) };
        select = select.filter(Condition::all().add(condition));
    }
    select
}

/// The smallest text after every text that begins with `prefix`, in code-point order.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        if let Some(next) = char::from_u32(last as u32 + 1) {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// The observable with that id.
///
/// # Errors
/// [`Error::NotFound`] if it is not there or not visible; the actor may not read; the database refused.
pub async fn by_id(env: &Env, actor: &Actor, id: ObservableId) -> Result<observable::Model, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let row = visible::observables(actor).filter(observable::Column::Id.eq(id)).one(&env.db).await?;
    shown(actor, &row);
    row.ok_or_else(|| Error::not_found("observable", id))
}

/// The observable with that kind and canonical value: the one that belongs to no operation if that is seen, else the first
/// that is.
///
/// # Errors
/// As [`by_id`].
pub async fn by_value(
    env: &Env,
    actor: &Actor,
    kind: ObservableKind,
    value: &str,
) -> Result<observable::Model, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let row = visible::observables(actor)
        .filter(observable::Column::Kind.eq(kind))
        .filter(observable::Column::Value.eq(value))
        .order_by_asc(Expr::cust("observable.operation_id IS NOT NULL"))
        .order_by_asc(observable::Column::Id)
        .one(&env.db)
        .await?;
    shown(actor, &row);
    row.ok_or_else(|| Error::not_found("observable", value))
}

/// Every visible observable with that value, of any kind.
///
/// # Errors
/// The actor may not read, or the database refused.
pub async fn named(env: &Env, actor: &Actor, value: &str) -> Result<Vec<observable::Model>, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let select = visible::observables(actor).filter(observable::Column::Value.eq(value));
    let rows = select
        .filter(observable::Column::Kind.is_in(ObservableKind::ALL.iter().copied()))
        .all(&env.db)
        .await?;
    shown(actor, &rows);
    Ok(rows)
}

/// The observables with those ids, for batches.
///
/// # Errors
/// The database refused.
pub async fn by_ids(
    env: &Env,
    actor: &Actor,
    ids: &[ObservableId],
) -> Result<HashMap<ObservableId, observable::Model>, Error> {
    let rows = visible::observables(actor).filter(one_of(env.db.get_database_backend(), ids));
    let rows = rows.all(&env.db).await?;
    shown(actor, &rows);
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// That an observable has one of these ids: one value of the statement, so that its text is the same for any number.
fn one_of(backend: DbBackend, ids: &[ObservableId]) -> Expr {
    let id = Expr::col((observable::Entity, observable::Column::Id));
    if backend == DbBackend::Postgres {
        let array = ids.iter().map(|id| Value::from(id.0)).collect();
        return id.eq(PgFunc::any(Expr::val(Value::Array(ArrayType::Uuid, Some(Box::new(array))))));
    }
    id.in_subquery(given(backend, ids))
}

/// Which of those ids name something visible.
///
/// # Errors
/// The database refused.
pub async fn visible_of(
    env: &Env,
    actor: &Actor,
    ids: &[ObservableId],
) -> Result<HashSet<ObservableId>, Error> {
    let seen: Vec<(ObservableId, Option<OperationId>)> = visible::observables(actor)
        .select_only()
        .columns([observable::Column::Id, observable::Column::OperationId])
        .filter(observable::Column::Id.is_in(ids.iter().copied()))
        .into_tuple()
        .all(&env.db)
        .await?;
    actor.shown(seen.iter().map(|(_, of)| *of));
    Ok(seen.into_iter().map(|(id, _)| id).collect())
}

/// The sources with those ids, for batches.
///
/// # Errors
/// The database refused.
pub async fn sources(
    env: &Env,
    actor: &Actor,
    ids: &[SourceId],
) -> Result<HashMap<SourceId, source::Model>, Error> {
    let rows = visible::sources(actor).filter(source::Column::Id.is_in(ids.iter().copied()));
    Ok(rows.all(&env.db).await?.into_iter().map(|row| (row.id, row)).collect())
}

/// Rows that hang on observables, by observable.
pub type Hanging<T> = HashMap<ObservableId, Vec<T>>;

fn hang<T>(rows: Vec<T>, on: impl Fn(&T) -> ObservableId) -> Hanging<T> {
    let mut by: Hanging<T> = HashMap::new();
    for row in rows {
        by.entry(on(&row)).or_default().push(row);
    }
    by
}

/// The sightings of many observables, newest first.
///
/// # Errors
/// The database refused.
pub async fn sightings(
    env: &Env,
    actor: &Actor,
    of: &[ObservableId],
) -> Result<Hanging<sighting::Model>, Error> {
    let rows = visible::sightings(actor)
        .filter(sighting::Column::ObservableId.is_in(of.iter().copied()))
        .order_by_desc(sighting::Column::Id)
        .all(&env.db)
        .await?;
    Ok(hang(rows, |row| row.observable_id))
}

/// The facts of many observables.
///
/// # Errors
/// The database refused.
pub async fn facts(env: &Env, actor: &Actor, of: &[ObservableId]) -> Result<Hanging<fact::Model>, Error> {
    let rows = visible::facts(actor)
        .filter(fact::Column::ObservableId.is_in(of.iter().copied()))
        .order_by_asc(fact::Column::Kind)
        .order_by_asc(fact::Column::Id)
        .all(&env.db)
        .await?;
    Ok(hang(rows, |row| row.observable_id))
}

/// The observations of many observables, newest answer first within question and server.
///
/// # Errors
/// The database refused.
pub async fn observations(
    env: &Env,
    actor: &Actor,
    of: &[ObservableId],
) -> Result<Hanging<observation::Model>, Error> {
    let rows = visible::observations(actor)
        .filter(observation::Column::ObservableId.is_in(of.iter().copied()))
        .order_by_asc(observation::Column::Probe)
        .order_by_asc(observation::Column::Server)
        .order_by_desc(observation::Column::FirstSeen)
        .order_by_desc(observation::Column::Id)
        .all(&env.db)
        .await?;
    Ok(hang(rows, |row| row.observable_id))
}
