//! The worker loop: claims due jobs, runs them side by side, and lets go cleanly when it is told to stop.

use std::{any::Any, panic::AssertUnwindSafe, pin::Pin, sync::Arc, time::Duration};

use entities::job;
use futures::FutureExt;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{JobError, Run, queue, traced};
use crate::{env::Env, error::Error};

/// A job under way; `None` for a name that this binary does not know.
pub type Running<'a> = Pin<Box<dyn Future<Output = Option<Result<(), JobError>>> + Send + 'a>>;

/// Runs the job that a row describes, by its name.
pub type Dispatch = for<'a> fn(&'a job::Model, &'a Env) -> Running<'a>;

/// Reads the arguments and runs one kind of job; a payload that does not read is given up.
///
/// # Errors
/// The job's own.
pub async fn run_as<J: Run>(row: &job::Model, env: &Env) -> Result<(), JobError> {
    let work: J =
        serde_json::from_value(row.payload.clone()).map_err(|e| JobError::GiveUp(Error::internal(e)))?;
    work.run(env).await
}

/// Works until `stop`, then finishes what is in hand within the grace period and puts back the rest.
pub async fn work(env: Arc<Env>, name: String, dispatch: Dispatch, stop: CancellationToken) {
    let mut running = JoinSet::new();
    let hands = env.settings.jobs.concurrency.max(1);
    while !stop.is_cancelled() {
        // Registered before the queue is read, so that a job committed in between is not slept through.
        let woken = env.jobs_waiting.notified();
        let free = hands.saturating_sub(running.len());
        let claimed = if free == 0 { Ok(Vec::new()) } else { queue::claim(&env, &name, free as u64).await };
        let claimed = claimed.unwrap_or_else(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot claim jobs");
            Vec::new()
        });
        for row in claimed {
            let (env, stop) = (env.clone(), stop.clone());
            running.spawn(async move { run_leased(&env, row, dispatch, &stop).await });
        }
        let idle = running.len() < hands;
        tokio::select! {
            () = stop.cancelled() => {}
            Some(_) = running.join_next() => {}
            () = woken, if idle => {}
            () = tokio::time::sleep(env.settings.jobs.poll), if idle => {}
        }
        while running.try_join_next().is_some() {}
    }
    while running.join_next().await.is_some() {}
}

/// Runs every job that is due now, and what those enqueue, until none is; returns how many ran. For commands
/// and tests, which want the work done when they go on.
///
/// # Errors
/// The database refused.
pub async fn drain(env: &Env, dispatch: Dispatch) -> Result<usize, Error> {
    let (mut ran, stop) = (0, CancellationToken::new());
    loop {
        let claimed = queue::claim(env, "drain", 16).await?;
        if claimed.is_empty() {
            return Ok(ran);
        }
        for row in claimed {
            ran += 1;
            run_leased(env, row, dispatch, &stop).await;
        }
    }
}

async fn run_leased(env: &Env, row: job::Model, dispatch: Dispatch, stop: &CancellationToken) {
    let trace = row.trace_id.clone().unwrap_or_else(|| row.id.to_string());
    let span = tracing::info_span!(
        "job", job.id = %row.id, job.name = %row.name, job.attempt = row.attempts, trace.id = %trace
    );
    traced(trace, guarded(env, &row, dispatch, stop).instrument(span)).await;
}

/// The job beside its heartbeat: whichever ends first decides.
async fn guarded(env: &Env, row: &job::Model, dispatch: Dispatch, stop: &CancellationToken) {
    let started = std::time::Instant::now();
    let outcome = tokio::select! {
        outcome = AssertUnwindSafe(dispatch(row, env)).catch_unwind() => Some(outcome),
        () = keep_lease(env, row) => None,
        () = grace_over(env, stop) => None,
    };
    let label = match settle(env, row, outcome).await {
        Ok(label) => label,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot store how the job ended");
            "unsettled"
        }
    };
    metrics::counter!("lockstep_jobs_total", "name" => row.name.clone(), "outcome" => label).increment(1);
    metrics::histogram!("lockstep_job_seconds", "name" => row.name.clone())
        .record(started.elapsed().as_secs_f64());
}

/// How a job ended: `None` when it was let go, `Err` when it panicked.
type Outcome = Option<Result<Option<Result<(), JobError>>, Box<dyn Any + Send>>>;

/// Stores how the job ended and names that for the metrics.
async fn settle(env: &Env, row: &job::Model, outcome: Outcome) -> Result<&'static str, Error> {
    match outcome {
        Some(Ok(Some(Ok(())))) => {
            queue::finish(env, row).await?;
            Ok("done")
        }
        Some(Ok(Some(Err(JobError::GiveUp(error))))) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "job given up");
            queue::bury(env, row, &describe(&error)).await?;
            Ok("dead")
        }
        Some(Ok(Some(Err(JobError::Retry { error, after })))) => {
            retry(env, row, &describe(&error), after).await
        }
        Some(Ok(None)) => {
            queue::bury(env, row, "this version does not know the job").await?;
            Ok("dead")
        }
        Some(Err(_)) => {
            tracing::error!("job panicked");
            retry(env, row, "it panicked", None).await
        }
        // Stopping, or the lease is gone (then this changes nothing): the attempt does not count.
        None => {
            queue::put_back(env, row, env.now(), row.attempts - 1, None).await?;
            Ok("released")
        }
    }
}

async fn retry(
    env: &Env,
    row: &job::Model,
    error: &str,
    after: Option<Duration>,
) -> Result<&'static str, Error> {
    if row.attempts >= crate::jobs::max_attempts(&row.name) {
        queue::bury(env, row, error).await?;
        return Ok("dead");
    }
    let pause = after.unwrap_or_else(|| queue::pause(row.id, row.attempts));
    queue::put_back(env, row, env.now().plus(pause), row.attempts, Some(error)).await?;
    Ok("retry")
}

/// The error and its causes, for the row that a person reads.
fn describe(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text.chars().take(2_000).collect()
}

/// Renews the lease until it is lost.
async fn keep_lease(env: &Env, row: &job::Model) {
    let beat = (env.settings.jobs.lease / 3).max(Duration::from_millis(50));
    loop {
        tokio::time::sleep(beat).await;
        match queue::renew(env, row).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "cannot renew a lease"),
        }
    }
}

/// Ends when the worker was told to stop and the grace period has passed.
async fn grace_over(env: &Env, stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(env.settings.jobs.grace).await;
}
