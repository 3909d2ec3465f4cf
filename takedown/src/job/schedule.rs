//! Schedules without a leader: every worker offers each turn, and a unique (name, slot) row lets one in.
#![expect(clippy::disallowed_methods, reason = "the queue holds machine work, not case content")]

use std::time::Duration;

use entities::{Timestamp, job_slot};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::OnConflict};

use super::{Job, queue};
use crate::{env::Env, error::Error};

/// Enqueues `work` if its turn has come and no worker has taken it; true when this one did.
///
/// # Errors
/// The database refused.
pub async fn turn<J: Job>(env: &Env, every: Duration, work: &J) -> Result<bool, Error> {
    let length = i64::try_from(every.as_micros()).unwrap_or(i64::MAX).max(1);
    let slot = Timestamp(env.now().0.div_euclid(length).saturating_mul(length));
    let txn = env.begin().await?;
    let taken =
        job_slot::Entity::insert(job_slot::ActiveModel { name: Set(J::NAME.to_owned()), slot: Set(slot) })
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .exec_without_returning(&txn)
            .await?;
    let first = taken == 1;
    if first {
        // Past turns say nothing any more.
        job_slot::Entity::delete_many()
            .filter(job_slot::Column::Name.eq(J::NAME))
            .filter(job_slot::Column::Slot.lt(slot))
            .exec(&txn)
            .await?;
        queue::enqueue(env, &txn, work).await?;
    }
    env.commit(txn).await?;
    Ok(first)
}
