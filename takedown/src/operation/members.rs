//! Who works in an operation: people, and parties with all of their people.
#![expect(
    clippy::disallowed_methods,
    reason = "the store file of memberships, for operations that were seen"
)]

use std::collections::HashMap;

use entities::{OperationId, PartyId, PersonId, operation, operation_member, party, person};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};
use serde_json::json;

use super::{locked, readers::unread};
use crate::{
    access::{self, Action},
    actor::Actor,
    audit,
    env::Env,
    error::Error,
    visible,
};

/// A person or a party.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// One person.
    Person(PersonId),
    /// Everybody of a party, also who comes later.
    Party(PartyId),
}

/// A membership, with the name that its person signs in with or its party's.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The membership.
    pub row: operation_member::Model,
    /// The name; empty for a person who was erased.
    pub name: String,
}

/// Who is meant: a person by id (`psn_…`) or by the name to sign in with, a party by id (`pty_…`) or, after `party:`, by key.
///
/// # Errors
/// The actor may make no operation, so has nobody to name; there is nobody of that name; or the database refused.
pub async fn who(env: &Env, actor: &Actor, text: &str) -> Result<Who, Error> {
    access::check(actor, Action::CreateOperation, access::Subject::System)?;
    let none = || Error::not_found("member", text);
    if let Ok(id) = text.parse::<PartyId>() {
        return Ok(Who::Party(id));
    }
    if let Ok(id) = text.parse::<PersonId>() {
        return Ok(Who::Person(id));
    }
    if let Some(key) = text.strip_prefix("party:") {
        let row = party::Entity::find().filter(party::Column::Key.eq(key)).one(&env.db).await?;
        return row.map(|row| Who::Party(row.id)).ok_or_else(none);
    }
    let name = text.trim().to_lowercase();
    let row = person::Entity::find().filter(person::Column::Name.eq(name)).one(&env.db).await?;
    row.map(|row| Who::Person(row.id)).ok_or_else(none)
}

/// The members of the operations among these that the actor knows of, in the order in which they were added.
///
/// # Errors
/// The database refused.
pub async fn members(
    env: &Env,
    actor: &Actor,
    of: &[OperationId],
) -> Result<HashMap<OperationId, Vec<Member>>, Error> {
    let seen = visible::operations(actor)
        .filter(operation::Column::Id.is_in(of.iter().copied()))
        .select_only()
        .column(operation::Column::Id)
        .into_query();
    let rows = operation_member::Entity::find()
        .filter(operation_member::Column::OperationId.in_subquery(seen))
        .order_by_asc(operation_member::Column::Id)
        .all(&env.db)
        .await?;
    let people = person::Entity::find()
        .filter(person::Column::Id.is_in(rows.iter().filter_map(|row| row.person_id)))
        .all(&env.db)
        .await?;
    let parties = party::Entity::find()
        .filter(party::Column::Id.is_in(rows.iter().filter_map(|row| row.party_id)))
        .all(&env.db)
        .await?;
    let people: HashMap<PersonId, String> = people.into_iter().map(|row| (row.id, row.name)).collect();
    let parties: HashMap<PartyId, String> = parties.into_iter().map(|row| (row.id, row.name)).collect();
    let mut by: HashMap<OperationId, Vec<Member>> = HashMap::new();
    for row in rows {
        let person = row.person_id.and_then(|id| people.get(&id));
        let party = row.party_id.and_then(|id| parties.get(&id));
        let name = person.or(party).cloned().unwrap_or_default();
        by.entry(row.operation_id).or_default().push(Member { row, name });
    }
    Ok(by)
}

/// The members of an operation, each party with its key.
pub(super) async fn of(
    db: &impl ConnectionTrait,
    id: OperationId,
) -> Result<Vec<(operation_member::Model, Option<String>)>, Error> {
    let rows =
        operation_member::Entity::find().filter(operation_member::Column::OperationId.eq(id)).all(db).await?;
    let parties = party::Entity::find()
        .filter(party::Column::Id.is_in(rows.iter().filter_map(|row| row.party_id)))
        .all(db)
        .await?;
    let keys: HashMap<PartyId, String> = parties.into_iter().map(|row| (row.id, row.key)).collect();
    let key = |row: &operation_member::Model| row.party_id.and_then(|id| keys.get(&id).cloned());
    Ok(rows.into_iter().map(|row| (row.clone(), key(&row))).collect())
}

/// Puts the first members into a new operation.
pub(super) async fn first(
    env: &Env,
    txn: &DatabaseTransaction,
    actor: &Actor,
    id: OperationId,
    members: impl Iterator<Item = Who>,
) -> Result<(), Error> {
    let mut members: Vec<Who> = members.collect();
    members.sort_unstable();
    members.dedup();
    if members.is_empty() {
        let why = "name at least one: who makes it has no account here, nor a party in the directory";
        return Err(Error::invalid("members", why));
    }
    for who in members {
        put(env, txn, actor, id, who).await?;
    }
    Ok(())
}

/// Adds a member to an operation. Adding one that is there changes nothing.
///
/// # Errors
/// There is no such operation, person or party, or the actor does not know of it; the actor may not; or the database
/// refused.
pub async fn add(
    env: &Env,
    actor: &Actor,
    id: OperationId,
    who: Who,
) -> Result<operation_member::Model, Error> {
    let txn = env.begin().await?;
    let (_, subject) = locked(&txn, actor, id).await?;
    access::check(actor, Action::ManageOperation, subject)?;
    if let Some((row, _)) = of(&txn, id).await?.into_iter().find(|(row, _)| is(row, who)) {
        return Ok(row);
    }
    let row = put(env, &txn, actor, id, who).await?;
    env.commit(txn).await?;
    Ok(row)
}

/// Removes a member from an operation; it knows of it no longer, at once.
///
/// # Errors
/// As [`add`]; it is the last member, or the last who can read it.
pub async fn remove(env: &Env, actor: &Actor, id: OperationId, who: Who) -> Result<(), Error> {
    let txn = env.begin().await?;
    let (operation, subject) = locked(&txn, actor, id).await?;
    access::check(actor, Action::ManageOperation, subject)?;
    let members = of(&txn, id).await?;
    let row = members.iter().map(|(row, _)| row).find(|row| is(row, who));
    let row = row.ok_or_else(|| Error::not_found("member", name(who)))?;
    if members.len() == 1 {
        let from = "nobody would know of it any more: add another member first".to_owned();
        return Err(Error::Conflict { from, event: "removing the last member".into() });
    }
    operation_member::Entity::delete_by_id(row.id).exec(&txn).await?;
    if !unread(&txn, &[operation]).await?.is_empty() {
        let from = format!("{id} would lose the last member who can read it: add another member first");
        return Err(Error::Conflict { from, event: "this".into() });
    }
    let detail = json!({ "member": name(who) });
    audit::record_of(&txn, env.now(), actor, Some(id), "remove_operation_member", id, detail).await?;
    env.commit(txn).await
}

async fn put(
    env: &Env,
    txn: &DatabaseTransaction,
    actor: &Actor,
    id: OperationId,
    who: Who,
) -> Result<operation_member::Model, Error> {
    let there = match who {
        Who::Person(id) => person::Entity::find_by_id(id).one(txn).await?.is_some(),
        Who::Party(id) => party::Entity::find_by_id(id).one(txn).await?.is_some(),
    };
    if !there {
        return Err(Error::not_found("member", name(who)));
    }
    let (person_id, party_id) = match who {
        Who::Person(id) => (Some(id), None),
        Who::Party(id) => (None, Some(id)),
    };
    let row = operation_member::Model {
        id: env.id(),
        operation_id: id,
        person_id,
        party_id,
        added_by: actor.to_string(),
        added_at: env.now(),
    };
    row.clone().into_active_model().reset_all().insert(txn).await?;
    let detail = json!({ "member": name(who) });
    audit::record_of(txn, env.now(), actor, Some(id), "add_operation_member", id, detail).await?;
    Ok(row)
}

fn is(row: &operation_member::Model, who: Who) -> bool {
    match who {
        Who::Person(id) => row.person_id == Some(id),
        Who::Party(id) => row.party_id == Some(id),
    }
}

fn name(who: Who) -> String {
    match who {
        Who::Person(id) => id.to_string(),
        Who::Party(id) => id.to_string(),
    }
}
