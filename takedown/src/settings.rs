//! What the operator sets, as plain data. Reading files and the environment is the server's work.

use std::time::Duration;

/// All settings of the work.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The job queue.
    pub jobs: JobSettings,
}

/// The job queue's settings.
#[derive(Clone, Debug)]
pub struct JobSettings {
    /// How many jobs this process runs at a time.
    pub concurrency: usize,
    /// How long a worker holds a job before another may take it; renewed while the job runs.
    pub lease: Duration,
    /// How often to look for work when nothing woke the worker, in wall time.
    pub poll: Duration,
    /// How long a stopping worker lets running jobs finish, in wall time.
    pub grace: Duration,
}

impl Default for JobSettings {
    fn default() -> Self {
        Self {
            concurrency: 4,
            lease: Duration::from_secs(60),
            poll: Duration::from_millis(500),
            grace: Duration::from_secs(20),
        }
    }
}
