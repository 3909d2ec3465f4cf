//! Slowing guesses down without locking the honest out. Every attempt is noted before it is judged, so that guesses that
//! come all at once count too, and forgiven when it was right. Failures grow a delay, they never close an account:
//!
//! - an address that fails often waits, whatever accounts it tries;
//! - an account that is tried often from addresses that it never signed in from waits at most a minute;
//! - an account's own addresses wait for their own failures only, so that who guesses elsewhere does not keep its person out.
#![expect(clippy::disallowed_methods, reason = "the store file of the throttle, which holds no case content")]

use std::{net::IpAddr, time::Duration};

use entities::{Timestamp, throttle};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
    sea_query::{LockType, OnConflict},
};
use sha2::{Digest, Sha256};

use crate::error::Error;

/// After how long without a failure they are forgotten.
const FORGET: Duration = Duration::from_secs(24 * 60 * 60);

/// What is counted, with how many failures are free and the longest delay.
#[derive(Clone, Debug)]
struct Count {
    key: String,
    free: i32,
    longest: Duration,
}

/// The counts that an attempt touches.
#[derive(Clone, Debug)]
pub struct Attempt(Vec<Count>);

impl Attempt {
    /// An attempt on an account by its name, from an address, which may be one that the account signed in from before.
    /// Keys are hashes: what is typed as a name may be a password.
    pub fn new(account: &str, from: Option<IpAddr>, known: bool) -> Self {
        let account = crate::hex(&Sha256::digest(account)[..16]);
        let network = from.map_or_else(|| "unknown".to_owned(), network);
        let mut counts =
            vec![Count { key: format!("from:{network}"), free: 20, longest: Duration::from_secs(900) }];
        counts.push(if known {
            Count { key: format!("account:{account}:{network}"), free: 5, longest: Duration::from_secs(900) }
        } else {
            Count { key: format!("account:{account}"), free: 5, longest: Duration::from_secs(60) }
        });
        // One order for all, so that two attempts never wait for each other.
        counts.sort_by(|a, b| a.key.cmp(&b.key));
        Self(counts)
    }

    /// Notes the attempt as a failure, in a transaction that the caller commits before judging it.
    ///
    /// # Errors
    /// How long to wait, if it comes too early: then nothing is noted.
    pub async fn begin(
        &self,
        txn: &DatabaseTransaction,
        now: Timestamp,
    ) -> Result<Result<(), Duration>, Error> {
        for count in &self.0 {
            // The row must be there to be locked.
            let fresh = throttle::Model { key: count.key.clone(), failures: 0, last_at: now, until: now };
            throttle::Entity::insert(fresh.into_active_model().reset_all())
                .on_conflict(OnConflict::column(throttle::Column::Key).do_nothing().to_owned())
                .exec_without_returning(txn)
                .await?;
        }
        let rows = throttle::Entity::find()
            .filter(throttle::Column::Key.is_in(self.0.iter().map(|count| count.key.as_str())))
            .order_by_asc(throttle::Column::Key)
            .lock(LockType::Update)
            .all(txn)
            .await?;
        if let Some(until) = rows.iter().map(|row| row.until).filter(|until| *until > now).max() {
            return Ok(Err(until.since(now)));
        }
        for row in rows {
            let Some(count) = self.0.iter().find(|count| count.key == row.key) else { continue };
            let before = if now.since(row.last_at) > FORGET { 0 } else { row.failures };
            let failures = before.saturating_add(1);
            let until = now.plus(delay(failures, count));
            let row = throttle::Model { failures, last_at: now, until, ..row };
            row.into_active_model().reset_all().update(txn).await?;
        }
        Ok(Ok(()))
    }

    /// Forgives the attempt, which was right, and the account's failures before it. The address keeps those before, or
    /// one good account would free an address to try others.
    pub async fn forgive(&self, txn: &DatabaseTransaction, now: Timestamp) -> Result<(), Error> {
        self.give_back(txn, now, |count| count.key.starts_with("account:")).await
    }

    /// Takes the attempt back, which was right as far as it went. Failures before it stand, or the password alone would
    /// free whoever has it to guess the second factor.
    pub async fn take_back(&self, txn: &DatabaseTransaction, now: Timestamp) -> Result<(), Error> {
        self.give_back(txn, now, |_| false).await
    }

    async fn give_back(
        &self,
        txn: &DatabaseTransaction,
        now: Timestamp,
        all: impl Fn(&Count) -> bool,
    ) -> Result<(), Error> {
        for count in &self.0 {
            let row = throttle::Entity::find_by_id(&count.key).lock(LockType::Update).one(txn).await?;
            let Some(row) = row else { continue };
            let failures = if all(count) { 0 } else { (row.failures - 1).max(0) };
            let row = throttle::Model { failures, until: now, ..row };
            row.into_active_model().reset_all().update(txn).await?;
        }
        Ok(())
    }
}

/// How long the next attempt waits: a second, doubled with each failure over the free ones.
fn delay(failures: i32, count: &Count) -> Duration {
    let over = failures - count.free;
    if over < 0 {
        return Duration::ZERO;
    }
    let doubled = 1u64.checked_shl(over.unsigned_abs().min(20)).unwrap_or(u64::MAX);
    Duration::from_secs(doubled).min(count.longest)
}

/// What counts as one address: an IPv4 address, or the /64 that an IPv6 host can choose from.
fn network(from: IpAddr) -> String {
    match from.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}
