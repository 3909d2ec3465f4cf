//! Notices: what is said to desks.

use serde::{Deserialize, Serialize};

use crate::{
    env::Env,
    job::{Job, JobError},
};

/// Drafts one notice a desk for all approved tasks that have none.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DraftNotices {}

impl Job for DraftNotices {
    const NAME: &'static str = "draft-notices";

    fn dedupe(&self) -> Option<String> {
        Some("all".into())
    }

    async fn run(self, _env: &Env) -> Result<(), JobError> {
        Ok(())
    }
}
