//! People: who they are, how they prove it, and the sessions that follow. What they may do is `access`'s.

pub mod invite;
pub mod oidc;
mod password;
pub mod person;
pub mod retention;
mod seal;
pub mod second_factor;
pub mod session;
pub mod sign_in;
mod throttle;
mod totp;
pub mod used;

pub use self::{
    person::{NewPerson, PersonFilter},
    seal::{Seal, SealError},
    session::Device,
    used::Used,
};

use sha2::{Digest, Sha256};

/// SHA-256 is enough for secrets of 256 random bits: there is nothing to guess.
fn digest(secret: &str) -> Vec<u8> {
    Sha256::digest(secret).to_vec()
}

#[cfg(test)]
mod tests;
