//! How often one may ask: a bucket of requests for each token, session, or address of nobody, filled as time goes by.

use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{AUTHORIZATION, RETRY_AFTER},
    },
    response::Response,
};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::{answer, auth};

/// The most buckets that are kept; the full ones of those who ask no more are let go of first.
const MOST: usize = 100_000;

/// Who asks, without its secret.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Asker {
    /// By a token or a session: the hash of what it sent.
    Secret([u8; 32]),
    /// Nobody, from there; of an IPv6 address the /64 that its host can choose from.
    Address(Option<IpAddr>),
}

impl Asker {
    /// Who sent these headers.
    pub fn of(headers: &HeaderMap, from: Option<IpAddr>) -> Self {
        let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        token
            .or_else(|| auth::cookie(headers, auth::SESSION))
            .map_or_else(|| Self::address(from), Self::secret)
    }

    /// Who knows a secret, or what an `Authorization` header says of it, however it is spaced.
    pub fn secret(secret: &str) -> Self {
        let bare = secret.split_once(' ').map_or(secret, |(_, secret)| secret);
        Self::Secret(Sha256::digest(bare.trim()).into())
    }

    /// Nobody, from there.
    pub fn address(from: Option<IpAddr>) -> Self {
        Self::Address(from.map(|from| match from.to_canonical() {
            IpAddr::V6(address) => IpAddr::from((u128::from(address) >> 64 << 64).to_be_bytes()),
            address @ IpAddr::V4(_) => address,
        }))
    }
}

impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asker(redacted)")
    }
}

/// Requests that are left, as of an instant.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

/// Every bucket of this process.
#[derive(Clone, Debug)]
pub struct Rates {
    per_second: f64,
    burst: f64,
    buckets: Arc<Mutex<HashMap<Asker, Bucket>>>,
}

impl Rates {
    /// So many requests a minute, and so many at once after a quiet time; 0 a minute is no limit.
    pub fn new(per_minute: u32, burst: u32) -> Self {
        let (per_second, burst) = (f64::from(per_minute) / 60.0, f64::from(burst.max(1)));
        Self { per_second, burst, buckets: Arc::default() }
    }

    /// Takes one request.
    ///
    /// # Errors
    /// How long to wait for the next.
    pub fn take(&self, asker: Asker, now: Instant) -> Result<(), Duration> {
        if self.per_second <= 0.0 {
            return Ok(());
        }
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST && !buckets.contains_key(&asker) {
            buckets.retain(|_, bucket| self.filled(*bucket, now) < self.burst);
        }
        let full = Bucket { left: self.burst, at: now };
        // Never more than are kept: then one who is new waits, and who is known goes on.
        if buckets.len() >= MOST && !buckets.contains_key(&asker) {
            return Err(Duration::from_secs(1));
        }
        let bucket = buckets.entry(asker).or_insert(full);
        let left = self.filled(*bucket, now);
        if left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - left) / self.per_second));
        }
        *bucket = Bucket { left: left - 1.0, at: now };
        Ok(())
    }

    fn filled(&self, bucket: Bucket, now: Instant) -> f64 {
        let since = now.saturating_duration_since(bucket.at).as_secs_f64();
        since.mul_add(self.per_second, bucket.left).min(self.burst)
    }
}

/// The answer to who asks too often.
pub fn too_often(wait: Duration) -> Response {
    let seconds = wait.as_secs().saturating_add(1);
    let message = format!("too many requests: wait {seconds} s");
    let mut slow = answer::failure(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", &message);
    slow.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    slow
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_fills_as_time_goes_by_and_is_ones_own() {
        let rates = Rates::new(120, 3);
        let begin = Instant::now();
        let (ana, bo) = (Asker::secret("ana"), Asker::secret("bo"));
        let ask = |who: &Asker, millis| rates.take(who.clone(), begin + Duration::from_millis(millis));
        for _ in 0..3 {
            assert_eq!(ask(&ana, 0), Ok(()));
        }
        assert_eq!(ask(&ana, 0), Err(Duration::from_millis(500)));
        assert_eq!(ask(&bo, 0), Ok(()), "somebody else");
        assert_eq!(ask(&ana, 500), Ok(()));
        assert!(ask(&ana, 500).is_err());
        // A quiet hour fills it, and no more than that.
        for _ in 0..3 {
            assert_eq!(ask(&ana, 3_600_000), Ok(()));
        }
        assert!(ask(&ana, 3_600_000).is_err());
        let none = Rates::new(0, 1);
        assert!((0..1_000).all(|_| none.take(ana.clone(), begin).is_ok()), "no limit");
    }

    #[test]
    fn nobody_has_two_buckets_by_writing_otherwise_or_from_a_neighbouring_address() {
        let same = ["Bearer lks_a", "bEarer lks_a", "Bearer   lks_a ", "lks_a"].map(Asker::secret);
        assert!(same.iter().all(|asker| *asker == same[0]));
        assert!(Asker::secret("Bearer lks_b") != same[0]);
        let from = |text: &str| Asker::address(Some(text.parse().expect("an address")));
        assert!(from("2001:db8::1") == from("2001:db8::ffff:1"));
        assert!(from("2001:db8::1") != from("2001:db8:0:1::1"));
        assert!(from("192.0.2.1") == from("::ffff:192.0.2.1") && from("192.0.2.1") != from("192.0.2.2"));
    }

    #[test]
    fn buckets_are_bounded_and_the_idle_make_room() {
        let rates = Rates::new(60, 1);
        let begin = Instant::now();
        let asker = |n: usize| Asker::secret(&n.to_string());
        for n in 0..MOST {
            assert!(rates.take(asker(n), begin).is_ok());
        }
        assert!(rates.take(asker(MOST), begin).is_err(), "all are busy");
        assert!(rates.take(asker(MOST), begin + Duration::from_secs(2)).is_ok());
        assert_eq!(rates.buckets.lock().expect("unbroken").len(), 1);
    }
}
