//! Ids and randomness are arguments: seeded in tests, from the system's entropy in production.

use std::sync::{Mutex, PoisonError};

use entities::Timestamp;
use rand::{Rng, SeedableRng, TryRng, rngs::SysRng};
use rand_chacha::ChaCha20Rng;
use uuid::{Builder, Uuid};

/// Makes UUIDv7 ids (RFC 9562 §5.7) that rise within the process, and secrets.
#[derive(Debug)]
pub struct Ids(Mutex<State>);

#[derive(Debug)]
struct State {
    rng: ChaCha20Rng,
    last: u128,
}

impl Ids {
    /// Ids from the system's entropy.
    ///
    /// # Errors
    /// The system has no entropy to give.
    pub fn system() -> Result<Self, rand::rngs::SysError> {
        let mut seed = [0; 32];
        SysRng.try_fill_bytes(&mut seed)?;
        Ok(Self::new(ChaCha20Rng::from_seed(seed)))
    }

    /// Ids that are the same for the same seed and times.
    pub fn seeded(seed: u64) -> Self {
        Self::new(ChaCha20Rng::seed_from_u64(seed))
    }

    fn new(rng: ChaCha20Rng) -> Self {
        Self(Mutex::new(State { rng, last: 0 }))
    }

    /// A new id, greater than every one before it, so that bulk inserts append to their indexes.
    pub fn next<T: From<Uuid>>(&self, now: Timestamp) -> T {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut random = [0; 10];
        state.rng.fill_bytes(&mut random);
        let millis = u64::try_from(now.0.div_euclid(1_000)).unwrap_or(0);
        let fresh = Builder::from_unix_timestamp_millis(millis, &random).into_uuid().as_u128();
        state.last = if fresh > state.last { fresh } else { state.last + 1 };
        T::from(Uuid::from_u128(state.last))
    }

    /// 32 random bytes, for secrets.
    pub fn secret(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.0.lock().unwrap_or_else(PoisonError::into_inner).rng.fill_bytes(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use entities::ObservableId;

    use super::*;

    #[test]
    fn ids_rise_within_one_millisecond_and_when_the_clock_steps_back() {
        let ids = Ids::seeded(1);
        let mut last: ObservableId = ids.next(Timestamp(5_000_000));
        for at in [5_000_000, 5_000_000, 5_000_001, 4_000_000, 6_000_000] {
            let id = ids.next(Timestamp(at));
            assert!(id > last);
            last = id;
        }
    }

    #[test]
    fn the_same_seed_and_times_give_the_same_ids() {
        let (a, b) = (Ids::seeded(7), Ids::seeded(7));
        assert_eq!(a.next::<ObservableId>(Timestamp(1)), b.next::<ObservableId>(Timestamp(1)));
        assert_eq!(a.secret(), b.secret());
    }
}
