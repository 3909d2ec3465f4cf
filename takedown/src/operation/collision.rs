//! Blind collision: when a sealed operation and somebody else hold the same, each learns that a desk wants to be spoken to,
//! if the owner of the seal has allowed that; not about what, not how much, not which operation. Else nobody learns
//! anything.
#![expect(
    clippy::disallowed_methods,
    reason = "finds what nobody may see, and tells nothing of it but a desk"
)]

use std::collections::BTreeSet;

use entities::{CollisionId, ImportId, OperationId, collision, operation};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait,
    IntoActiveModel, QueryFilter, QueryOrder, Statement, Value, sea_query::OnConflict,
};
use serde_json::json;

use super::locked;
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    audit,
    env::Env,
    error::Error,
    visible,
};

/// The longest contact, in characters.
const CONTACT_MAX: usize = 200;

/// Lets who holds the same as this operation be told to speak to `contact`, or nobody any more. It counts for what is
/// brought in from then on.
///
/// # Errors
/// There is no such operation, the actor does not know of it or may not, the contact is empty or too long, or the database
/// refused.
pub async fn allow(
    env: &Env,
    actor: &Actor,
    id: OperationId,
    contact: Option<&str>,
) -> Result<operation::Model, Error> {
    let contact = contact.map(str::trim);
    if contact.is_some_and(|text| {
        text.is_empty() || text.chars().count() > CONTACT_MAX || text.chars().any(char::is_control)
    }) {
        let why = format!("must be 1 to {CONTACT_MAX} characters: a desk's name and how to reach it");
        return Err(Error::invalid("contact", why));
    }
    let txn = env.begin().await?;
    let (mut row, subject) = locked(&txn, actor, id).await?;
    access::check(actor, Action::UnsealOperation, subject)?;
    row.contact = contact.map(str::to_owned);
    row.version += 1;
    row.clone().into_active_model().reset_all().update(&txn).await?;
    let detail = json!({ "contact": row.contact });
    audit::record_of(&txn, env.now(), actor, Some(id), "allow_collision", id, detail).await?;
    env.commit(txn).await?;
    Ok(row)
}

/// The desks that want to be spoken to: by oneself, or by an operation that one knows of; oldest first.
///
/// # Errors
/// The actor may not read, or the database refused.
pub async fn collisions(env: &Env, actor: &Actor) -> Result<Vec<collision::Model>, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let rows = visible::collisions(actor).order_by_asc(collision::Column::Id).all(&env.db).await?;
    actor.shown(rows.iter().map(|row| row.operation_id));
    Ok(rows)
}

/// Somebody to be told: the members of an operation, or an actor.
type Told = (Option<OperationId>, String);

/// Notes with whom an import collides, in its transaction: what it brought into `place`, an operation or none.
pub(crate) async fn note(
    env: &Env,
    txn: &DatabaseTransaction,
    actor: &Actor,
    place: Option<OperationId>,
    import: ImportId,
) -> Result<(), Error> {
    let allowing = operation::Entity::find()
        .filter(operation::Column::Contact.is_not_null())
        .filter(operation::Column::SealedAt.is_not_null())
        .all(txn)
        .await?;
    let own = match place {
        Some(id) => operation::Entity::find_by_id(id).one(txn).await?,
        None => None,
    };
    let mut told: BTreeSet<(Told, String)> = BTreeSet::new();
    let here: Told = place.map_or_else(|| (None, actor.to_string()), |id| (Some(id), id.to_string()));
    // With whom a desk of this place would speak: its own, or the party of who imports.
    let desk = match (&own, actor) {
        (Some(own), _) => own.contact.clone(),
        (None, Actor::Person { agency, .. }) => agency.clone(),
        (None, _) => None,
    };
    for other in allowing.iter().filter(|other| Some(other.id) != place) {
        let Some(contact) = &other.contact else { continue };
        if shares(txn, other.id, place, import).await? {
            told.insert((here.clone(), contact.clone()));
            told.extend(desk.clone().map(|desk| ((Some(other.id), other.id.to_string()), desk)));
        }
    }
    // What a sealed operation brings in, others may hold who allow nothing, or who imported it for no operation.
    if let Some(contact) = own.filter(|own| own.sealed_at.is_some()).and_then(|own| own.contact) {
        for there in holders(txn, place, import).await? {
            told.insert((there, contact.clone()));
        }
    }
    let rows = told.into_iter().map(|((operation_id, told_to), contact)| collision::ActiveModel {
        id: Set(env.id::<CollisionId>()),
        operation_id: Set(operation_id),
        told_to: Set(told_to),
        contact: Set(contact),
        at: Set(env.now()),
    });
    let known = OnConflict::columns([collision::Column::ToldTo, collision::Column::Contact])
        .do_nothing_on([collision::Column::Id])
        .to_owned();
    for row in rows {
        collision::Entity::insert(row).on_conflict(known.clone()).exec_without_returning(txn).await?;
    }
    Ok(())
}

/// Whether an operation holds something that an import sighted in `place`.
async fn shares(
    txn: &DatabaseTransaction,
    other: OperationId,
    place: Option<OperationId>,
    import: ImportId,
) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM observable theirs JOIN observable ours \
               ON ours.value = theirs.value AND ours.kind = theirs.kind \
               WHERE theirs.operation_id = $1 AND ours.operation_id IS NOT DISTINCT FROM $2 \
               AND EXISTS (SELECT 1 FROM sighting s WHERE s.observable_id = theirs.id) \
               AND EXISTS (SELECT 1 FROM sighting s WHERE s.observable_id = ours.id AND s.import_id = $3) LIMIT 1";
    let values = [Value::from(other), Value::from(place), Value::from(import)];
    let statement = Statement::from_sql_and_values(txn.get_database_backend(), sql, values);
    Ok(txn.query_one_raw(statement).await?.is_some())
}

/// Who else holds something that an import sighted in `place`: other operations, and who imported it for none.
async fn holders(
    txn: &DatabaseTransaction,
    place: Option<OperationId>,
    import: ImportId,
) -> Result<Vec<Told>, Error> {
    let sql = "SELECT DISTINCT theirs.operation_id, \
               CASE WHEN theirs.operation_id IS NULL THEN arrival.created_by END AS told_to \
               FROM sighting s JOIN observable ours ON ours.id = s.observable_id \
               JOIN observable theirs ON theirs.value = ours.value AND theirs.kind = ours.kind \
               JOIN sighting said ON said.observable_id = theirs.id JOIN import arrival ON arrival.id = said.import_id \
               WHERE s.import_id = $1 AND theirs.operation_id IS DISTINCT FROM $2";
    let values = [Value::from(import), Value::from(place)];
    let statement = Statement::from_sql_and_values(txn.get_database_backend(), sql, values);
    let mut holders = Vec::new();
    for row in txn.query_all_raw(statement).await? {
        let operation: Option<OperationId> = row.try_get_by_index(0)?;
        let actor: Option<String> = row.try_get_by_index(1)?;
        holders.extend(match operation {
            Some(id) => Some((Some(id), id.to_string())),
            None => actor.map(|actor| (None, actor)),
        });
    }
    Ok(holders)
}
