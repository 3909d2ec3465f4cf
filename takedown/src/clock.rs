//! The clock is an argument: a rehearsal runs a month in a minute, a test is exact.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use entities::Timestamp;
use time::OffsetDateTime;

/// Where the time comes from. Clones share one clock.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// Stands until it is moved, for tests. Microseconds since 1970.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `at` until [`Clock::advance`] moves it.
    pub fn manual(at: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(at.0)))
    }

    /// The present instant, to the microsecond.
    #[expect(clippy::disallowed_methods, reason = "the one place that may read the machine's clock")]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => OffsetDateTime::now_utc().into(),
            Self::Manual(at) => Timestamp(at.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock forward; the machine's ignores it.
    pub fn advance(&self, by: Duration) {
        if let Self::Manual(at) = self {
            at.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }
}
