//! Sessions that a provider vouched for, with what it gave for them. Its tokens are sealed for the session, as second factors
//! are: a copy of the database gives nobody a way in there.
#![expect(clippy::disallowed_methods, reason = "the store file of sessions that providers vouch for")]

use std::time::Duration;

use entities::{SessionId, Timestamp, provider_session, session as sessions};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction,
    EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::{Provider, account::Vouched, claims::Logout};
use crate::{env::Env, error::Error, people::session};

/// How long before a provider's word ends it is renewed.
const EARLY: Duration = Duration::from_secs(30);
/// The shortest and the longest time between two renewals, whatever the provider says.
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(60 * 60);
/// Sessions that are renewed in one go.
const BATCH: u64 = 500;

/// What a provider gave.
#[derive(Serialize, Deserialize)]
pub(super) struct Tokens {
    /// The ID token, by which it knows the session when the person signs out.
    pub id: String,
    /// What the next token is given for.
    pub refresh: Option<String>,
    /// The nonce of the first ID token.
    pub nonce: String,
}

impl Tokens {
    fn sealed(&self, env: &Env, session: SessionId) -> Result<Vec<u8>, Error> {
        let text = serde_json::to_vec(self).map_err(Error::internal)?;
        env.seal()?.close(&owner(session), &text, env.ids.secret()).map_err(Error::internal)
    }

    pub(super) fn open(env: &Env, row: &provider_session::Model) -> Result<Self, Error> {
        let text = env.seal()?.open(&owner(row.session_id), &row.tokens).map_err(Error::internal)?;
        serde_json::from_slice(&text).map_err(Error::internal)
    }
}

fn owner(session: SessionId) -> String {
    format!("oidc {session}")
}

/// When to ask the provider again: when its word ends (`expires_in`), if there is something to ask with.
pub(super) fn due(now: Timestamp, given: &Map<String, Value>, tokens: &Tokens) -> Option<Timestamp> {
    tokens.refresh.as_ref()?;
    let lives = given.get("expires_in").and_then(Value::as_u64).map_or(LONGEST, Duration::from_secs);
    Some(now.plus(lives.saturating_sub(EARLY).clamp(SHORTEST, LONGEST)))
}

/// Keeps what belongs to a session that was opened.
pub(super) async fn keep(
    env: &Env,
    txn: &DatabaseTransaction,
    session: SessionId,
    provider: &Provider,
    vouched: &Vouched,
    (tokens, refresh_at): (&Tokens, Option<Timestamp>),
) -> Result<(), Error> {
    let row = provider_session::Model {
        session_id: session,
        provider: provider.settings.name.clone(),
        issuer: provider.settings.issuer.clone(),
        subject: vouched.subject.clone(),
        sid: vouched.sid.clone(),
        tokens: tokens.sealed(env, session)?,
        refresh_at,
    };
    row.into_active_model().reset_all().insert(txn).await?;
    Ok(())
}

/// Keeps what the provider gave anew.
pub(super) async fn renew(
    env: &Env,
    txn: &DatabaseTransaction,
    row: provider_session::Model,
    (tokens, refresh_at): (&Tokens, Option<Timestamp>),
) -> Result<(), Error> {
    let tokens = tokens.sealed(env, row.session_id)?;
    let row = provider_session::Model { tokens, refresh_at, ..row };
    row.into_active_model().reset_all().update(txn).await?;
    Ok(())
}

/// The ids of sessions that live, for a filter.
fn living(now: Timestamp) -> sea_orm::sea_query::SelectStatement {
    let living = sessions::Entity::find()
        .select_only()
        .column(sessions::Column::Id)
        .filter(sessions::Column::EndedAt.is_null())
        .filter(sessions::Column::ExpiresAt.gt(now));
    living.into_query()
}

/// The sessions whose provider is to be asked again, those that wait longest first.
pub(super) async fn waiting(env: &Env) -> Result<Vec<provider_session::Model>, Error> {
    let rows = provider_session::Entity::find()
        .filter(provider_session::Column::RefreshAt.lte(env.now()))
        .filter(provider_session::Column::SessionId.in_subquery(living(env.now())))
        .order_by_asc(provider_session::Column::RefreshAt)
        .limit(BATCH);
    Ok(rows.all(&env.db).await?)
}

/// Takes a session to renew it; `false` if somebody else has it: a refresh token that is given in twice ends the session at
/// many providers.
pub(super) async fn take(env: &Env, row: &provider_session::Model, until: Timestamp) -> Result<bool, Error> {
    let Some(due) = row.refresh_at else { return Ok(false) };
    let taken = provider_session::ActiveModel { refresh_at: Set(Some(until)), ..Default::default() };
    let this = provider_session::Entity::update_many()
        .set(taken)
        .filter(provider_session::Column::SessionId.eq(row.session_id))
        .filter(provider_session::Column::RefreshAt.eq(due));
    let txn = env.begin().await?;
    let taken = this.exec(&txn).await?.rows_affected == 1;
    txn.commit().await?;
    Ok(taken)
}

/// The session of a row, if it lives.
pub(super) async fn lives(
    env: &Env,
    txn: &DatabaseTransaction,
    id: SessionId,
) -> Result<Option<sessions::Model>, Error> {
    let row = sessions::Entity::find_by_id(id).one(txn).await?;
    Ok(row.filter(|row| row.ended_at.is_none() && row.expires_at > env.now()))
}

/// The living sessions that a logout token is about.
pub(super) async fn meant(
    env: &Env,
    txn: &DatabaseTransaction,
    issuer: &str,
    logout: &Logout,
) -> Result<Vec<SessionId>, Error> {
    let mut these = Condition::all()
        .add(provider_session::Column::Issuer.eq(issuer))
        .add(provider_session::Column::SessionId.in_subquery(living(env.now())));
    if let Some(subject) = &logout.subject {
        these = these.add(provider_session::Column::Subject.eq(subject.as_str()));
    }
    if let Some(sid) = &logout.sid {
        let this = Condition::any().add(provider_session::Column::Sid.eq(sid.as_str()));
        // Of a session of the same person that has no name it cannot be said that it is another.
        let nameless = logout.subject.as_ref().map(|_| provider_session::Column::Sid.is_null());
        these = these.add(this.add_option(nameless));
    }
    let rows = provider_session::Entity::find().filter(these).all(txn).await?;
    Ok(rows.into_iter().map(|row| row.session_id).collect())
}

/// Where the browser goes to sign out at the provider too (OpenID Connect RP-Initiated Logout 1.0), if its session is by one
/// that takes part and can be asked. The secret is the session's, which must live.
///
/// # Errors
/// The database refused.
pub async fn sign_out_at(env: &Env, secret: &str) -> Result<Option<Url>, Error> {
    let Ok((_, id)) = session::actor(env, secret).await else { return Ok(None) };
    let Some(row) = provider_session::Entity::find_by_id(id).one(&env.db).await? else { return Ok(None) };
    let Ok(provider) = env.providers.named(&row.provider) else { return Ok(None) };
    // Signing out here does not wait for a provider that is down.
    let Ok(published) = provider.published(env.now()).await else { return Ok(None) };
    let Some(mut url) = published.end_session.clone() else { return Ok(None) };
    let hint = Tokens::open(env, &row)?.id;
    url.query_pairs_mut()
        .append_pair("id_token_hint", &hint)
        .append_pair("client_id", &provider.settings.client_id)
        .append_pair("post_logout_redirect_uri", provider.settings.after_sign_out.as_str());
    Ok(Some(url))
}

/// Forgets what providers gave for sessions that ended.
pub(super) async fn forget(db: &impl ConnectionTrait, now: Timestamp) -> Result<(), Error> {
    let ended = provider_session::Column::SessionId.not_in_subquery(living(now));
    provider_session::Entity::delete_many().filter(ended).exec(db).await?;
    Ok(())
}
