//! What every write and job is given: the database, the clock, ids, settings and the outside ports.

use std::sync::Arc;

use entities::Timestamp;
use sea_orm::{DatabaseConnection, DatabaseTransaction};

use crate::{
    clock::Clock,
    db,
    error::Error,
    ids::Ids,
    intake::context::Context,
    outside::Outside,
    people::{Seal, Used, oidc::Providers},
    settings::Settings,
};

/// The surroundings of the work. One per process, shared behind an `Arc`.
#[derive(Debug)]
pub struct Env {
    /// The store.
    pub db: DatabaseConnection,
    /// The time.
    pub clock: Clock,
    /// Ids and secrets.
    pub ids: Ids,
    /// What the operator set.
    pub settings: Settings,
    /// Suffixes, family names and benign lists.
    pub intake: Arc<Context>,
    /// The ports to what is outside; closed until they are set.
    pub outside: Outside,
    /// The key that seals second factors; none until it is set.
    pub seal: Option<Seal>,
    /// The providers that people can sign in with; none until they are set.
    pub providers: Providers,
    /// When sessions and tokens were used since it was last written.
    pub used: Used,
    /// Told when a job was committed, so that this process's worker need not wait for its next poll.
    pub jobs_waiting: tokio::sync::Notify,
}

impl Env {
    /// The surroundings over an open database, outside ports closed.
    pub fn new(db: DatabaseConnection, clock: Clock, ids: Ids, settings: Settings) -> Self {
        Self {
            db,
            clock,
            ids,
            settings,
            intake: Arc::default(),
            outside: Outside::default(),
            seal: None,
            providers: Providers::default(),
            used: Used::default(),
            jobs_waiting: tokio::sync::Notify::new(),
        }
    }

    /// Begins a write.
    ///
    /// # Errors
    /// The database refused.
    pub async fn begin(&self) -> Result<DatabaseTransaction, Error> {
        db::begin(&self.db).await
    }

    /// Commits a write and wakes this process's worker for what it may have enqueued.
    ///
    /// # Errors
    /// The database refused: nothing was written.
    pub async fn commit(&self, txn: DatabaseTransaction) -> Result<(), Error> {
        txn.commit().await?;
        self.jobs_waiting.notify_waiters();
        Ok(())
    }

    /// The key that seals second factors.
    ///
    /// # Errors
    /// There is none.
    pub fn seal(&self) -> Result<&Seal, Error> {
        self.seal.as_ref().ok_or_else(|| Error::Unavailable { what: "the key of auth.key_file".into() })
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A new id.
    pub fn id<T: From<uuid::Uuid>>(&self) -> T {
        self.ids.next(self.now())
    }
}
