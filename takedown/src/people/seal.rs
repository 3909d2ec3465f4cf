//! Sealing what must be read again and may not lie in the clear: second factors. ChaCha20-Poly1305 (RFC 8439) under a
//! key that is in a file and not in the database, so that a stolen database gives no codes.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf;

/// Why something cannot be opened, or a key not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The file's text.
    #[error("is not 32 bytes in base64: `openssl rand -base64 32` makes some")]
    Key,
    /// Another key, another owner, or changed bytes.
    #[error("cannot be opened with this key")]
    Broken,
}

/// The key. Purposes get keys of their own, derived from it.
pub struct Seal {
    root: hkdf::Prk,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(redacted)")
    }
}

/// How long a derived key is.
struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl Seal {
    /// The key that a file holds as base64.
    ///
    /// # Errors
    /// [`SealError::Key`].
    pub fn from_text(text: &str) -> Result<Self, SealError> {
        let bytes = BASE64_STANDARD.decode(text.trim()).map_err(|_| SealError::Key)?;
        Ok(Self::new(bytes.try_into().map_err(|_| SealError::Key)?))
    }

    /// A key of random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self { root: hkdf::Salt::new(hkdf::HKDF_SHA256, b"lockstep").extract(&bytes) }
    }

    /// The text that a file holds for random bytes.
    pub fn text(bytes: [u8; 32]) -> String {
        BASE64_STANDARD.encode(bytes)
    }

    /// 32 bytes for one purpose (HKDF, RFC 5869).
    pub(crate) fn derived(&self, purpose: &str) -> Result<[u8; 32], SealError> {
        let mut bytes = [0; 32];
        let info = [purpose.as_bytes()];
        let okm = self.root.expand(&info, Length(32)).map_err(|_| SealError::Broken)?;
        okm.fill(&mut bytes).map_err(|_| SealError::Broken)?;
        Ok(bytes)
    }

    fn key(&self) -> Result<LessSafeKey, SealError> {
        let bytes = self.derived("second factors")?;
        UnboundKey::new(&CHACHA20_POLY1305, &bytes).map(LessSafeKey::new).map_err(|_| SealError::Broken)
    }

    /// Seals `plain` for `owner`, who alone can be shown it: nonce, ciphertext and tag. `random` must be fresh.
    ///
    /// # Errors
    /// Never in practice.
    pub fn close(&self, owner: &str, plain: &[u8], random: [u8; 32]) -> Result<Vec<u8>, SealError> {
        let nonce: [u8; NONCE_LEN] = std::array::from_fn(|at| random[at]);
        let mut text = plain.to_vec();
        let aad = Aad::from(owner.as_bytes());
        self.key()?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut text)
            .map_err(|_| SealError::Broken)?;
        Ok([nonce.as_slice(), &text].concat())
    }

    /// Opens what was sealed for `owner`.
    ///
    /// # Errors
    /// [`SealError::Broken`].
    pub fn open(&self, owner: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or(SealError::Broken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Broken)?;
        let mut text = text.to_vec();
        let plain = self.key()?.open_in_place(nonce, Aad::from(owner.as_bytes()), &mut text);
        plain.map(|plain| plain.to_vec()).map_err(|_| SealError::Broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_and_the_owner_open_it() {
        let seal = Seal::new([1; 32]);
        let closed = seal.close("ana", b"secret", [9; 32]).expect("closed");
        assert!(!closed.windows(6).any(|part| part == b"secret"));
        assert_eq!(seal.open("ana", &closed).as_deref(), Ok(b"secret".as_slice()));
        assert_eq!(seal.open("lea", &closed), Err(SealError::Broken));
        assert_eq!(Seal::new([2; 32]).open("ana", &closed), Err(SealError::Broken));
        for at in 0..closed.len() {
            let mut changed = closed.clone();
            changed[at] ^= 1;
            assert_eq!(seal.open("ana", &changed), Err(SealError::Broken), "{at}");
        }
        assert_eq!(seal.open("ana", &[]), Err(SealError::Broken));
    }

    #[test]
    fn a_key_reads_back_and_shows_nothing() {
        let text = Seal::text([7; 32]);
        let seal = Seal::from_text(&format!("{text}\n")).expect("a key");
        assert!(!format!("{seal:?}").contains(&text));
        assert_ne!(seal.derived("a"), seal.derived("b"));
        for wrong in ["", "AAAA", "not base64!"] {
            assert!(matches!(Seal::from_text(wrong), Err(SealError::Key)), "{wrong}");
        }
    }
}
