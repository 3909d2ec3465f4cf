//! What people see of the queue, and what they may do with a job that was given up.
#![expect(clippy::disallowed_methods, reason = "the queue holds machine work, not case content")]

use entities::{JobId, job};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde_json::json;

use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    audit,
    env::Env,
    error::Error,
};

/// The first `limit` jobs in the order in which they run; the dead ones if `dead`, else the living.
///
/// # Errors
/// The actor may not, or the database refused.
pub async fn list(env: &Env, actor: &Actor, dead: bool, limit: u64) -> Result<Vec<job::Model>, Error> {
    access::check(actor, Action::ManageJobs, Subject::System)?;
    let is_dead = if dead { job::Column::DeadAt.is_not_null() } else { job::Column::DeadAt.is_null() };
    let jobs = job::Entity::find()
        .filter(is_dead)
        .order_by_desc(job::Column::Priority)
        .order_by_asc(job::Column::RunAt)
        .order_by_asc(job::Column::Id)
        .limit(limit);
    Ok(jobs.all(&env.db).await?)
}

/// Lets a dead job run again, with all its attempts. If a waiting job does the same work, that one does it and
/// the dead one is removed.
///
/// # Errors
/// The actor may not, there is no such job, it is not dead, or the database refused.
pub async fn requeue(env: &Env, actor: &Actor, id: JobId) -> Result<(), Error> {
    access::check(actor, Action::ManageJobs, Subject::System)?;
    let txn = env.begin().await?;
    let row = job::Entity::find_by_id(id).one(&txn).await?.ok_or_else(|| Error::not_found("job", id))?;
    if row.dead_at.is_none() {
        return Err(Error::Conflict { from: "the job is alive".into(), event: "requeueing it".into() });
    }
    let detail = json!({ "name": row.name, "attempts": row.attempts, "last_error": row.last_error });
    if super::queue::waits_with_key(&txn, &row).await? {
        job::Entity::delete_by_id(id).exec(&txn).await?;
    } else {
        let mut changed = row.into_active_model();
        changed.dead_at = Set(None);
        changed.leased_by = Set(None);
        changed.attempts = Set(0);
        changed.run_at = Set(env.now());
        changed.update(&txn).await?;
    }
    audit::record(&txn, env.now(), actor, "job.requeued", id, detail).await?;
    env.commit(txn).await
}
