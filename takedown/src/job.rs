//! The job queue: machine work as rows, enqueued in the transaction that makes it necessary.
//!
//! A job does one thing once and may run twice, after a crash or a lost lease: it must bear that.

pub mod kinds;
pub mod oversight;
pub mod queue;
pub mod schedule;
pub mod worker;

use std::{future::Future, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use crate::{env::Env, error::Error};

tokio::task_local! {
    static TRACE_ID: String;
}

/// The trace that the present request or job runs in.
pub fn current_trace_id() -> Option<String> {
    TRACE_ID.try_with(Clone::clone).ok()
}

/// Runs `work` inside the trace `id`: jobs it enqueues and events it records carry that id.
pub async fn traced<T>(id: String, work: impl Future<Output = T>) -> T {
    TRACE_ID.scope(id, work).await
}

/// What a kind of machine work is called and told. Its fields are its arguments: ids, never content. All kinds
/// are in [`kinds`], so that a stage can hand on to a later one without importing it.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The stored name, kebab-case, never changed once released.
    const NAME: &'static str;
    /// How often it is begun before it is given up.
    const MAX_ATTEMPTS: i32 = 8;
    /// Higher goes first.
    const PRIORITY: i16 = 0;

    /// At most one waiting job of this name has the same key; enqueueing a second is a no-op.
    fn dedupe(&self) -> Option<String> {
        None
    }
}

/// How a kind of machine work is done; implemented in the stage that does it.
pub trait Run: Job {
    /// Does the work. No transaction is open when it begins.
    fn run(self, env: &Env) -> impl Future<Output = Result<(), JobError>> + Send;
}

/// How a job failed; the author of the job chooses.
#[derive(Debug)]
pub enum JobError {
    /// Try again, after `after` if the other side named a time, else with growing pauses.
    Retry {
        /// Why.
        error: Error,
        /// Not before this long.
        after: Option<Duration>,
    },
    /// Trying again is useless: keep it as dead, for a person.
    GiveUp(Error),
}

impl JobError {
    /// Try again with growing pauses.
    pub const fn retry(error: Error) -> Self {
        Self::Retry { error, after: None }
    }
}

impl From<Error> for JobError {
    /// What may pass by itself is tried again; what a person must mend is not.
    fn from(error: Error) -> Self {
        match error {
            Error::Stale | Error::Unavailable { .. } | Error::Internal(_) => Self::retry(error),
            Error::Unauthenticated
            | Error::Forbidden { .. }
            | Error::NotFound { .. }
            | Error::Invalid { .. }
            | Error::Conflict { .. } => Self::GiveUp(error),
        }
    }
}

impl From<sea_orm::DbErr> for JobError {
    fn from(error: sea_orm::DbErr) -> Self {
        Error::from(error).into()
    }
}
