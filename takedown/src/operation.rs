//! Operations: who works on what together, and who may know of it.
//!
//! What is brought into an operation belongs to it, and so does everything that comes of it: names, links, looks, clusters,
//! tasks, notices and events. It is kept apart from what others hold of the same names (see `access`), so that sealing an
//! operation, or lifting its seal, changes who knows of it and no row of it.

mod collision;
mod members;
mod readers;
mod reads;

use entities::{Handling, OperationId, Pap, PartyId, Tlp, operation, party};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::json;

pub(crate) use self::collision::note as note_collisions;
pub(crate) use self::readers::keep_a_reader;
pub use self::{
    collision::{allow as allow_collisions, collisions},
    members::{Member, Who, add, members, remove, who},
    reads::record_reads,
};
use crate::{
    access::{self, Action, Standing, Subject},
    actor::Actor,
    audit,
    env::Env,
    error::Error,
    reads::{Page, Slice, cut},
    visible,
};

/// The longest name, in characters.
const NAME_MAX: usize = 200;

/// An operation to be made.
#[derive(Clone, Debug)]
pub struct NewOperation {
    /// What people call it.
    pub name: String,
    /// How far what belongs to it may be shared at most.
    pub tlp: Tlp,
    /// What may be done at most with what belongs to it.
    pub pap: Pap,
    /// What its provider permits at most to be done with what belongs to it.
    pub handling: Handling,
    /// Whether only its members may know of it.
    pub sealed: bool,
    /// Who works in it besides who makes it.
    pub members: Vec<Who>,
}

/// Makes an operation. Who makes it is a member, and its party, if it has one, owns it.
///
/// # Errors
/// The actor may not, a field is wrong, there would be no member, or the database refused.
pub async fn create(env: &Env, actor: &Actor, new: NewOperation) -> Result<operation::Model, Error> {
    access::check(actor, Action::CreateOperation, Subject::System)?;
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > NAME_MAX || name.chars().any(char::is_control) {
        return Err(Error::invalid("name", format!("must be 1 to {NAME_MAX} characters")));
    }
    if access::clearance(actor).is_none_or(|limit| new.tlp > limit) {
        return Err(Error::invalid("tlp", "must be a label that you read yourself"));
    }
    let txn = env.begin().await?;
    let owner = own_party(&txn, actor).await?;
    let row = operation::Model {
        id: env.id(),
        name: name.to_owned(),
        tlp: new.tlp,
        pap: new.pap,
        handling: new.handling,
        owner_id: owner,
        sealed_at: new.sealed.then(|| env.now()),
        contact: None,
        created_by: actor.to_string(),
        created_at: env.now(),
        version: 1,
    };
    row.clone().into_active_model().reset_all().insert(&txn).await?;
    let own = actor.account().map(Who::Person).or(owner.map(Who::Party));
    members::first(env, &txn, actor, row.id, own.into_iter().chain(new.members)).await?;
    let detail = json!({
        "name": row.name, "tlp": row.tlp, "pap": row.pap, "handling": row.handling, "sealed": new.sealed, "owner": row.owner_id,
    });
    audit::record_of(&txn, env.now(), actor, Some(row.id), "create_operation", row.id, detail).await?;
    env.commit(txn).await?;
    Ok(row)
}

/// The party of who acts, if the directory knows it.
#[expect(clippy::disallowed_methods, reason = "one's own party, of the directory")]
async fn own_party(txn: &DatabaseTransaction, actor: &Actor) -> Result<Option<PartyId>, Error> {
    let Actor::Person { agency: Some(key), .. } = actor else { return Ok(None) };
    let row = party::Entity::find().filter(party::Column::Key.eq(key.as_str())).one(txn).await?;
    Ok(row.map(|row| row.id))
}

/// A page of the operations that the actor knows of, in the order in which they were made.
///
/// # Errors
/// The actor may not read, the page is out of bounds, or the database refused.
pub async fn list(env: &Env, actor: &Actor, page: Page) -> Result<Slice<operation::Model>, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let slice = cut(&env.db, visible::operations(actor), operation::Column::Id, page).await?;
    actor.shown(slice.rows.iter().map(|row| Some(row.id)));
    Ok(slice)
}

/// The operation with that id.
///
/// # Errors
/// There is none, the actor does not know of it or may not read, or the database refused.
pub async fn by_id(env: &Env, actor: &Actor, id: OperationId) -> Result<operation::Model, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let (row, subject) = find(&env.db, actor, id).await?;
    access::check(actor, Action::Read, subject)?;
    actor.shown([Some(id)]);
    Ok(row)
}

/// The operation with that id, or that name.
///
/// # Errors
/// There is none, or several have that name; the actor does not know of it or may not read; the database refused.
pub async fn named(env: &Env, actor: &Actor, text: &str) -> Result<operation::Model, Error> {
    if let Ok(id) = text.parse() {
        return by_id(env, actor, id).await;
    }
    access::check(actor, Action::Read, Subject::System)?;
    let named = visible::operations(actor).filter(operation::Column::Name.eq(text.trim()));
    let rows = named.order_by_asc(operation::Column::Id).limit(2).all(&env.db).await?;
    match <[operation::Model; 1]>::try_from(rows) {
        Ok([row]) => {
            actor.shown([Some(row.id)]);
            Ok(row)
        }
        Err(rows) if rows.is_empty() => Err(Error::not_found("operation", text)),
        Err(_) => Err(Error::invalid("operation", "several have that name: give the id (opn_…)")),
    }
}

/// The operations with those ids, for batches.
///
/// # Errors
/// The database refused.
pub async fn by_ids(
    env: &Env,
    actor: &Actor,
    ids: &[OperationId],
) -> Result<std::collections::HashMap<OperationId, operation::Model>, Error> {
    let rows = visible::operations(actor).filter(operation::Column::Id.is_in(ids.iter().copied()));
    Ok(rows.all(&env.db).await?.into_iter().map(|row| (row.id, row)).collect())
}

/// The operation with that id, and what a rule needs to know of it.
///
/// # Errors
/// There is none, or the actor does not know of it; the database refused.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    actor: &Actor,
    id: OperationId,
) -> Result<(operation::Model, Subject<'static>), Error> {
    let row = visible::operations(actor).filter(operation::Column::Id.eq(id)).one(db).await?;
    let row = row.ok_or_else(|| Error::not_found("operation", id))?;
    let subject = subject(db, actor, &row).await?;
    Ok((row, subject))
}

/// The same, locked until the transaction ends.
async fn locked(
    txn: &DatabaseTransaction,
    actor: &Actor,
    id: OperationId,
) -> Result<(operation::Model, Subject<'static>), Error> {
    access::signed_in(actor)?;
    let select = visible::for_update(visible::operations(actor)).filter(operation::Column::Id.eq(id));
    let row = select.one(txn).await?.ok_or_else(|| Error::not_found("operation", id))?;
    let subject = subject(txn, actor, &row).await?;
    Ok((row, subject))
}

#[expect(clippy::disallowed_methods, reason = "the key of a party, of the directory")]
async fn subject(
    db: &impl ConnectionTrait,
    actor: &Actor,
    row: &operation::Model,
) -> Result<Subject<'static>, Error> {
    let owner = match row.owner_id {
        Some(id) => party::Entity::find_by_id(id).one(db).await?.map(|party| party.key),
        None => None,
    };
    let members = members::of(db, row.id).await?;
    let standing: Standing = access::standing(actor, row, owner.as_deref(), &members);
    Ok(Subject::Operation { standing, sealed: row.sealed_at.is_some() })
}

/// Seals an operation: from now on only its members know of it. Sealing a sealed one changes nothing.
///
/// # Errors
/// There is none, the actor does not know of it or may not, or the database refused.
pub async fn seal(env: &Env, actor: &Actor, id: OperationId) -> Result<operation::Model, Error> {
    set(env, actor, id, Action::ManageOperation, true).await
}

/// Lifts the seal of an operation: from now on everybody who reads cases knows of it. Lifting none changes nothing.
///
/// # Errors
/// As [`seal`].
pub async fn unseal(env: &Env, actor: &Actor, id: OperationId) -> Result<operation::Model, Error> {
    set(env, actor, id, Action::UnsealOperation, false).await
}

async fn set(
    env: &Env,
    actor: &Actor,
    id: OperationId,
    action: Action,
    sealed: bool,
) -> Result<operation::Model, Error> {
    let txn = env.begin().await?;
    let (mut row, subject) = locked(&txn, actor, id).await?;
    access::check(actor, action, subject)?;
    if row.sealed_at.is_some() == sealed {
        return Ok(row);
    }
    row.sealed_at = sealed.then(|| env.now());
    row.version += 1;
    row.clone().into_active_model().reset_all().update(&txn).await?;
    let verb = if sealed { "seal_operation" } else { "unseal_operation" };
    audit::record_of(&txn, env.now(), actor, Some(id), verb, id, json!({})).await?;
    env.commit(txn).await?;
    Ok(row)
}

#[cfg(test)]
mod tests;
