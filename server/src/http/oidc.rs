//! `/auth/oidc/…`: a browser's way to a sign-in provider and back, and a provider's word that somebody signed out there.

use axum::{
    body::to_bytes,
    extract::{Extension, Path, RawQuery, Request, State},
    http::{
        Extensions, HeaderMap, HeaderValue, StatusCode,
        header::{CONTENT_TYPE, LOCATION, SET_COOKIE},
    },
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use takedown::people::{
    Device,
    oidc::{self, Answer, Refused, VALID},
};
use tokio::time::Instant;
use url::form_urlencoded;

use super::{
    App, answer,
    auth::{self, Origin},
    peer, people,
    rate::{self, Asker, Rates},
};

/// The cookie of a browser that is on its way. `Lax`, since it comes back from the provider's page.
const ON_ITS_WAY: &str = "__Host-lockstep-oidc";

/// The largest logout token with the form around it.
const MOST_BYTES: usize = 128 << 10;

/// The providers that people can sign in with: what a button needs.
pub async fn providers(State(app): State<App>) -> Response {
    let all = app.env.providers.iter().map(|provider| {
        let settings = &provider.settings;
        json!({ "name": settings.name, "label": settings.label })
    });
    answer::as_json(StatusCode::OK, &Value::Array(all.collect()))
}

/// Takes one request of an address, before anything is done for it: nobody has said here who it is.
fn taken(rates: &Rates, device: &Device) -> Result<(), Box<Response>> {
    let taken = rates.take(Asker::address(device.address), Instant::now());
    taken.map_err(|wait| Box::new(rate::too_often(wait)))
}

/// Sends the browser to a provider.
pub async fn begin(
    State(app): State<App>,
    Extension(rates): Extension<Rates>,
    Path(name): Path<String>,
    extensions: Extensions,
    headers: HeaderMap,
) -> Response {
    if let Err(slow) = taken(&rates, &peer::device(&extensions, &headers, &app.limits.trusted_proxies)) {
        return *slow;
    }
    // A page of somebody else's must not sign anybody in, also not as the person that it is.
    if auth::origin(&headers) == Origin::Foreign {
        let message = "signing in begins on a page of ours";
        return answer::failure(StatusCode::FORBIDDEN, "FORBIDDEN", message);
    }
    let provider = match app.env.providers.named(&name) {
        Ok(provider) => provider,
        Err(error) => return answer::refusal(&error),
    };
    match oidc::begin(&app.env, &provider, auth::cookie(&headers, auth::SESSION)).await {
        Ok(begun) => to(begun.url.as_str(), &[on_its_way(&begun.cookie.0, VALID.as_secs())]),
        Err(why) => back(&name, &why, &[]),
    }
}

/// Takes a browser that comes back from a provider.
pub async fn finish(
    State(app): State<App>,
    Extension(rates): Extension<Rates>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    extensions: Extensions,
    headers: HeaderMap,
) -> Response {
    let device = peer::device(&extensions, &headers, &app.limits.trusted_proxies);
    if let Err(slow) = taken(&rates, &device) {
        return *slow;
    }
    let provider = match app.env.providers.named(&name) {
        Ok(provider) => provider,
        Err(error) => return answer::refusal(&error),
    };
    let answer = read(query.as_deref().unwrap_or_default());
    let cookie = auth::cookie(&headers, ON_ITS_WAY);
    let gone = on_its_way("", 0);
    match oidc::finish(&app.env, &provider, cookie, &answer, &device).await {
        Ok(signed) => {
            let session = people::cookie(&signed.secret.0, app.env.settings.auth.session_longest);
            to("/sign-in", &[session, gone])
        }
        Err(why) => back(&name, &why, &[gone]),
    }
}

/// A provider says that somebody signed out there. What it is told is of the standard (OpenID Connect Back-Channel Logout 1.0
/// §2.8).
pub async fn back_channel(
    State(app): State<App>,
    Extension(rates): Extension<Rates>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let device = peer::device(request.extensions(), request.headers(), &app.limits.trusted_proxies);
    if let Err(slow) = taken(&rates, &device) {
        return *slow;
    }
    let provider = match app.env.providers.named(&name) {
        Ok(provider) => provider,
        Err(error) => return answer::refusal(&error),
    };
    let (parts, body) = request.into_parts();
    let form = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let form = form
        .split(';')
        .next()
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"));
    let Ok(body) = to_bytes(body, MOST_BYTES).await else { return refused("the request is too large") };
    let token = form_urlencoded::parse(&body).find(|(key, _)| key == "logout_token");
    let Some((_, token)) = token.filter(|_| form) else {
        return refused("logout_token is missing in the form");
    };
    match oidc::back_channel(&app.env, &provider, &token).await {
        Ok(_) => StatusCode::OK.into_response(),
        Err(why) => {
            tracing::warn!(provider = name, error = &why as &dyn std::error::Error, "refused a logout token");
            match why {
                Refused::Token(wrong) => refused(&wrong.to_string()),
                _ => answer::failure(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", "try again"),
            }
        }
    }
}

fn refused(why: &str) -> Response {
    let body = json!({ "error": "invalid_request", "error_description": why });
    answer::as_json(StatusCode::BAD_REQUEST, &body)
}

/// What the address of a browser that comes back holds; of a parameter that stands twice, nothing is believed.
fn read(query: &str) -> Answer {
    let one = |name: &str| {
        let mut all = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
        let (_, value) = all.next()?;
        all.next().is_none().then(|| value.into_owned())
    };
    Answer {
        code: one("code"),
        state: one("state").unwrap_or_default(),
        error: one("error"),
        issuer: one("iss"),
    }
}

/// Back to the page to sign in on, which says why; the reason itself is in the ledger.
fn back(name: &str, why: &Refused, cookies: &[String]) -> Response {
    to(&format!("/sign-in#{}:{name}", why.code()), cookies)
}

fn on_its_way(value: &str, seconds: u64) -> String {
    format!("{ON_ITS_WAY}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}")
}

fn to(address: &str, cookies: &[String]) -> Response {
    let mut answered = StatusCode::SEE_OTHER.into_response();
    let all = cookies.iter().map(|cookie| (SET_COOKIE, cookie.as_str()));
    for (name, value) in [(LOCATION, address)].into_iter().chain(all) {
        match HeaderValue::from_str(value) {
            Ok(value) => answered.headers_mut().append(name, value),
            Err(error) => return answer::refusal(&takedown::error::Error::internal(error)),
        };
    }
    answered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_twice_is_not_believed() {
        let read = read("code=a%20b&state=s&state=t&iss=https%3A%2F%2Fid.example");
        assert_eq!((read.code.as_deref(), read.state.as_str(), read.error), (Some("a b"), "", None));
        assert_eq!(read.issuer.as_deref(), Some("https://id.example"));
    }
}
