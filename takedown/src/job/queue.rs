//! The queue's rows: enqueue, claim, renew, finish.
#![expect(clippy::disallowed_methods, reason = "the queue holds machine work, not case content")]

use std::time::Duration;

use entities::{JobId, Timestamp, job};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, ExprTrait, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockBehavior, LockType, OnConflict, Query},
};

use super::{Job, current_trace_id};
use crate::{env::Env, error::Error};

/// Enqueues a job inside the caller's transaction, to run as soon as it commits.
///
/// # Errors
/// The database refused.
pub async fn enqueue<J: Job>(env: &Env, txn: &DatabaseTransaction, work: &J) -> Result<(), Error> {
    enqueue_at(env, txn, work, env.now()).await
}

/// Enqueues a job inside the caller's transaction, to run at `run_at` or later. A waiting job with the same
/// dedupe key makes this a no-op.
///
/// # Errors
/// The database refused.
pub async fn enqueue_at<J: Job>(
    env: &Env,
    txn: &DatabaseTransaction,
    work: &J,
    run_at: Timestamp,
) -> Result<(), Error> {
    let row = job::ActiveModel {
        id: Set(env.id()),
        name: Set(J::NAME.to_owned()),
        payload: Set(serde_json::to_value(work).map_err(Error::internal)?),
        dedupe_key: Set(work.dedupe()),
        priority: Set(J::PRIORITY),
        run_at: Set(run_at),
        attempts: Set(0),
        leased_until: Set(None),
        leased_by: Set(None),
        last_error: Set(None),
        dead_at: Set(None),
        trace_id: Set(current_trace_id()),
        created_at: Set(env.now()),
    };
    job::Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

/// Leases up to `limit` jobs that are due to `worker`. Several workers, in any number of processes, never get
/// the same job while its lease lasts.
///
/// # Errors
/// The database refused.
pub async fn claim(env: &Env, worker: &str, limit: u64) -> Result<Vec<job::Model>, Error> {
    let now = env.now();
    let lapsed =
        Condition::any().add(job::Column::LeasedUntil.is_null()).add(job::Column::LeasedUntil.lt(now));
    let txn = env.begin().await?;
    let mut due = job::Entity::find()
        .filter(job::Column::DeadAt.is_null())
        .filter(job::Column::RunAt.lte(now))
        .filter(lapsed)
        .order_by_desc(job::Column::Priority)
        .order_by_asc(job::Column::RunAt)
        .order_by_asc(job::Column::Id)
        .limit(limit)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .all(&txn)
        .await?;
    let until = now.plus(env.settings.jobs.lease);
    for row in &mut due {
        row.attempts += 1;
        row.leased_until = Some(until);
        row.leased_by = Some(format!("{worker}/{}", row.attempts));
        job::Entity::update_many()
            .col_expr(job::Column::Attempts, Expr::value(row.attempts))
            .col_expr(job::Column::LeasedUntil, Expr::value(until))
            .col_expr(job::Column::LeasedBy, Expr::value(row.leased_by.clone()))
            .filter(job::Column::Id.eq(row.id))
            .exec(&txn)
            .await?;
    }
    txn.commit().await?;
    Ok(due)
}

/// The row while it is still this lease's: a worker that lost its lease changes nothing.
fn held(row: &job::Model) -> Condition {
    Condition::all().add(job::Column::Id.eq(row.id)).add(job::Column::LeasedBy.eq(row.leased_by.clone()))
}

/// Extends a lease; false when it was lost to another worker.
///
/// # Errors
/// The database refused.
pub async fn renew(env: &Env, row: &job::Model) -> Result<bool, Error> {
    let until = env.now().plus(env.settings.jobs.lease);
    let renewed = job::Entity::update_many()
        .col_expr(job::Column::LeasedUntil, Expr::value(until))
        .filter(held(row))
        .exec(&env.db)
        .await?;
    Ok(renewed.rows_affected == 1)
}

/// Removes a finished job.
///
/// # Errors
/// The database refused.
pub async fn finish(env: &Env, row: &job::Model) -> Result<(), Error> {
    job::Entity::delete_many().filter(held(row)).exec(&env.db).await?;
    Ok(())
}

/// Puts a job back, to be run at `run_at`. If a newer waiting job has its key, that one does the work and this
/// one is removed.
///
/// # Errors
/// The database refused.
pub async fn put_back(
    env: &Env,
    row: &job::Model,
    run_at: Timestamp,
    attempts: i32,
    error: Option<&str>,
) -> Result<(), Error> {
    let txn = env.begin().await?;
    if waits_with_key(&txn, row).await? {
        job::Entity::delete_many().filter(held(row)).exec(&txn).await?;
    } else {
        job::Entity::update_many()
            .col_expr(job::Column::RunAt, Expr::value(run_at))
            .col_expr(job::Column::Attempts, Expr::value(attempts))
            .col_expr(job::Column::LeasedUntil, Expr::value(None::<Timestamp>))
            .col_expr(job::Column::LeasedBy, Expr::value(None::<String>))
            .col_expr(
                job::Column::LastError,
                Expr::value(error.or(row.last_error.as_deref()).map(str::to_owned)),
            )
            .filter(held(row))
            .exec(&txn)
            .await?;
    }
    txn.commit().await?;
    Ok(())
}

pub(super) async fn waits_with_key(txn: &DatabaseTransaction, row: &job::Model) -> Result<bool, Error> {
    let Some(key) = &row.dedupe_key else { return Ok(false) };
    let waiting = job::Entity::find()
        .filter(job::Column::Name.eq(&row.name))
        .filter(job::Column::DedupeKey.eq(key))
        .filter(job::Column::LeasedUntil.is_null())
        .filter(job::Column::DeadAt.is_null())
        .filter(job::Column::Id.ne(row.id))
        .one(txn)
        .await?;
    Ok(waiting.is_some())
}

/// Keeps a job as dead, with the error, for a person.
///
/// # Errors
/// The database refused.
pub async fn bury(env: &Env, row: &job::Model, error: &str) -> Result<(), Error> {
    job::Entity::update_many()
        .col_expr(job::Column::DeadAt, Expr::value(env.now()))
        .col_expr(job::Column::LeasedUntil, Expr::value(None::<Timestamp>))
        .col_expr(job::Column::LastError, Expr::value(error))
        .filter(held(row))
        .exec(&env.db)
        .await?;
    Ok(())
}

/// How many jobs wait or run, and how many are dead.
///
/// # Errors
/// The database refused.
pub async fn depth(db: &impl ConnectionTrait) -> Result<(i64, i64), Error> {
    let query = Query::select()
        .expr(Expr::col(job::Column::Id).count())
        .expr(Expr::col(job::Column::DeadAt).count())
        .from(job::Entity)
        .to_owned();
    let Some(row) = db.query_one(&query).await? else { return Ok((0, 0)) };
    let (all, dead): (i64, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    Ok((all - dead, dead))
}

/// How many jobs are in hand or could be taken up now.
///
/// # Errors
/// The database refused.
pub async fn due(env: &Env) -> Result<u64, Error> {
    let due =
        Condition::any().add(job::Column::LeasedUntil.is_not_null()).add(job::Column::RunAt.lte(env.now()));
    let jobs = job::Entity::find().filter(job::Column::DeadAt.is_null()).filter(due);
    Ok(jobs.count(&env.db).await?)
}

/// How long to wait before attempt `attempts + 1`: 15 s doubling to an hour, spread by the job's id so that
/// what failed together does not come back together.
pub fn pause(id: JobId, attempts: i32) -> Duration {
    let doublings = u32::try_from(attempts.clamp(1, 9) - 1).unwrap_or(0);
    let base = std::cmp::min(15u64 << doublings, 3_600);
    let spread = u64::try_from(id.0.as_u128() % 256).unwrap_or(0) * base / 1_024;
    Duration::from_secs(base + spread)
}
