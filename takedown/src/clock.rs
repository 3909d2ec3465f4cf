//! The clock is an argument: a rehearsal runs a month in a minute, a test is exact.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use entities::Timestamp;
use time::OffsetDateTime;

/// Where the time comes from. Clones share one clock.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// Runs from `start` at `speed` times the wall's pace, for rehearsals.
    Scaled {
        /// What it showed at `since`.
        start: Timestamp,
        /// The wall instant at which it showed `start`.
        since: Instant,
        /// How many of its seconds pass in one of the wall's.
        speed: f64,
    },
    /// Stands until it is moved, for tests. Microseconds since 1970.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `at` until [`Clock::advance`] moves it.
    pub fn manual(at: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(at.0)))
    }

    /// A clock that shows `start` now and runs at `speed` times the wall's pace.
    pub fn scaled(start: Timestamp, speed: f64) -> Self {
        Self::Scaled { start, since: Instant::now(), speed }
    }

    /// The present instant, to the microsecond.
    #[expect(clippy::disallowed_methods, reason = "the one place that may read the machine's clock")]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => OffsetDateTime::now_utc().into(),
            Self::Scaled { start, since, speed } => start.plus(since.elapsed().mul_f64(*speed)),
            Self::Manual(at) => Timestamp(at.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock forward; the others run by themselves and ignore it.
    pub fn advance(&self, by: Duration) {
        if let Self::Manual(at) = self {
            at.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }

    /// How long the wall takes for `span` of this clock; a manual clock takes it as it is.
    pub fn wall(&self, span: Duration) -> Duration {
        match self {
            Self::Scaled { speed, .. } if *speed > 0.0 => span.div_f64(*speed),
            _ => span,
        }
    }
}
