//! Passwords: argon2id (RFC 9106) with OWASP's parameters, stored in the PHC string form, so that stronger parameters
//! can be chosen later without asking anybody for a new password.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD as BASE64};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use crate::error::Error;

/// Memory in KiB, passes, lanes (OWASP Password Storage Cheat Sheet, argon2id).
const COST: (u32, u32, u32) = (19_456, 2, 1);
const SALT: usize = 16;
const HASH: usize = 32;

/// The fewest characters: length is what counts (NIST SP 800-63B-4 §3.1.1.2).
const SHORTEST: usize = 12;
/// The most bytes that are hashed.
const LONGEST: usize = 1_024;

/// Passwords hashed at a time: each takes 19 MiB, and who guesses must not take the memory.
static HANDS: Semaphore = Semaphore::const_new(4);

/// Refuses a password that a person should not have.
///
/// # Errors
/// [`Error::Invalid`] with what to do.
pub fn acceptable(password: &str, name: &str) -> Result<(), Error> {
    let refuse = |message: String| Err(Error::invalid("password", message));
    if password.chars().count() < SHORTEST {
        return refuse(format!("must have at least {SHORTEST} characters"));
    }
    if password.len() > LONGEST {
        return refuse(format!("must have at most {LONGEST} bytes"));
    }
    let distinct = password.chars().collect::<std::collections::BTreeSet<_>>().len();
    if distinct < 5 {
        return refuse("repeats a few characters: choose other words".into());
    }
    if password.to_lowercase().contains(&name.to_lowercase()) {
        return refuse("has the account's name in it: choose other words".into());
    }
    Ok(())
}

/// The stored form of a password, with a fresh salt.
///
/// # Errors
/// The machine has no memory for it.
pub async fn hash(password: &str, random: [u8; 32]) -> Result<String, Error> {
    let salt: [u8; SALT] = std::array::from_fn(|at| random[at]);
    let out = derived(password, &salt, COST).await?;
    let (m, t, p) = COST;
    Ok(format!("$argon2id$v=19$m={m},t={t},p={p}${}${}", BASE64.encode(salt), BASE64.encode(out)))
}

/// Whether `password` is the one that `stored` was made of. Without a stored one it takes as long and is false, so that
/// nobody learns by the clock which accounts exist.
///
/// # Errors
/// The machine has no memory for it.
pub async fn verify(stored: Option<&str>, password: &str) -> Result<bool, Error> {
    let known = stored.and_then(parsed);
    let (cost, salt, hash) = known.clone().unwrap_or((COST, vec![0; SALT], vec![0; HASH]));
    let given = if password.len() > LONGEST { "" } else { password };
    let out = derived(given, &salt, cost).await?;
    let same: bool = out.ct_eq(&hash).into();
    Ok(same && known.is_some() && password.len() <= LONGEST)
}

type Parsed = ((u32, u32, u32), Vec<u8>, Vec<u8>);

/// Reads `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
fn parsed(text: &str) -> Option<Parsed> {
    let mut parts = text.strip_prefix("$argon2id$v=19$")?.split('$');
    let (cost, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
    let mut numbers =
        cost.split(',').zip(["m=", "t=", "p="]).map(|(part, name)| part.strip_prefix(name)?.parse().ok());
    let cost = (numbers.next()??, numbers.next()??, numbers.next()??);
    let hash = BASE64.decode(hash).ok().filter(|hash| hash.len() == HASH)?;
    Some((cost, BASE64.decode(salt).ok()?, hash))
}

async fn derived(password: &str, salt: &[u8], (m, t, p): (u32, u32, u32)) -> Result<[u8; HASH], Error> {
    let params = Params::new(m, t, p, Some(HASH)).map_err(|error| Error::internal(error.to_string()))?;
    let (password, salt) = (password.to_owned(), salt.to_owned());
    let _held = HANDS.acquire().await.map_err(Error::internal)?;
    #[cfg(test)]
    DERIVED.set(DERIVED.get() + 1);
    let work = move || {
        let mut out = [0; HASH];
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon.hash_password_into(password.as_bytes(), &salt, &mut out).map(|()| out)
    };
    let out = tokio::task::spawn_blocking(work).await.map_err(Error::internal)?;
    out.map_err(|error| Error::internal(error.to_string()))
}

#[cfg(test)]
thread_local! {
    /// How many passwords this test has had hashed.
    pub static DERIVED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_its_own_and_no_other() {
        let stored = hash("correct horse battery", [7; 32]).await.expect("a hash");
        assert!(
            stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && !stored.contains("horse"),
            "{stored}"
        );
        assert!(verify(Some(&stored), "correct horse battery").await.expect("verified"));
        assert!(!verify(Some(&stored), "correct horse batterY").await.expect("verified"));
        let other = hash("correct horse battery", [8; 32]).await.expect("a hash");
        assert_ne!(stored, other, "a salt of its own");
    }

    #[tokio::test]
    async fn without_an_account_it_takes_the_same_work_and_is_false() {
        for (stored, password) in [(None, "x"), (None, ""), (Some("$argon2id$v=19$broken"), "")] {
            let before = DERIVED.get();
            assert!(!verify(stored, password).await.expect("verified"), "{stored:?}");
            assert!(DERIVED.get() > before);
        }
    }

    /// The vector of RFC 9106 §5.3 has a secret and associated data; this one is of the reference implementation's
    /// test.c (argon2id, v=19, t=2, m=2^16, p=1).
    #[tokio::test]
    async fn it_is_the_argon2id_of_the_reference() {
        let stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(verify(Some(stored), "password").await.expect("verified"));
    }

    #[test]
    fn what_is_too_short_or_plain_is_refused() {
        for (password, name) in [
            ("short", "ana"),
            ("aaaaaaaaaaaaaaaa", "ana"),
            ("lea-lea-lea-2026", "lea"),
            (&"x1y2z".repeat(300), "ana"),
        ] {
            assert!(acceptable(password, name).is_err(), "{password}");
        }
        assert!(acceptable("correct horse battery", "ana").is_ok());
    }
}
