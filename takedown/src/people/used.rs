//! When sessions and tokens were last used. It is kept in memory and written by the minute: a request that reads must not
//! wait for a writer, which on SQLite can be a long import.
#![expect(clippy::disallowed_methods, reason = "the store file of when sessions and tokens were used")]

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use entities::{SessionId, Timestamp, TokenId, session, token};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use crate::{env::Env, error::Error};

/// What was used since it was last written.
#[derive(Debug, Default)]
pub struct Used(Mutex<Marks>);

#[derive(Debug, Default)]
struct Marks {
    sessions: HashMap<SessionId, Timestamp>,
    tokens: HashMap<TokenId, (Timestamp, Option<IpAddr>)>,
}

impl Used {
    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn session(&self, id: SessionId, now: Timestamp) {
        self.marks().sessions.insert(id, now);
    }

    pub(crate) fn token(&self, id: TokenId, now: Timestamp, from: Option<IpAddr>) {
        self.marks().tokens.insert(id, (now, from));
    }

    /// The session with its latest use.
    pub(super) fn of_session(&self, row: session::Model) -> session::Model {
        let seen_at = self.marks().sessions.get(&row.id).map_or(row.seen_at, |at| row.seen_at.max(*at));
        session::Model { seen_at, ..row }
    }

    /// The token with its latest use.
    pub(crate) fn of_token(&self, row: token::Model) -> token::Model {
        match self.marks().tokens.get(&row.id) {
            Some((at, from)) if row.last_used_at.is_none_or(|known| known < *at) => {
                let last_used_from = from.map(|from| from.to_canonical().to_string());
                token::Model { last_used_at: Some(*at), last_used_from, ..row }
            }
            _ => row,
        }
    }
}

/// Writes what was used since the last time.
///
/// # Errors
/// The database refused: it stays in memory.
pub async fn write(env: &Env) -> Result<(), Error> {
    let marks = std::mem::take(&mut *env.used.marks());
    if marks.sessions.is_empty() && marks.tokens.is_empty() {
        return Ok(());
    }
    let written = write_all(env, &marks).await;
    if written.is_err() {
        let mut now = env.used.marks();
        for (id, at) in marks.sessions {
            now.sessions.entry(id).or_insert(at);
        }
        for (id, mark) in marks.tokens {
            now.tokens.entry(id).or_insert(mark);
        }
    }
    written
}

async fn write_all(env: &Env, marks: &Marks) -> Result<(), Error> {
    let txn = env.begin().await?;
    for (id, at) in &marks.sessions {
        let seen = session::ActiveModel { seen_at: Set(*at), ..Default::default() };
        let this = session::Entity::update_many().set(seen).filter(session::Column::Id.eq(*id));
        this.filter(session::Column::SeenAt.lt(*at)).exec(&txn).await?;
    }
    for (id, (at, from)) in &marks.tokens {
        let used = token::ActiveModel {
            last_used_at: Set(Some(*at)),
            last_used_from: Set(from.map(|from| from.to_canonical().to_string())),
            ..Default::default()
        };
        token::Entity::update_many().set(used).filter(token::Column::Id.eq(*id)).exec(&txn).await?;
    }
    // Nobody waits for it, so no worker is woken.
    Ok(txn.commit().await?)
}
