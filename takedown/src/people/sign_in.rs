//! Signing in with a name, a password and, where there is one, a second factor.

use std::time::Duration;

use entities::{PersonId, Secret, SessionId, person};
use serde_json::json;

use super::{
    Device, password, person as people,
    second_factor::{self, Proof},
    session,
    throttle::Attempt,
};
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    audit,
    env::Env,
    error::Error,
};

/// What a person types.
#[derive(Clone)]
pub struct Credentials {
    /// The name.
    pub name: String,
    /// The password.
    pub password: String,
    /// A code of the second factor, or a recovery code.
    pub code: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What is typed as a name may be a password.
        f.write_str("Credentials(redacted)")
    }
}

/// A browser that is now signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub person: PersonId,
    /// By which session.
    pub session: SessionId,
    /// The secret for the cookie.
    pub secret: Secret,
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Name, password or code: it is not said which.
    #[error("name, password or code is not right")]
    Wrong,
    /// Name and password are right; a code is asked for.
    #[error("give the code of your second factor, or a recovery code")]
    SecondFactor,
    /// Too many attempts failed.
    #[error("too many attempts: wait {} s", .0.as_secs().max(1))]
    Wait(Duration),
    /// Something else.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<sea_orm::DbErr> for Refusal {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Failed(error.into())
    }
}

/// Signs in. The session that the browser had before ends.
///
/// # Errors
/// A [`Refusal`]; the ledger keeps it.
pub async fn sign_in(
    env: &Env,
    given: &Credentials,
    device: &Device,
    before: Option<&str>,
) -> Result<SignedIn, Refusal> {
    let name = people::canonical(&given.name);
    let person = people::by_name(&env.db, &name).await?;
    let attempt = noted(env, &name, person.as_ref(), device).await?;
    let person = person.filter(|person| person.disabled_at.is_none());
    let stored = person.as_ref().and_then(|person| person.password.clone());
    let right = password::verify(stored.as_ref().map(|hash| hash.0.as_str()), &given.password).await?;
    let txn = env.begin().await?;
    let Some(person) = person.filter(|_| right) else {
        drop(txn);
        refused(env, &name, device, "password").await?;
        return Err(Refusal::Wrong);
    };
    let person = people::locked(&txn, person.id).await?;
    let proof = second_factor::prove(env, &txn, &person, given.code.as_deref()).await?;
    match proof {
        Proof::NotAsked | Proof::Given(_) => {}
        Proof::Missing => {
            attempt.take_back(&txn, env.now()).await?;
            env.commit(txn).await?;
            return Err(Refusal::SecondFactor);
        }
        Proof::Wrong => {
            drop(txn);
            refused(env, &name, device, "second factor").await?;
            return Err(Refusal::Wrong);
        }
    }
    // Both may have changed while the password was hashed.
    if person.password != stored || person.disabled_at.is_some() {
        return Err(Refusal::Wrong);
    }
    attempt.forgive(&txn, env.now()).await?;
    let (session, secret) = session::open(env, &txn, person.id, device, before).await?;
    let actor = people::actor(&txn, person.id).await?;
    let with = match proof {
        Proof::Given(with) => with,
        Proof::NotAsked | Proof::Missing | Proof::Wrong => "password",
    };
    // The session has the address, where it can be erased.
    let detail = json!({ "session": session.id, "with": with });
    audit::record(&txn, env.now(), &actor, "sign_in", person.id, detail).await?;
    env.commit(txn).await?;
    Ok(SignedIn { person: person.id, session: session.id, secret: Secret(secret) })
}

/// Changes one's own password. All other sessions end.
///
/// # Errors
/// A [`Refusal`], also for a new password that is not acceptable.
pub async fn change_password(
    env: &Env,
    actor: &Actor,
    session: SessionId,
    device: &Device,
    old: &str,
    new: &str,
) -> Result<(), Refusal> {
    access::check(actor, Action::ManageOwnAccess, Subject::System)?;
    let person = proven(env, actor, device, old).await?;
    password::acceptable(new, &person.name)?;
    let hash = password::hash(new, env.ids.secret()).await?;
    let txn = env.begin().await?;
    let person = people::locked(&txn, person.id).await?;
    let person = people::update(&txn, person::Model { password: Some(Secret(hash)), ..person }).await?;
    let ended = session::end_all(&txn, env.now(), person.id, Some(session)).await?;
    audit::record(&txn, env.now(), actor, "change_password", person.id, json!({ "sessions": ended })).await?;
    Ok(env.commit(txn).await?)
}

/// The account of who acts, who gave its password once more: what changes how one signs in asks for it.
pub(super) async fn proven(
    env: &Env,
    actor: &Actor,
    device: &Device,
    given: &str,
) -> Result<person::Model, Refusal> {
    let person = people::own(env, actor).await?;
    let attempt = noted(env, &person.name, Some(&person), device).await?;
    let stored = person.password.as_ref().map(|hash| hash.0.as_str());
    if !password::verify(stored, given).await? {
        refused(env, &person.name, device, "password").await?;
        return Err(Refusal::Wrong);
    }
    let txn = env.begin().await?;
    attempt.take_back(&txn, env.now()).await?;
    env.commit(txn).await?;
    Ok(person)
}

/// Notes an attempt before it is judged.
async fn noted(
    env: &Env,
    name: &str,
    person: Option<&person::Model>,
    device: &Device,
) -> Result<Attempt, Refusal> {
    // Asked for an account that does not exist too, so that both take as long.
    let id = person.map_or(PersonId(uuid::Uuid::nil()), |person| person.id);
    let known = session::known(&env.db, env.now(), id, device.address).await?;
    let attempt = Attempt::new(name, device.address, known);
    let txn = env.begin().await?;
    if let Err(wait) = attempt.begin(&txn, env.now()).await? {
        return Err(Refusal::Wait(wait));
    }
    env.commit(txn).await?;
    Ok(attempt)
}

/// The ledger keeps refusals, of accounts that exist and of others alike, so that neither takes longer; what was typed is
/// not in it.
async fn refused(env: &Env, name: &str, device: &Device, what: &str) -> Result<(), Error> {
    let txn = env.begin().await?;
    let person = people::by_name(&txn, name).await?;
    let subject = person.map_or_else(|| "person:unknown".to_owned(), |person| person.id.to_string());
    tracing::warn!(client.address = ?device.address, wrong = what, "refused to sign somebody in");
    audit::record(&txn, env.now(), &Actor::Nobody, "refuse_sign_in", subject, json!({ "wrong": what }))
        .await?;
    env.commit(txn).await
}
