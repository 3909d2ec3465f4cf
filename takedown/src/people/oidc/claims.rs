//! What tokens say, held against what was expected: pure.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use entities::Timestamp;
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;

use super::{jws::Algorithm, wrong::Wrong};

/// How far the clocks of a provider and ours may be apart.
pub const SKEW: Duration = Duration::from_secs(60);
/// How long ago a logout token may have been issued; what came later was kept by somebody.
const FRESH: Duration = Duration::from_secs(10 * 60);
/// The longest subject, in bytes (OpenID Connect Core §2).
const SUBJECT_MAX: usize = 255;
/// The event of a logout token (OpenID Connect Back-Channel Logout 1.0 §2.4).
const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What holds of every token of a provider.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Its issuer identifier.
    pub issuer: &'a str,
    /// Who we are there.
    pub client_id: &'a str,
    /// The present instant.
    pub now: Timestamp,
}

/// What an ID token must hold beside.
#[derive(Clone, Copy, Debug)]
pub enum Occasion<'a> {
    /// It answers a request that had this nonce.
    SignIn(&'a str),
    /// It renews a session that began with this nonce, of this subject (OpenID Connect Core §12.2).
    Refresh {
        /// The nonce: repeated or left out.
        nonce: &'a str,
        /// Who it was.
        subject: &'a str,
    },
}

/// Checks an ID token's claims (OpenID Connect Core §3.1.3.7) and returns its subject.
///
/// # Errors
/// The first thing that is wrong.
pub fn id_token(
    claims: &Map<String, Value>,
    expected: Expected<'_>,
    occasion: Occasion<'_>,
) -> Result<String, Wrong> {
    addressed(claims, expected)?;
    timely(claims, expected.now)?;
    let subject = text(claims, "sub").ok_or(Wrong::Subject)?;
    if subject.is_empty() || subject.len() > SUBJECT_MAX || !subject.is_ascii() {
        return Err(Wrong::Subject);
    }
    let given = claims.get("nonce").map(|nonce| nonce.as_str().unwrap_or_default());
    let same = |nonce: &str| given.is_some_and(|given| given.as_bytes().ct_eq(nonce.as_bytes()).into());
    match occasion {
        Occasion::SignIn(nonce) if !same(nonce) => return Err(Wrong::Nonce),
        Occasion::Refresh { nonce, .. } if given.is_some() && !same(nonce) => return Err(Wrong::Nonce),
        Occasion::Refresh { subject: before, .. } if subject != before => return Err(Wrong::OtherSubject),
        Occasion::SignIn(_) | Occasion::Refresh { .. } => {}
    }
    Ok(subject.to_owned())
}

/// The access token that came with an ID token belongs to it, if that says which (OpenID Connect Core §3.1.3.8).
///
/// # Errors
/// [`Wrong::AccessToken`].
pub fn beside(claims: &Map<String, Value>, algorithm: Algorithm, access: Option<&str>) -> Result<(), Wrong> {
    let (Some(said), Some(access)) = (claims.get("at_hash"), access) else { return Ok(()) };
    let hash = ring::digest::digest(algorithm.hash(), access.as_bytes());
    let half = BASE64_URL_SAFE_NO_PAD.encode(&hash.as_ref()[..hash.as_ref().len() / 2]);
    if said.as_str() == Some(&half) { Ok(()) } else { Err(Wrong::AccessToken) }
}

/// Whom a logout token is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logout {
    /// All sessions of this subject, or the one session if it is named.
    pub subject: Option<String>,
    /// This session of the provider's.
    pub sid: Option<String>,
    /// What makes the token count once.
    pub jti: String,
    /// Until when it could be shown again.
    pub until: Timestamp,
}

/// Checks a logout token's claims (OpenID Connect Back-Channel Logout 1.0 §2.6).
///
/// # Errors
/// The first thing that is wrong.
pub fn logout_token(claims: &Map<String, Value>, expected: Expected<'_>) -> Result<Logout, Wrong> {
    addressed(claims, expected)?;
    let issued = timely(claims, expected.now)?;
    if issued.plus(FRESH) < expected.now {
        return Err(Wrong::Expired);
    }
    if !claims.get("events").is_some_and(|events| events.get(LOGOUT).is_some_and(Value::is_object)) {
        return Err(Wrong::Event);
    }
    // An ID token has one: it is never taken for the other.
    if claims.contains_key("nonce") {
        return Err(Wrong::Nonce);
    }
    let named = |name| text(claims, name).filter(|text| !text.is_empty() && text.len() <= SUBJECT_MAX);
    let (subject, sid) = (named("sub").map(str::to_owned), named("sid").map(str::to_owned));
    if subject.is_none() && sid.is_none() {
        return Err(Wrong::Subject);
    }
    let jti = named("jti").ok_or(Wrong::Replayed)?.to_owned();
    Ok(Logout { subject, sid, jti, until: issued.plus(FRESH + SKEW) })
}

/// From the provider, for us, and given to us.
fn addressed(claims: &Map<String, Value>, expected: Expected<'_>) -> Result<(), Wrong> {
    if text(claims, "iss") != Some(expected.issuer) {
        return Err(Wrong::Issuer);
    }
    let ours = |value: &Value| value.as_str() == Some(expected.client_id);
    let several = match claims.get("aud") {
        Some(Value::Array(all)) if all.iter().any(ours) => all.len() > 1,
        Some(one) if ours(one) => false,
        _ => return Err(Wrong::Audience),
    };
    match claims.get("azp") {
        Some(party) if !ours(party) => Err(Wrong::Party),
        None if several => Err(Wrong::Party),
        _ => Ok(()),
    }
}

/// Neither past nor in the future, give or take [`SKEW`]; returns when it was issued.
fn timely(claims: &Map<String, Value>, now: Timestamp) -> Result<Timestamp, Wrong> {
    let (expires, issued) = (instant(claims, "exp")?, instant(claims, "iat")?);
    let (expires, issued) = (expires.ok_or(Wrong::Times)?, issued.ok_or(Wrong::Times)?);
    if expires.plus(SKEW) <= now {
        return Err(Wrong::Expired);
    }
    let begins = instant(claims, "nbf")?.unwrap_or(issued).max(issued);
    if begins > now.plus(SKEW) {
        return Err(Wrong::Future);
    }
    Ok(issued)
}

/// Seconds since 1970, which may have a fraction (RFC 7519 §2).
fn instant(claims: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, Wrong> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| (0.0..253_402_300_800.0).contains(seconds));
    seconds.map(|seconds| Some(Timestamp((seconds * 1e6) as i64))).ok_or(Wrong::Times)
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name)?.as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn expected() -> Expected<'static> {
        Expected { issuer: "https://id.example", client_id: "us", now: Timestamp(NOW * 1_000_000) }
    }

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(object) = value else { unreachable!("an object") };
        object
    }

    fn good() -> Map<String, Value> {
        object(json!({
            "iss": "https://id.example", "aud": "us", "sub": "7", "nonce": "n", "iat": NOW, "exp": NOW + 300,
        }))
    }

    fn with(name: &str, value: Value) -> Map<String, Value> {
        let mut claims = good();
        claims.insert(name.into(), value);
        claims
    }

    fn without(name: &str) -> Map<String, Value> {
        let mut claims = good();
        claims.remove(name);
        claims
    }

    #[test]
    fn each_claim_of_an_id_token_counts() {
        let check = |claims: &Map<String, Value>| id_token(claims, expected(), Occasion::SignIn("n"));
        assert_eq!(check(&good()), Ok("7".into()));
        for (claims, wrong) in [
            (without("iss"), Wrong::Issuer),
            (with("iss", json!("https://id.example/")), Wrong::Issuer),
            (without("aud"), Wrong::Audience),
            (with("aud", json!("them")), Wrong::Audience),
            (with("aud", json!([])), Wrong::Audience),
            (with("aud", json!(["us", "them"])), Wrong::Party),
            (with("azp", json!("them")), Wrong::Party),
            (without("sub"), Wrong::Subject),
            (with("sub", json!("")), Wrong::Subject),
            (with("sub", json!(7)), Wrong::Subject),
            (with("sub", json!("x".repeat(256))), Wrong::Subject),
            (without("nonce"), Wrong::Nonce),
            (with("nonce", json!("m")), Wrong::Nonce),
            (with("nonce", json!(null)), Wrong::Nonce),
            (without("exp"), Wrong::Times),
            (with("exp", json!("soon")), Wrong::Times),
            (with("exp", json!(-1)), Wrong::Times),
            (without("iat"), Wrong::Times),
        ] {
            assert_eq!(check(&claims), Err(wrong), "{claims:?}");
        }
        for claims in [with("aud", json!(["us"])), with("azp", json!("us"))] {
            assert!(check(&claims).is_ok(), "{claims:?}");
        }
        let mut several = with("aud", json!(["them", "us"]));
        several.insert("azp".into(), json!("us"));
        assert!(check(&several).is_ok());
    }

    #[test]
    fn clocks_may_be_a_minute_apart_and_no_more() {
        let check = |claims: &Map<String, Value>| id_token(claims, expected(), Occasion::SignIn("n"));
        for (name, at, found) in [
            ("exp", NOW - 59, Ok("7".to_owned())),
            ("exp", NOW - 60, Err(Wrong::Expired)),
            ("iat", NOW + 60, Ok("7".to_owned())),
            ("iat", NOW + 61, Err(Wrong::Future)),
            ("nbf", NOW + 60, Ok("7".to_owned())),
            ("nbf", NOW + 61, Err(Wrong::Future)),
        ] {
            assert_eq!(check(&with(name, json!(at))), found, "{name} {}", at - NOW);
        }
        assert!(check(&with("exp", json!(NOW as f64 + 0.5))).is_ok());
    }

    #[test]
    fn a_renewed_token_is_of_the_same_person() {
        let check = |claims: &Map<String, Value>, subject| {
            id_token(claims, expected(), Occasion::Refresh { nonce: "n", subject })
        };
        assert!(check(&good(), "7").is_ok() && check(&without("nonce"), "7").is_ok());
        assert_eq!(check(&good(), "8"), Err(Wrong::OtherSubject));
        assert_eq!(check(&with("nonce", json!("m")), "7"), Err(Wrong::Nonce));
    }

    #[test]
    fn the_access_token_belongs_to_the_id_token() {
        // The example of OpenID Connect Core, appendix A.3.
        let claims = with("at_hash", json!("77QmUPtjPfzWtF2AnpK9RQ"));
        let access = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(beside(&claims, Algorithm::Rs256, Some(access)), Ok(()));
        assert_eq!(beside(&claims, Algorithm::Rs256, Some("another")), Err(Wrong::AccessToken));
        assert_eq!(beside(&good(), Algorithm::Rs256, Some("another")), Ok(()), "it need not say");
    }

    #[test]
    fn each_claim_of_a_logout_token_counts() {
        let good = object(json!({
            "iss": "https://id.example", "aud": "us", "sub": "7", "sid": "s", "jti": "j", "iat": NOW, "exp": NOW + 120,
            "events": { LOGOUT: {} },
        }));
        let with = |name: &str, value: Option<Value>| {
            let mut claims = good.clone();
            match value {
                Some(value) => claims.insert(name.into(), value),
                None => claims.remove(name),
            };
            claims
        };
        let told = logout_token(&good, expected()).expect("good");
        assert_eq!((told.subject.as_deref(), told.sid.as_deref()), (Some("7"), Some("s")));
        assert!(logout_token(&with("sub", None), expected()).is_ok());
        for (claims, wrong) in [
            (with("events", None), Wrong::Event),
            (with("events", Some(json!({}))), Wrong::Event),
            (with("events", Some(json!({ LOGOUT: true }))), Wrong::Event),
            (with("nonce", Some(json!("n"))), Wrong::Nonce),
            (with("jti", None), Wrong::Replayed),
            (with("aud", Some(json!("them"))), Wrong::Audience),
            (with("iss", Some(json!("https://other.example"))), Wrong::Issuer),
            (with("exp", None), Wrong::Times),
            (with("iat", Some(json!(NOW - 601))), Wrong::Expired),
            (with("iat", Some(json!(NOW + 61))), Wrong::Future),
        ] {
            assert_eq!(logout_token(&claims, expected()), Err(wrong), "{claims:?}");
        }
        let mut nobody = with("sub", None);
        nobody.remove("sid");
        assert_eq!(logout_token(&nobody, expected()), Err(Wrong::Subject));
    }
}
