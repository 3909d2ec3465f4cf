//! `/auth/…`: signing in and out, and what a person changes about how. JSON in, JSON out; secrets are in bodies and
//! cookies, never in URLs. And the two pages that a browser needs for it.

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    extract::{Path, Request, State},
    http::{
        Extensions, HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER, SET_COOKIE},
    },
    response::{IntoResponse, Response},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use takedown::{
    error::Error,
    people::{
        Device, invite, oidc, person, second_factor, session,
        sign_in::{self, Credentials, Refusal},
    },
};
use url::Url;

use super::{
    App, answer,
    auth::{self, Caller, Origin, SESSION},
    peer,
};

/// The largest request: names, passwords, codes.
const MOST_BYTES: usize = 16 << 10;

/// What the pages may load: only what is ours.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// A refusal is boxed for its size.
type Answered = Result<Response, Box<Response>>;

/// A request whose body was read.
struct Asked<T> {
    device: Device,
    headers: HeaderMap,
    body: T,
}

/// Reads a request within its limits. A page of somebody else's is refused, also for those that need no session: it could
/// sign a person in as somebody else.
async fn asked<T: DeserializeOwned>(app: &App, request: Request) -> Result<Asked<T>, Box<Response>> {
    let device = peer::device(request.extensions(), request.headers(), &app.limits.trusted_proxies);
    let (parts, body) = request.into_parts();
    let refuse = |status, message: &str| Box::new(answer::failure(status, "BAD_REQUEST", message));
    if auth::origin(&parts.headers) == Origin::Foreign {
        return Err(Box::new(answer::failure(
            StatusCode::FORBIDDEN,
            "FORBIDDEN",
            "this is for pages of ours only",
        )));
    }
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    // A form of another page cannot send JSON.
    if !kind.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
    {
        return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send the request as application/json"));
    }
    let body =
        read(body).await.ok_or_else(|| refuse(StatusCode::PAYLOAD_TOO_LARGE, "the request is too large"))?;
    // The parser's own words may quote what was sent.
    let body = serde_json::from_slice(&body).map_err(|_| {
        refuse(StatusCode::BAD_REQUEST, "the request is no JSON of the fields that this takes")
    })?;
    Ok(Asked { device, headers: parts.headers, body })
}

async fn read(body: Body) -> Option<axum::body::Bytes> {
    to_bytes(body, MOST_BYTES).await.ok()
}

/// Who asks, and by which session: these acts are for people who are signed in by one.
async fn signed_in(app: &App, headers: &HeaderMap, device: &Device) -> Result<Caller, Box<Response>> {
    let caller =
        auth::caller(&app.env, headers, device).await.map_err(|error| Box::new(answer::refusal(&error)))?;
    if caller.session.is_none() {
        return Err(Box::new(answer::refusal(&Error::Unauthenticated)));
    }
    Ok(caller)
}

fn refused(refusal: Refusal) -> Box<Response> {
    let message = refusal.to_string();
    Box::new(match refusal {
        Refusal::Wrong => answer::failure(StatusCode::UNAUTHORIZED, "WRONG_CREDENTIALS", &message),
        Refusal::SecondFactor => answer::failure(StatusCode::UNAUTHORIZED, "SECOND_FACTOR", &message),
        Refusal::Wait(wait) => {
            let mut slow = answer::failure(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", &message);
            slow.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().saturating_add(1)));
            slow
        }
        Refusal::Failed(error) => answer::refusal(&error),
    })
}

fn failed(error: &Error) -> Box<Response> {
    Box::new(answer::refusal(error))
}

fn done(body: &Value) -> Response {
    answer::as_json(StatusCode::OK, body)
}

/// What sets the session's cookie, or takes it away.
pub fn cookie(secret: &str, lives: Duration) -> String {
    let seconds = lives.as_secs();
    format!("{SESSION}={secret}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={seconds}")
}

fn with_cookie(mut answered: Response, secret: &str, lives: Duration) -> Answered {
    let cookie =
        HeaderValue::from_str(&cookie(secret, lives)).map_err(|error| failed(&Error::internal(error)))?;
    answered.headers_mut().insert(SET_COOKIE, cookie);
    Ok(answered)
}

/// What the routes take.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    name: String,
    password: String,
    code: Option<String>,
}

/// Signs in.
pub async fn sign_in(State(app): State<App>, request: Request) -> Response {
    let answered = async {
        let asked = asked::<SignIn>(&app, request).await?;
        let SignIn { name, password, code } = asked.body;
        let given = Credentials { name, password, code };
        let signed =
            sign_in::sign_in(&app.env, &given, &asked.device, auth::cookie(&asked.headers, SESSION)).await;
        let signed = signed.map_err(refused)?;
        let body = json!({ "person": signed.person, "session": signed.session });
        with_cookie(done(&body), &signed.secret.0, app.env.settings.auth.session_longest)
    };
    answered.await.unwrap_or_else(|refused| *refused)
}

/// Who is signed in by the browser's session; nobody is `null`. `secondFactor` says whether one is asked for, and is `null`
/// of who has no password here.
pub async fn session(State(app): State<App>, extensions: Extensions, headers: HeaderMap) -> Response {
    let answered = async {
        let device = peer::device(&extensions, &headers, &app.limits.trusted_proxies);
        let caller = auth::caller(&app.env, &headers, &device).await;
        let own = match caller {
            Ok(Caller { actor, session: Some(_) }) => Some(person::own(&app.env, &actor).await?),
            Ok(_) | Err(Error::Unauthenticated) => None,
            Err(error) => return Err(error),
        };
        let own = own.as_ref();
        let second = own.filter(|own| own.password.is_some()).map(|own| own.second_factor_at.is_some());
        Ok(done(&json!({ "name": own.map(|own| own.name.as_str()), "secondFactor": second })))
    };
    answered.await.unwrap_or_else(|error: Error| answer::refusal(&error))
}

/// Signs out; who was not signed in is out too. `goto` is where to go on, to sign out at the session's provider too.
pub async fn sign_out(State(app): State<App>, request: Request) -> Response {
    let answered = async {
        let asked = asked::<Value>(&app, request).await?;
        let mut goto = None;
        if let Some(secret) = auth::cookie(&asked.headers, SESSION) {
            goto = oidc::sign_out_at(&app.env, secret).await.map_err(|error| failed(&error))?;
            session::sign_out(&app.env, secret).await.map_err(|error| failed(&error))?;
        }
        with_cookie(done(&json!({ "goto": goto.as_ref().map(Url::as_str) })), "", Duration::ZERO)
    };
    answered.await.unwrap_or_else(|refused| *refused)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Accept {
    link: String,
    password: Option<String>,
}

/// Tells for whom a one-time link is; with a password, chooses that.
pub async fn accept(State(app): State<App>, request: Request) -> Response {
    let answered = async {
        let asked = asked::<Accept>(&app, request).await?;
        let Accept { link, password } = asked.body;
        let person = match &password {
            None => invite::whose(&app.env, &link).await,
            Some(password) => invite::accept(&app.env, &link, password).await,
        };
        let person = person.map_err(|error| failed(&error))?;
        Ok(done(&json!({ "name": person.name, "chosen": password.is_some() })))
    };
    answered.await.unwrap_or_else(|refused: Box<Response>| *refused)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    old: String,
    new: String,
}

/// Changes one's own password.
pub async fn password(State(app): State<App>, request: Request) -> Response {
    let answered = async {
        let asked = asked::<NewPassword>(&app, request).await?;
        let caller = signed_in(&app, &asked.headers, &asked.device).await?;
        let Some(session) = caller.session else { return Err(failed(&Error::Unauthenticated)) };
        let NewPassword { old, new } = asked.body;
        let changed = sign_in::change_password(&app.env, &caller.actor, session, &asked.device, &old, &new);
        changed.await.map_err(refused)?;
        Ok(done(&json!({})))
    };
    answered.await.unwrap_or_else(|refused: Box<Response>| *refused)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, tag = "do", rename_all = "snake_case")]
enum SecondFactor {
    Begin { password: String },
    Confirm { code: String },
    Remove { password: String, code: String },
}

/// Begins, confirms or removes one's own second factor.
pub async fn second_factor(State(app): State<App>, request: Request) -> Response {
    let answered = async {
        let asked = asked::<SecondFactor>(&app, request).await?;
        let Caller { actor, .. } = signed_in(&app, &asked.headers, &asked.device).await?;
        let (env, device) = (&app.env, &asked.device);
        Ok(done(&match asked.body {
            SecondFactor::Begin { password } => {
                let told = second_factor::begin(env, &actor, device, &password).await.map_err(refused)?;
                json!({ "secret": told.secret.0, "uri": told.uri.0 })
            }
            SecondFactor::Confirm { code } => {
                let codes = second_factor::confirm(env, &actor, &code).await.map_err(refused)?;
                json!({ "recoveryCodes": codes.into_iter().map(|code| code.0).collect::<Vec<_>>() })
            }
            SecondFactor::Remove { password, code } => {
                let removed = second_factor::remove(env, &actor, device, &password, &code);
                removed.await.map_err(refused)?;
                json!({})
            }
        }))
    };
    answered.await.unwrap_or_else(|refused: Box<Response>| *refused)
}

/// The files of the pages.
const FILES: [(&str, &str, &str); 2] = [
    ("page.css", "text/css", include_str!("../../people/page.css")),
    ("page.js", "text/javascript", include_str!("../../people/page.js")),
];

/// The page on which a person signs in, or chooses a password with a one-time link: the link's secret is in the fragment,
/// which a browser does not send.
pub async fn page() -> Response {
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, POLICY)];
    (headers, include_str!("../../people/page.html")).into_response()
}

/// A file of the pages.
pub async fn file(Path(name): Path<String>) -> Response {
    match FILES.iter().find(|(known, ..)| *known == name) {
        Some((_, kind, text)) => {
            ([(CONTENT_TYPE, *kind), (CACHE_CONTROL, "no-cache")], *text).into_response()
        }
        None => answer::failure(StatusCode::NOT_FOUND, "NOT_FOUND", "there is no such file"),
    }
}
