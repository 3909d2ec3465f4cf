//! One-time links: with one a person chooses a first password, or a new one when the old is lost.
#![expect(clippy::disallowed_methods, reason = "the store file of one-time links")]

use std::time::Duration;

use entities::{ActorRole, PersonId, Secret, invite, person};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter,
};
use serde_json::json;

use super::{NewPerson, digest, password, person as people, session};
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    audit,
    env::Env,
    error::Error,
    token::base32,
};

/// What the secret of every link begins with.
const PREFIX: &str = "lki_";
/// How long a link can be used.
pub const VALID: Duration = Duration::from_secs(24 * 60 * 60);

/// Makes a link for a person; an earlier one ends. The secret is returned once and kept nowhere.
///
/// # Errors
/// The actor may not, there is no such person, or the database refused.
pub async fn create(env: &Env, actor: &Actor, id: PersonId) -> Result<String, Error> {
    access::check(actor, Action::ManagePeople, Subject::System)?;
    let txn = env.begin().await?;
    people::locked(&txn, id).await?;
    let secret = create_in(env, &txn, actor, id).await?;
    env.commit(txn).await?;
    Ok(secret)
}

async fn create_in(
    env: &Env,
    txn: &DatabaseTransaction,
    actor: &Actor,
    id: PersonId,
) -> Result<String, Error> {
    end(env, txn, id).await?;
    let secret = format!("{PREFIX}{}", base32(&env.ids.secret()));
    let row = invite::Model {
        id: env.id(),
        person_id: id,
        hash: digest(&secret),
        created_by: actor.to_string(),
        created_at: env.now(),
        expires_at: env.now().plus(VALID),
        used_at: None,
    };
    row.clone().into_active_model().reset_all().insert(txn).await?;
    audit::record(txn, env.now(), actor, "invite_person", id, json!({ "invite": row.id })).await?;
    Ok(secret)
}

/// Makes the first administrator, or finds the one who has not chosen a password yet, and a link for it.
///
/// # Errors
/// Some administrator can sign in already; the name is wrong or somebody else's; the database refused.
pub async fn bootstrap(env: &Env, actor: &Actor, name: &str) -> Result<(person::Model, String), Error> {
    access::check(actor, Action::ManagePeople, Subject::System)?;
    let txn = env.begin().await?;
    let able = person::Entity::find()
        .filter(person::Column::Role.eq(ActorRole::Admin))
        .filter(person::Column::DisabledAt.is_null())
        .filter(person::Column::Password.is_not_null());
    if able.count(&txn).await? > 0 {
        let from =
            "an administrator can sign in already; `lockstep user link NAME` makes a link for one".to_owned();
        return Err(Error::Conflict { from, event: "making the first administrator".into() });
    }
    let row = match people::by_name(&txn, &people::canonical(name)).await? {
        Some(row) if row.role == ActorRole::Admin && row.disabled_at.is_none() => row,
        Some(_) => {
            return Err(Error::invalid("name", "somebody who is no administrator has it: choose another"));
        }
        None => {
            let role = ActorRole::Admin;
            let new =
                NewPerson { name: name.to_owned(), full_name: None, role, party: None, clearance: None };
            people::create_in(env, &txn, actor, new).await?
        }
    };
    let secret = create_in(env, &txn, actor, row.id).await?;
    env.commit(txn).await?;
    Ok((row, secret))
}

/// For whom a link is, if it can be used.
///
/// # Errors
/// [`Error::NotFound`] for one that is unknown, used or out of time, without saying which.
pub async fn whose(env: &Env, secret: &str) -> Result<person::Model, Error> {
    let row = usable(env, &env.db, secret).await?;
    let person = person::Entity::find_by_id(row.person_id).one(&env.db).await?;
    person.filter(|person| person.disabled_at.is_none()).ok_or_else(none)
}

/// Chooses a password with a link. The link, older links and all sessions of the person end.
///
/// # Errors
/// As [`whose`]; the password is not acceptable; the database refused.
pub async fn accept(env: &Env, secret: &str, new: &str) -> Result<person::Model, Error> {
    let person = whose(env, secret).await?;
    password::acceptable(new, &person.name)?;
    let hash = password::hash(new, env.ids.secret()).await?;
    let txn = env.begin().await?;
    let person = people::locked(&txn, person.id).await?;
    // Looked at again under the lock: a link counts once.
    let row = usable(env, &txn, secret).await?;
    if person.disabled_at.is_some() || row.person_id != person.id {
        return Err(none());
    }
    end(env, &txn, person.id).await?;
    session::end_all(&txn, env.now(), person.id, None).await?;
    let person = people::update(&txn, person::Model { password: Some(Secret(hash)), ..person }).await?;
    let actor = people::actor(&txn, person.id).await?;
    audit::record(&txn, env.now(), &actor, "accept_invite", person.id, json!({ "invite": row.id })).await?;
    env.commit(txn).await?;
    Ok(person)
}

fn none() -> Error {
    Error::not_found("link", "that can be used: ask an administrator for a new one")
}

async fn usable(env: &Env, db: &impl sea_orm::ConnectionTrait, secret: &str) -> Result<invite::Model, Error> {
    if !secret.starts_with(PREFIX) || secret.len() > 128 {
        return Err(none());
    }
    let row = invite::Entity::find().filter(invite::Column::Hash.eq(digest(secret))).one(db).await?;
    row.filter(|row| row.used_at.is_none() && row.expires_at > env.now()).ok_or_else(none)
}

/// Ends every link of a person.
async fn end(env: &Env, txn: &DatabaseTransaction, id: PersonId) -> Result<(), Error> {
    invite::Entity::update_many()
        .set(invite::ActiveModel { used_at: Set(Some(env.now())), ..Default::default() })
        .filter(invite::Column::PersonId.eq(id))
        .filter(invite::Column::UsedAt.is_null())
        .exec(txn)
        .await?;
    Ok(())
}
