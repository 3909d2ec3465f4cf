//! Sessions: a browser that is signed in, by a secret in its cookie of which only the hash is kept. A session ends when
//! it is idle, when it is old, when it is ended, and when its person's role or password changes.
#![expect(clippy::disallowed_methods, reason = "the store file of sessions, which holds no case content")]

use std::{net::IpAddr, time::Duration};

use entities::{PersonId, SessionId, Timestamp, session};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait,
    IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
};
use serde_json::json;
use subtle::ConstantTimeEq;

use super::{digest, person};
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    audit,
    env::Env,
    error::Error,
    token::base32,
};

/// What every secret of a session begins with.
const PREFIX: &str = "lks1_";
/// How far back an address is known to an account.
const KNOWN_FOR: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// The most characters of a browser's name that are kept.
const AGENT_MAX: usize = 200;

/// Where a request comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// The address, if it is known.
    pub address: Option<IpAddr>,
    /// What the browser calls itself.
    pub agent: String,
}

/// Opens a session for a person and returns its secret. The session that the browser had before ends, so that a secret
/// that somebody else planted is worth nothing (OWASP ASVS 3.2.1).
pub(super) async fn open(
    env: &Env,
    txn: &DatabaseTransaction,
    who: PersonId,
    device: &Device,
    before: Option<&str>,
) -> Result<(session::Model, String), Error> {
    if let Some(before) = before {
        end_secret(txn, env.now(), before).await?;
    }
    let secret = format!("{PREFIX}{}", base32(&env.ids.secret()));
    let row = session::Model {
        id: env.id(),
        person_id: who,
        hash: digest(&secret),
        address: device.address.map(|address| address.to_canonical().to_string()).unwrap_or_default(),
        agent: device.agent.chars().filter(|c| !c.is_control()).take(AGENT_MAX).collect(),
        created_at: env.now(),
        seen_at: env.now(),
        expires_at: env.now().plus(env.settings.auth.session_longest),
        ended_at: None,
    };
    row.clone().into_active_model().reset_all().insert(txn).await?;
    Ok((row, secret))
}

fn lives(env: &Env, row: &session::Model) -> bool {
    let now = env.now();
    row.ended_at.is_none() && row.expires_at > now && row.seen_at.plus(env.settings.auth.session_idle) > now
}

/// Who is signed in with the secret of a cookie, and by which session.
///
/// # Errors
/// [`Error::Unauthenticated`] for one that is unknown or has ended, without saying which.
pub async fn actor(env: &Env, secret: &str) -> Result<(Actor, SessionId), Error> {
    let found = unused(env, secret).await?;
    env.used.session(found.1, env.now());
    Ok(found)
}

/// The same, without counting as use: a page that only listens keeps no session alive.
///
/// # Errors
/// As [`actor`].
pub async fn unused(env: &Env, secret: &str) -> Result<(Actor, SessionId), Error> {
    if !secret.starts_with(PREFIX) || secret.len() > 128 {
        return Err(Error::Unauthenticated);
    }
    let hash = digest(secret);
    let row = session::Entity::find().filter(session::Column::Hash.eq(hash.clone())).one(&env.db).await?;
    let row = env.used.of_session(row.ok_or(Error::Unauthenticated)?);
    let same: bool = row.hash.ct_eq(&hash).into();
    if !same || !lives(env, &row) {
        return Err(Error::Unauthenticated);
    }
    Ok((person::actor(&env.db, row.person_id).await?, row.id))
}

/// One's own sessions that live, oldest first.
///
/// # Errors
/// The actor may not, or the database refused.
pub async fn own(env: &Env, actor: &Actor) -> Result<Vec<session::Model>, Error> {
    access::check(actor, Action::ManageOwnAccess, Subject::System)?;
    let Some(id) = actor.account() else { return Ok(Vec::new()) };
    let rows = session::Entity::find()
        .filter(session::Column::PersonId.eq(id))
        .filter(session::Column::EndedAt.is_null())
        .filter(session::Column::ExpiresAt.gt(env.now()))
        .order_by_asc(session::Column::Id)
        .all(&env.db)
        .await?;
    Ok(rows.into_iter().map(|row| env.used.of_session(row)).filter(|row| lives(env, row)).collect())
}

/// Ends a session: one's own, or as an administrator anybody's. Ending an ended one changes nothing.
///
/// # Errors
/// There is no such session of one's own, the actor may not, or the database refused.
pub async fn end(env: &Env, actor: &Actor, id: SessionId) -> Result<session::Model, Error> {
    let all = access::check(actor, Action::ManagePeople, Subject::System).is_ok();
    if !all {
        access::check(actor, Action::ManageOwnAccess, Subject::System)?;
    }
    let txn = env.begin().await?;
    let row = session::Entity::find_by_id(id).one(&txn).await?;
    // Somebody else's is as if it were not there.
    let row = row.filter(|row| all || Some(row.person_id) == actor.account());
    let row = row.ok_or_else(|| Error::not_found("session", id))?;
    if row.ended_at.is_some() {
        return Ok(row);
    }
    let mut changed = row.into_active_model();
    changed.ended_at = Set(Some(env.now()));
    let row = changed.update(&txn).await?;
    audit::record(&txn, env.now(), actor, "end_session", id, json!({ "person": row.person_id })).await?;
    env.commit(txn).await?;
    Ok(row)
}

/// Signs the browser out.
///
/// # Errors
/// The database refused; a secret that is unknown is no error, since who signs out is out.
pub async fn sign_out(env: &Env, secret: &str) -> Result<(), Error> {
    let Ok((actor, id)) = actor(env, secret).await else { return Ok(()) };
    let txn = env.begin().await?;
    end_secret(&txn, env.now(), secret).await?;
    audit::record(&txn, env.now(), &actor, "sign_out", id, json!({})).await?;
    env.commit(txn).await
}

async fn end_secret(txn: &DatabaseTransaction, now: Timestamp, secret: &str) -> Result<(), Error> {
    session::Entity::update_many()
        .set(session::ActiveModel { ended_at: Set(Some(now)), ..Default::default() })
        .filter(session::Column::Hash.eq(digest(secret)))
        .filter(session::Column::EndedAt.is_null())
        .exec(txn)
        .await?;
    Ok(())
}

/// Ends these sessions.
pub(super) async fn end_these(
    txn: &DatabaseTransaction,
    now: Timestamp,
    ids: Vec<SessionId>,
) -> Result<(), Error> {
    session::Entity::update_many()
        .set(session::ActiveModel { ended_at: Set(Some(now)), ..Default::default() })
        .filter(session::Column::Id.is_in(ids))
        .filter(session::Column::EndedAt.is_null())
        .exec(txn)
        .await?;
    Ok(())
}

/// Ends every session of a person, but one.
pub(super) async fn end_all(
    txn: &DatabaseTransaction,
    now: Timestamp,
    who: PersonId,
    but: Option<SessionId>,
) -> Result<u64, Error> {
    let mut these = session::Entity::update_many()
        .set(session::ActiveModel { ended_at: Set(Some(now)), ..Default::default() })
        .filter(session::Column::PersonId.eq(who))
        .filter(session::Column::EndedAt.is_null());
    if let Some(but) = but {
        these = these.filter(session::Column::Id.ne(but));
    }
    Ok(these.exec(txn).await?.rows_affected)
}

/// Whether the person signed in from there before.
pub(super) async fn known(
    db: &impl ConnectionTrait,
    now: Timestamp,
    who: PersonId,
    from: Option<IpAddr>,
) -> Result<bool, Error> {
    let Some(from) = from else { return Ok(false) };
    let before = session::Entity::find()
        .filter(session::Column::PersonId.eq(who))
        .filter(session::Column::Address.eq(from.to_canonical().to_string()))
        .filter(session::Column::CreatedAt.gt(now.minus(KNOWN_FOR)));
    Ok(before.count(db).await? > 0)
}
