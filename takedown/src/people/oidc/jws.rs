//! Signed tokens in compact form (RFC 7515 §3.1), verified by ring. Which algorithms count is the operator's list and never
//! the token's word; all of them are asymmetric, so that nobody who knows a public key can sign (RFC 8725 §3.1).

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{keys::Keys, wrong::Wrong};

/// The longest token that is read, in bytes.
const MOST_BYTES: usize = 64 << 10;

/// How a token is signed (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// Every algorithm that can be verified.
    pub const ALL: [Self; 9] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::EdDsa,
    ];

    /// Its registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// The hash that belongs to it, over an access token (OpenID Connect Core §3.1.3.6).
    pub(super) const fn hash(self) -> &'static ring::digest::Algorithm {
        match self {
            Self::Rs256 | Self::Ps256 | Self::Es256 => &ring::digest::SHA256,
            Self::Rs384 | Self::Ps384 | Self::Es384 => &ring::digest::SHA384,
            Self::Rs512 | Self::Ps512 | Self::EdDsa => &ring::digest::SHA512,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a token says of itself. Keys that it brings along or points to (`jwk`, `jku`, `x5c`) are not looked at.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<Value>,
}

/// A token that was read and not yet believed.
pub struct Token<'a> {
    /// How it says it is signed; one of those that are allowed.
    pub algorithm: Algorithm,
    /// The key that it names.
    pub kid: Option<String>,
    /// What kind of token it says it is, lower case, without `application/`.
    pub kind: Option<String>,
    signed: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> Token<'a> {
    /// Reads a token whose algorithm is one of `allowed`.
    ///
    /// # Errors
    /// It is none, or is signed in another way.
    pub fn read(text: &'a str, allowed: &[Algorithm]) -> Result<Self, Wrong> {
        if text.len() > MOST_BYTES {
            return Err(Wrong::Malformed);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(Wrong::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Wrong::Malformed)?;
        let decoded = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| Wrong::Malformed);
        let header: Header = serde_json::from_slice(&decoded(header)?).map_err(|_| Wrong::Malformed)?;
        let algorithm = Algorithm::named(&header.alg).filter(|algorithm| allowed.contains(algorithm));
        let algorithm = algorithm.ok_or(Wrong::Algorithm)?;
        // What must be understood and is not (RFC 7515 §4.1.11).
        if header.crit.is_some() {
            return Err(Wrong::Malformed);
        }
        let kind = header.typ.map(|typ| typ.to_ascii_lowercase());
        let kind = kind.map(|kind| kind.strip_prefix("application/").unwrap_or(&kind).to_owned());
        let (payload, signature) = (decoded(payload)?, decoded(signature)?);
        Ok(Self { algorithm, kid: header.kid, kind, signed, payload, signature })
    }

    /// The claims, if one of the keys signed them.
    ///
    /// # Errors
    /// No such key, or another one signed it.
    pub fn claims(&self, keys: &Keys) -> Result<Map<String, Value>, Wrong> {
        let key = keys.of(self.algorithm, self.kid.as_deref()).ok_or(Wrong::Key)?;
        if !key.signed(self.algorithm, self.signed.as_bytes(), &self.signature) {
            return Err(Wrong::Signature);
        }
        serde_json::from_slice(&self.payload).map_err(|_| Wrong::Malformed)
    }
}
