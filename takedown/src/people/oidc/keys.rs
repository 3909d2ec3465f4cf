//! A provider's public keys (JWK sets, RFC 7517).

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::jws::Algorithm;

/// The most keys of one provider that are kept.
const MOST: usize = 64;

/// The keys that a provider signs with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys(Vec<Key>);

/// One key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    kid: Option<String>,
    alg: Option<String>,
    material: Material,
}

/// Its public part.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// An uncompressed point.
    P256(Vec<u8>),
    /// An uncompressed point.
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// A key as it is published; of what is not for us, nothing is asked.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    for_what: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Keys {
    /// The keys of a set that can verify a signature. Others in it are not ours to judge: symmetric ones, those for
    /// encryption, kinds that come after us (RFC 7517 §5).
    pub fn read(set: &Map<String, Value>) -> Self {
        let all = set.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        Self(all.iter().filter_map(Key::read).take(MOST).collect())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key that a token names; of a token that names none, the only one that it can be.
    pub(super) fn of(&self, algorithm: Algorithm, kid: Option<&str>) -> Option<&Key> {
        let fits = |key: &&Key| key.fits(algorithm) && (kid.is_none() || key.kid.as_deref() == kid);
        let mut fitting = self.0.iter().filter(fits);
        let first = fitting.next()?;
        fitting.next().is_none().then_some(first)
    }
}

impl Key {
    fn read(value: &Value) -> Option<Self> {
        let jwk = Jwk::deserialize(value).ok()?;
        let for_signing = jwk.for_what.as_deref().is_none_or(|what| what == "sig")
            && jwk.key_ops.is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        let bytes = |text: Option<String>| BASE64_URL_SAFE_NO_PAD.decode(text?).ok();
        let point = |x: Option<String>, y: Option<String>, length: usize| {
            let (x, y) = (bytes(x)?, bytes(y)?);
            (x.len() == length && y.len() == length).then(|| [vec![4], x, y].concat())
        };
        let material = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => Material::Rsa { n: bytes(jwk.n)?, e: bytes(jwk.e)? },
            ("EC", Some("P-256")) => Material::P256(point(jwk.x, jwk.y, 32)?),
            ("EC", Some("P-384")) => Material::P384(point(jwk.x, jwk.y, 48)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes(jwk.x)?),
            _ => return None,
        };
        for_signing.then_some(Self { kid: jwk.kid, alg: jwk.alg, material })
    }

    /// Whether it is of that algorithm: a key is for one alone (RFC 8725 §3.1).
    fn fits(&self, algorithm: Algorithm) -> bool {
        let kind = match algorithm {
            Algorithm::Rs256
            | Algorithm::Rs384
            | Algorithm::Rs512
            | Algorithm::Ps256
            | Algorithm::Ps384
            | Algorithm::Ps512 => matches!(self.material, Material::Rsa { .. }),
            Algorithm::Es256 => matches!(self.material, Material::P256(_)),
            Algorithm::Es384 => matches!(self.material, Material::P384(_)),
            Algorithm::EdDsa => matches!(self.material, Material::Ed25519(_)),
        };
        kind && self.alg.as_deref().is_none_or(|alg| alg == algorithm.name())
    }

    /// Whether it signed the message.
    pub(super) fn signed(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let rsa = match algorithm {
            Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Algorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
            Algorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
            Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
            Algorithm::Ps384 => &RSA_PSS_2048_8192_SHA384,
            Algorithm::Ps512 => &RSA_PSS_2048_8192_SHA512,
            Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => {
                return self.signed_on_curve(algorithm, message, signature);
            }
        };
        let Material::Rsa { n, e } = &self.material else { return false };
        RsaPublicKeyComponents { n, e }.verify(rsa, message, signature).is_ok()
    }

    fn signed_on_curve(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let verified = match (algorithm, &self.material) {
            (Algorithm::Es256, Material::P256(point)) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            (Algorithm::Es384, Material::P384(point)) => {
                UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point).verify(message, signature)
            }
            (Algorithm::EdDsa, Material::Ed25519(key)) => {
                UnparsedPublicKey::new(&ED25519, key).verify(message, signature)
            }
            _ => return false,
        };
        verified.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keys(set: Value) -> Keys {
        let Value::Object(set) = set else { unreachable!("an object") };
        Keys::read(&set)
    }

    #[test]
    fn only_what_can_verify_a_signature_is_a_key() {
        let x = BASE64_URL_SAFE_NO_PAD.encode([7; 32]);
        let good = json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": "a" });
        let with = |name: &str, value: Value| {
            let mut key = good.clone();
            key[name] = value;
            json!({ "keys": [key] })
        };
        assert!(keys(json!({ "keys": [good] })).of(Algorithm::EdDsa, Some("a")).is_some());
        for other in [
            with("use", json!("enc")),
            with("key_ops", json!(["sign"])),
            with("kty", json!("oct")),
            with("crv", json!("X25519")),
            with("x", json!("not base64!")),
            with("kid", json!(7)),
            json!({ "keys": "none" }),
            json!({}),
        ] {
            assert!(keys(other.clone()).is_empty(), "{other}");
        }
        assert!(keys(with("alg", json!("ES256"))).of(Algorithm::EdDsa, Some("a")).is_none(), "for another");
    }

    #[test]
    fn a_token_without_a_key_id_is_of_the_only_key_that_it_can_be() {
        let key = |kid: &str| {
            let x = BASE64_URL_SAFE_NO_PAD.encode([7; 32]);
            json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid })
        };
        let one = keys(json!({ "keys": [key("a")] }));
        assert!(one.of(Algorithm::EdDsa, None).is_some());
        assert!(one.of(Algorithm::EdDsa, Some("b")).is_none() && one.of(Algorithm::Rs256, None).is_none());
        let two = keys(json!({ "keys": [key("a"), key("b")] }));
        assert!(two.of(Algorithm::EdDsa, None).is_none());
        assert!(two.of(Algorithm::EdDsa, Some("b")).is_some());
    }
}
