//! What is kept of people, and for how long. The ledger keeps ids only, so that whoever goes can be forgotten while the
//! chain holds.
#![expect(clippy::disallowed_methods, reason = "the store file of what is forgotten of people")]

use std::time::Duration;

use entities::{PersonId, invite, person, recovery_code, session, throttle, token};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter};
use serde_json::json;

use super::{oidc, person as people};
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    audit,
    env::Env,
    error::Error,
    job::{JobError, Run, kinds::TidyPeople},
    operation,
};

/// How long a session that ended is kept: as long as its address counts as known.
const SESSIONS: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// How long failures to sign in and spent links are kept.
const TRACES: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// Erases a person: names, password, second factor, addresses and browsers, tokens' labels. What stays is the id that the
/// ledger and the rows have, which then says nothing. It cannot be undone.
///
/// # Errors
/// The actor may not, there is no such person, it is the last administrator or the last who can read an operation, or the
/// database refused.
pub async fn erase(env: &Env, actor: &Actor, id: PersonId) -> Result<person::Model, Error> {
    access::check(actor, Action::ManagePeople, Subject::System)?;
    let txn = env.begin().await?;
    let was = people::locked(&txn, id).await?;
    people::may_go(&txn, &was).await?;
    let at = Some(env.now());
    let row = person::Model {
        name: people::erased(was.id),
        full_name: None,
        password: None,
        second_factor: None,
        second_factor_at: None,
        disabled_at: was.disabled_at.or(at),
        ..was.clone()
    };
    let row = people::update(&txn, row).await?;
    operation::keep_a_reader(&txn, &was).await?;
    oidc::forget_identities(&txn, id).await?;
    recovery_code::Entity::delete_many().filter(recovery_code::Column::PersonId.eq(id)).exec(&txn).await?;
    invite::Entity::delete_many().filter(invite::Column::PersonId.eq(id)).exec(&txn).await?;
    session::Entity::delete_many().filter(session::Column::PersonId.eq(id)).exec(&txn).await?;
    let gone = token::ActiveModel {
        label: Set(None),
        last_used_from: Set(None),
        revoked_at: Set(at),
        ..Default::default()
    };
    token::Entity::update_many().set(gone).filter(token::Column::PersonId.eq(id)).exec(&txn).await?;
    audit::record(&txn, env.now(), actor, "erase_person", id, json!({})).await?;
    env.commit(txn).await?;
    Ok(row)
}

impl Run for TidyPeople {
    /// What is taken away here is bookkeeping and no state of anything: it is in no event.
    async fn run(self, env: &Env) -> Result<(), JobError> {
        let (old, older) = (env.now().minus(TRACES), env.now().minus(SESSIONS));
        let db = &env.db;
        let ended = Condition::any()
            .add(session::Column::EndedAt.lt(older))
            .add(session::Column::ExpiresAt.lt(older));
        session::Entity::delete_many().filter(ended).exec(db).await.map_err(Error::from)?;
        invite::Entity::delete_many()
            .filter(invite::Column::ExpiresAt.lt(old))
            .exec(db)
            .await
            .map_err(Error::from)?;
        let forgotten = throttle::Entity::delete_many().filter(throttle::Column::LastAt.lt(old));
        forgotten.exec(db).await.map_err(Error::from)?;
        oidc::tidy(db, env.now()).await?;
        Ok(())
    }
}
