//! What is done at regular times: every process with workers offers every turn, and the queue lets one in.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use takedown::{
    env::Env,
    error::Error,
    job::{
        Job,
        kinds::{ObserveDue, RefreshSessions, SendWaiting, SignCheckpoint, TidyPeople, VerifyDue},
        schedule,
    },
};
use tokio_util::sync::CancellationToken;

/// How often the table is looked at.
const TICK: Duration = Duration::from_secs(1);

/// One line of the table.
struct Turn {
    name: &'static str,
    every: Duration,
    /// The slot that this process offered last: offering it again would write in vain.
    offered: Option<i64>,
    offer: for<'a> fn(&'a Env, Duration) -> BoxFuture<'a, Result<bool, Error>>,
}

macro_rules! table {
    ($($seconds:expr => $job:expr, $kind:ty;)*) => {
        /// The table: every so many seconds, this job.
        fn table() -> Vec<Turn> {
            vec![$(Turn {
                name: <$kind as Job>::NAME,
                every: Duration::from_secs($seconds),
                offered: None,
                offer: |env, every| Box::pin(async move { schedule::turn(env, every, &$job).await }),
            },)*]
        }
    };
}

table! {
    30 => ObserveDue {}, ObserveDue;
    60 => VerifyDue {}, VerifyDue;
    60 => RefreshSessions {}, RefreshSessions;
    300 => SendWaiting {}, SendWaiting;
    3_600 => SignCheckpoint {}, SignCheckpoint;
    86_400 => TidyPeople {}, TidyPeople;
}

/// Offers turns until `stop`.
pub async fn run(env: Arc<Env>, stop: CancellationToken) {
    let mut turns = table();
    while !stop.is_cancelled() {
        offer(&env, &mut turns).await;
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

/// Offers every turn once, for a clock that somebody else moves.
///
/// # Errors
/// The database refused.
pub async fn offer_all(env: &Env) -> Result<(), Error> {
    for turn in table() {
        (turn.offer)(env, turn.every).await?;
    }
    Ok(())
}

async fn offer(env: &Env, turns: &mut [Turn]) {
    for turn in turns {
        let length = i64::try_from(turn.every.as_micros()).unwrap_or(i64::MAX).max(1);
        let slot = env.now().0.div_euclid(length);
        if turn.offered == Some(slot) {
            continue;
        }
        match (turn.offer)(env, turn.every).await {
            Ok(taken) => {
                turn.offered = Some(slot);
                tracing::debug!(job.name = turn.name, taken, "offered a turn");
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, job.name = turn.name, "cannot offer a turn");
            }
        }
    }
}
