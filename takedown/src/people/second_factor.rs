//! Second factors: a time-based code from an authenticator, and recovery codes for when it is lost.
#![expect(clippy::disallowed_methods, reason = "the store file of second factors")]

use entities::{PersonId, Secret, person, recovery_code};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel,
    QueryFilter,
};
use serde_json::json;

use super::{
    Device, digest, person as people,
    sign_in::{Refusal, proven},
    totp,
};
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    audit,
    env::Env,
    error::Error,
    token::base32,
};

/// How many recovery codes a person has.
const RECOVERY_CODES: usize = 10;

/// What an authenticator is told.
#[derive(Clone, Debug)]
pub struct Enrolment {
    /// The secret in base32, to be typed.
    pub secret: Secret,
    /// The same as an `otpauth` URI, to be scanned.
    pub uri: Secret,
}

/// Whether somebody who gave the password gave the second factor too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// The account has none.
    NotAsked,
    /// Yes, and by what.
    Given(&'static str),
    /// The account has one, and no code was given.
    Missing,
    /// The code is not right, or was used before.
    Wrong,
}

/// Judges a code; what is right is used up in the transaction. `person` was read under lock.
pub(super) async fn prove(
    env: &Env,
    txn: &DatabaseTransaction,
    person: &person::Model,
    code: Option<&str>,
) -> Result<Proof, Error> {
    let (Some(_), Some(sealed)) = (person.second_factor_at, &person.second_factor) else {
        return Ok(Proof::NotAsked);
    };
    let code: String = code.unwrap_or_default().chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    if code.is_empty() {
        return Ok(Proof::Missing);
    }
    if code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()) {
        let secret = env.seal()?.open(&person.id.to_string(), sealed).map_err(Error::internal)?;
        let Some(step) = totp::step(&secret, &code, env.now(), person.second_factor_step) else {
            return Ok(Proof::Wrong);
        };
        people::update(txn, person::Model { second_factor_step: step, ..person.clone() }).await?;
        return Ok(Proof::Given("second factor"));
    }
    let used = recovery_code::Entity::update_many()
        .set(recovery_code::ActiveModel { used_at: Set(Some(env.now())), ..Default::default() })
        .filter(recovery_code::Column::PersonId.eq(person.id))
        .filter(recovery_code::Column::Hash.eq(digest(&code.to_lowercase())))
        .filter(recovery_code::Column::UsedAt.is_null())
        .exec(txn)
        .await?;
    Ok(if used.rows_affected == 1 { Proof::Given("recovery code") } else { Proof::Wrong })
}

/// Begins a second factor for who acts, who gives the password once more. It is asked for once it was confirmed.
///
/// # Errors
/// A [`Refusal`]; the account has one already; there is no key to seal it with.
pub async fn begin(env: &Env, actor: &Actor, device: &Device, password: &str) -> Result<Enrolment, Refusal> {
    access::check(actor, Action::ManageOwnAccess, Subject::System)?;
    let person = proven(env, actor, device, password).await?;
    let random = env.ids.secret();
    let secret = &random[..totp::SECRET];
    let sealed =
        env.seal()?.close(&person.id.to_string(), secret, env.ids.secret()).map_err(Error::internal)?;
    let txn = env.begin().await?;
    let person = people::locked(&txn, person.id).await?;
    if person.second_factor_at.is_some() {
        let from = "the account has a second factor: take it away first".to_owned();
        return Err(Error::Conflict { from, event: "beginning another".into() }.into());
    }
    let name = person.name.clone();
    people::update(&txn, person::Model { second_factor: Some(sealed), second_factor_step: 0, ..person })
        .await?;
    env.commit(txn).await?;
    let text = base32(secret).to_uppercase();
    let uri = format!("otpauth://totp/Lockstep:{}?secret={text}&issuer=Lockstep", name.replace('@', "%40"));
    Ok(Enrolment { secret: Secret(text), uri: Secret(uri) })
}

/// Confirms a second factor with its first code, and returns the recovery codes, which are shown once.
///
/// # Errors
/// The code is not right; nothing was begun; the actor may not; the database refused.
pub async fn confirm(env: &Env, actor: &Actor, code: &str) -> Result<Vec<Secret>, Refusal> {
    access::check(actor, Action::ManageOwnAccess, Subject::System)?;
    let id = people::own(env, actor).await?.id;
    let txn = env.begin().await?;
    let person = people::locked(&txn, id).await?;
    let sealed = match (&person.second_factor, person.second_factor_at) {
        (Some(sealed), None) => sealed,
        _ => {
            let from = "no second factor waits for it".to_owned();
            return Err(Error::Conflict { from, event: "confirming".into() }.into());
        }
    };
    let secret = env.seal()?.open(&id.to_string(), sealed).map_err(Error::internal)?;
    let step = totp::step(&secret, code.trim(), env.now(), 0).ok_or(Refusal::Wrong)?;
    let at = Some(env.now());
    let person = person::Model { second_factor_at: at, second_factor_step: step, ..person };
    people::update(&txn, person).await?;
    recovery_code::Entity::delete_many().filter(recovery_code::Column::PersonId.eq(id)).exec(&txn).await?;
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        // 80 bits, in four groups.
        let code = base32(&env.ids.secret()[..10]);
        let row = recovery_code::Model { person_id: id, hash: digest(&code), used_at: None };
        row.into_active_model().reset_all().insert(&txn).await?;
        codes.push(Secret([&code[..4], &code[4..8], &code[8..12], &code[12..]].join("-")));
    }
    audit::record(&txn, env.now(), actor, "confirm_second_factor", id, json!({})).await?;
    env.commit(txn).await?;
    Ok(codes)
}

/// Takes one's own second factor away, with password and a code.
///
/// # Errors
/// A [`Refusal`].
pub async fn remove(
    env: &Env,
    actor: &Actor,
    device: &Device,
    password: &str,
    code: &str,
) -> Result<(), Refusal> {
    access::check(actor, Action::ManageOwnAccess, Subject::System)?;
    let id = proven(env, actor, device, password).await?.id;
    let txn = env.begin().await?;
    let person = people::locked(&txn, id).await?;
    match prove(env, &txn, &person, Some(code)).await? {
        Proof::NotAsked => return Ok(()),
        Proof::Missing => return Err(Refusal::SecondFactor),
        Proof::Wrong => return Err(Refusal::Wrong),
        Proof::Given(_) => {}
    }
    take_away(env, &txn, actor, id).await?;
    Ok(env.commit(txn).await?)
}

/// Takes away the second factor of somebody who lost it and the recovery codes.
///
/// # Errors
/// The actor may not, there is no such person, or the database refused.
pub async fn reset(env: &Env, actor: &Actor, id: PersonId) -> Result<(), Error> {
    access::check(actor, Action::ManagePeople, Subject::System)?;
    let txn = env.begin().await?;
    take_away(env, &txn, actor, id).await?;
    env.commit(txn).await
}

async fn take_away(env: &Env, txn: &DatabaseTransaction, actor: &Actor, id: PersonId) -> Result<(), Error> {
    let person = people::locked(txn, id).await?;
    let none = person::Model { second_factor: None, second_factor_at: None, second_factor_step: 0, ..person };
    people::update(txn, none).await?;
    recovery_code::Entity::delete_many().filter(recovery_code::Column::PersonId.eq(id)).exec(txn).await?;
    audit::record(txn, env.now(), actor, "remove_second_factor", id, json!({})).await?;
    Ok(())
}
