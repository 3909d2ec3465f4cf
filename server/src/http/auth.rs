//! Who asks: the bearer token of a request (RFC 6750 §2.1) or the session of its cookie becomes an actor. All else is
//! `access`'s.

use axum::http::{
    HeaderMap,
    header::{AUTHORIZATION, COOKIE, HOST, ORIGIN},
};
use entities::SessionId;
use takedown::{
    access::{self, Action},
    actor::Actor,
    env::Env,
    error::Error,
    people::{Device, session},
    token,
};

/// The session's cookie. The prefix keeps other hosts and plain HTTP from setting it (RFC 6265bis §4.1.3.2).
pub const SESSION: &str = "__Host-lockstep";

/// Who asks, and by which session.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// The session, if that is how.
    pub session: Option<SessionId>,
}

/// The actor of a request: nobody without a token or cookie. A token goes before a cookie.
///
/// # Errors
/// [`Error::Unauthenticated`] for what is not known or has ended, and for any other scheme; [`Error::Forbidden`] for a
/// cookie in a request that does not come from a page of ours.
pub async fn caller(env: &Env, headers: &HeaderMap, device: &Device) -> Result<Caller, Error> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = given.next() else { return by_cookie(env, headers).await };
    if given.next().is_some() {
        return Err(Error::Unauthenticated);
    }
    let (scheme, secret) =
        value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(Error::Unauthenticated)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Error::Unauthenticated);
    }
    Ok(Caller { actor: token::actor(env, secret.trim(), device.address).await?, session: None })
}

async fn by_cookie(env: &Env, headers: &HeaderMap) -> Result<Caller, Error> {
    let Some(secret) = cookie(headers, SESSION) else {
        return Ok(Caller { actor: Actor::Nobody, session: None });
    };
    // A browser adds the cookie by itself: that a person meant it shows only in where the request comes from.
    if origin(headers) != Origin::Ours {
        return Err(access::foreign_page(Action::ManageOwnAccess));
    }
    let (actor, session) = session::actor(env, secret).await?;
    Ok(Caller { actor, session: Some(session) })
}

/// What a cookie holds. Two of one name are none: one of them somebody planted.
pub fn cookie<'a>(headers: &'a HeaderMap, named: &str) -> Option<&'a str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut found = pairs.filter(|(name, _)| *name == named).map(|(_, secret)| secret);
    let secret = found.next()?;
    found.next().is_none().then_some(secret)
}

/// From which page a request comes, as the browser says; a page cannot change these headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Of ours, or typed by the person.
    Ours,
    /// Of somebody else's.
    Foreign,
    /// It does not say: no browser of today.
    Unsaid,
}

/// Reads `Sec-Fetch-Site` (W3C Fetch Metadata), or `Origin` (RFC 6454) against the host that was asked.
pub fn origin(headers: &HeaderMap) -> Origin {
    let text =
        |value: Option<&axum::http::HeaderValue>| value.map(|value| value.to_str().unwrap_or("?").to_owned());
    match text(headers.get("sec-fetch-site")).as_deref() {
        Some("same-origin" | "none") => return Origin::Ours,
        Some(_) => return Origin::Foreign,
        None => {}
    }
    let Some(origin) = text(headers.get(ORIGIN)) else { return Origin::Unsaid };
    let ours = text(headers.get(HOST)).is_some_and(|host| {
        origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(&host))
    });
    if ours { Origin::Ours } else { Origin::Foreign }
}
