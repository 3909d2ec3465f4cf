//! Section `jobs`.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};
use takedown::settings::JobSettings;

use super::Span;

/// The job queue.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Jobs {
    /// Jobs at a time.
    pub concurrency: NonZeroUsize,
    /// How long a worker keeps a job.
    pub lease: Span,
    /// How often to look for work.
    pub poll: Span,
    /// How long a stopping process lets work finish.
    pub grace: Span,
}

impl Jobs {
    /// What the work is given.
    pub fn settings(&self) -> JobSettings {
        JobSettings {
            concurrency: self.concurrency.get(),
            lease: self.lease.0,
            poll: self.poll.0,
            grace: self.grace.0,
        }
    }
}
