//! Who asks: the bearer token of a request (RFC 6750 §2.1) becomes an actor. All else is `access`'s.

use axum::http::{HeaderMap, header::AUTHORIZATION};
use takedown::{actor::Actor, env::Env, error::Error, token};

/// The actor of a request: nobody without a token.
///
/// # Errors
/// [`Error::Unauthenticated`] for a token that is not known, has expired or was revoked, and for any other scheme.
pub async fn actor(env: &Env, headers: &HeaderMap) -> Result<Actor, Error> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = given.next() else { return Ok(Actor::Nobody) };
    if given.next().is_some() {
        return Err(Error::Unauthenticated);
    }
    let (scheme, secret) =
        value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(Error::Unauthenticated)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Error::Unauthenticated);
    }
    token::actor(env, secret.trim()).await
}
