//! One shared rate limiter per server: how often, how many at once, and not before the time it named.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until, timeout},
};

/// The longest pause a server may ask of us (`Retry-After`); a longer one counts as this.
pub const MAX_PAUSE: Duration = Duration::from_secs(24 * 3600);

/// How many servers are remembered at most; idle ones are forgotten first.
pub const MAX_SERVERS: usize = 8192;

/// The limits that hold for each server alike.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Questions per second in the long run; `None` = no limit.
    pub per_second: Option<f64>,
    /// How many questions may go at once after a quiet time; at least 1.
    pub burst: u32,
    /// Questions in flight at the same time; at least 1.
    pub in_flight: usize,
}

/// Not now: the server's limits leave no room within the caller's patience.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server's rate limit leaves no room for {} s, come back then", after.as_secs())]
pub struct Busy {
    /// When to come back.
    pub after: Duration,
}

/// The right to ask one question; the slot is free again when it is dropped.
#[must_use = "the slot is free again when the permit is dropped"]
#[derive(Debug)]
pub struct Permit {
    _slot: OwnedSemaphorePermit,
    // Holding the server keeps it from being forgotten while somebody waits on it.
    _server: Arc<Server>,
}

/// The limiter, by server (a host name or an address). Runs on tokio's clock, so it obeys a paused one.
#[derive(Debug)]
pub struct Limiter<K> {
    limits: Limits,
    servers: Mutex<HashMap<K, Arc<Server>>>,
}

#[derive(Debug)]
struct Server {
    slots: Arc<Semaphore>,
    times: Mutex<Times>,
}

#[derive(Debug)]
struct Times {
    /// When the bucket is full again (the theoretical arrival time of the generic cell rate algorithm).
    full_at: Instant,
    /// The server's own word.
    not_before: Instant,
}

impl<K: Eq + Hash + Clone> Limiter<K> {
    /// A limiter that holds each server to `limits`.
    pub fn new(limits: Limits) -> Self {
        Self { limits, servers: Mutex::new(HashMap::new()) }
    }

    /// Waits for the right to ask `server`, `patience` at most.
    ///
    /// # Errors
    /// [`Busy`] when the wait would be longer; no slot is used up then.
    pub async fn acquire(&self, server: &K, patience: Duration) -> Result<Permit, Busy> {
        let begun = Instant::now();
        let server = self.server(server, begun)?;
        let slot = timeout(patience, Arc::clone(&server.slots).acquire_owned())
            .await
            .ok()
            .and_then(Result::ok)
            .ok_or(Busy { after: Duration::from_secs(1) })?;
        loop {
            let now = Instant::now();
            let left = patience.saturating_sub(now - begun);
            let start = self.reserve(&server, now, left)?;
            if start > now {
                sleep_until(start).await;
            }
            // A pause that came while we slept holds for us too.
            if lock(&server.times).not_before <= start {
                break;
            }
        }
        Ok(Permit { _slot: slot, _server: server })
    }

    /// Takes the server's word (`Retry-After`) that it wants no question for `pause`; never shortens an earlier word.
    pub fn pause(&self, server: &K, pause: Duration) {
        let now = Instant::now();
        if let Ok(server) = self.server(server, now) {
            let mut times = lock(&server.times);
            times.not_before = times.not_before.max(now + pause.min(MAX_PAUSE));
        }
    }

    /// Reserves the next free moment, `patience` from now at most, and says when it is.
    fn reserve(&self, server: &Server, now: Instant, patience: Duration) -> Result<Instant, Busy> {
        let mut times = lock(&server.times);
        let interval = match self.limits.per_second {
            Some(rate) if rate > 0.0 => Duration::try_from_secs_f64(1.0 / rate).unwrap_or(MAX_PAUSE),
            _ => Duration::ZERO,
        };
        let ahead = interval * self.limits.burst.saturating_sub(1);
        let in_rate = times.full_at.checked_sub(ahead).unwrap_or(now);
        let start = now.max(in_rate).max(times.not_before);
        if start - now > patience {
            return Err(Busy { after: start - now });
        }
        times.full_at = times.full_at.max(start) + interval;
        Ok(start)
    }

    fn server(&self, key: &K, now: Instant) -> Result<Arc<Server>, Busy> {
        let mut servers = lock(&self.servers);
        if let Some(server) = servers.get(key) {
            return Ok(Arc::clone(server));
        }
        if servers.len() >= MAX_SERVERS {
            servers.retain(|_, server| !server.is_idle(now));
        }
        if servers.len() >= MAX_SERVERS {
            return Err(Busy { after: Duration::from_secs(60) });
        }
        let server = Arc::new(Server {
            slots: Arc::new(Semaphore::new(self.limits.in_flight.clamp(1, Semaphore::MAX_PERMITS))),
            times: Mutex::new(Times { full_at: now, not_before: now }),
        });
        servers.insert(key.clone(), Arc::clone(&server));
        Ok(server)
    }
}

impl Server {
    fn is_idle(self: &Arc<Self>, now: Instant) -> bool {
        let times = lock(&self.times);
        Arc::strong_count(self) == 1 && times.full_at <= now && times.not_before <= now
    }
}

/// A panic elsewhere must not close a server for good: the times stay usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter<K: Eq + Hash + Clone>(per_second: Option<f64>, burst: u32, in_flight: usize) -> Limiter<K> {
        Limiter::new(Limits { per_second, burst, in_flight })
    }

    const LONG: Duration = Duration::from_secs(3600);
    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn a_burst_goes_at_once_then_the_rate_holds_per_server() {
        let limiter = limiter(Some(2.0), 3, 10);
        let now = Instant::now();
        let server = limiter.server(&"a.example", now).unwrap();
        let reserve = |at: Duration| (limiter.reserve(&server, now + at, LONG).unwrap() - now).as_millis();
        let starts: Vec<_> = (0..6).map(|_| reserve(Duration::ZERO)).collect();
        assert_eq!(starts, [0, 0, 0, 500, 1000, 1500]);
        assert_eq!(reserve(100 * SECOND), 100_000, "a full bucket again");
        let other = limiter.server(&"b.example", now).unwrap();
        assert_eq!(limiter.reserve(&other, now, LONG), Ok(now), "another server has its own bucket");
    }

    #[tokio::test]
    async fn impatience_uses_nothing_up() {
        let limiter = limiter(Some(1.0), 1, 10);
        let now = Instant::now();
        let server = limiter.server(&1, now).unwrap();
        assert_eq!(limiter.reserve(&server, now, Duration::ZERO), Ok(now));
        for _ in 0..10 {
            assert_eq!(limiter.reserve(&server, now, SECOND / 2), Err(Busy { after: SECOND }));
        }
        assert_eq!(limiter.reserve(&server, now, SECOND), Ok(now + SECOND));
    }

    #[tokio::test]
    async fn a_pause_is_never_shortened_and_bounded() {
        let limiter = limiter(None, 1, 10);
        limiter.pause(&1, 60 * SECOND);
        limiter.pause(&1, SECOND);
        let busy = limiter.acquire(&1, 10 * SECOND).await.unwrap_err();
        assert!(busy.after > 50 * SECOND, "{busy:?}");
        limiter.pause(&1, Duration::MAX);
        let busy = limiter.acquire(&1, 10 * SECOND).await.unwrap_err();
        assert!(busy.after <= MAX_PAUSE, "{busy:?}");
    }

    #[tokio::test]
    async fn a_pause_holds_also_for_those_who_already_wait() {
        let limiter = limiter(Some(50.0), 1, 10);
        let begun = Instant::now();
        drop(limiter.acquire(&1, LONG).await.unwrap());
        let waits = async { limiter.acquire(&1, LONG).await.map(|_| begun.elapsed()) };
        let pauses = async { limiter.pause(&1, Duration::from_millis(60)) };
        let (waited, ()) = tokio::join!(waits, pauses);
        assert!(waited.unwrap() >= Duration::from_millis(60));
    }

    #[tokio::test]
    async fn no_more_in_flight_than_allowed() {
        let limiter = limiter(None, 1, 2);
        let first = limiter.acquire(&1, LONG).await.unwrap();
        let _second = limiter.acquire(&1, LONG).await.unwrap();
        assert!(limiter.acquire(&1, Duration::ZERO).await.is_err());
        drop(first);
        assert!(limiter.acquire(&1, Duration::ZERO).await.is_ok());
    }

    #[tokio::test]
    async fn the_number_of_servers_is_bounded_and_paused_ones_are_kept() {
        let limiter = limiter(Some(1.0), 1, 1);
        let now = Instant::now();
        limiter.pause(&0, LONG);
        for key in 1..MAX_SERVERS {
            let server = limiter.server(&key, now).unwrap();
            limiter.reserve(&server, now, LONG).unwrap();
        }
        assert!(limiter.server(&MAX_SERVERS, now).is_err(), "all are in their interval");
        limiter.server(&MAX_SERVERS, now + 2 * SECOND).unwrap();
        assert_eq!(lock(&limiter.servers).len(), 2, "idle ones are forgotten");
        assert!(limiter.acquire(&0, SECOND).await.is_err(), "the pause is remembered");
    }
}
