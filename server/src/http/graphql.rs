//! `/graphql`: one request over GET or POST as the GraphQL-over-HTTP draft says
//! (<https://graphql.github.io/graphql-over-http/draft/>), or a WebSocket.

mod accept;
mod operation;
mod params;
mod socket;

use std::sync::Arc;

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Extension, RawQuery, State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::{
        Extensions, HeaderMap, HeaderValue, StatusCode,
        header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE},
    },
    response::Response,
};
use http_body_util::LengthLimitError;
use takedown::{actor::Actor, error::Error, people::Device};
use tokio::{sync::Semaphore, time::Instant};

use self::{accept::Media, operation::Outcome, params::Params};
use super::{
    App, answer,
    auth::{self, Caller},
    graphiql,
    listener::Open,
    peer,
    rate::{self, Asker, Rates},
};
use crate::config::Size;

/// A request with files carries one of these headers: a page of another origin cannot send it unasked, since the
/// browser asks first and is refused. (JSON asks by its content type.)
const PREFLIGHT: [&str; 2] = ["graphql-require-preflight", "apollo-require-preflight"];

/// The sockets that may be open at a time.
#[derive(Clone, Debug)]
pub struct Sockets {
    /// Of those who said who they are.
    known: Arc<Semaphore>,
    /// Of those who did not yet: they take no place of the others.
    unknown: Arc<Semaphore>,
}

impl Sockets {
    /// At most `most` sockets of either.
    pub fn new(most: usize) -> Self {
        Self { known: Arc::new(Semaphore::new(most)), unknown: Arc::new(Semaphore::new(most)) }
    }
}

/// A refusal is boxed for its size.
type Refused = Box<Response>;

/// Answers a query in the URL, or opens a socket.
pub async fn get(
    State(app): State<App>,
    Extension(sockets): Extension<Sockets>,
    Extension(rates): Extension<Rates>,
    socket: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    RawQuery(query): RawQuery,
    extensions: Extensions,
    headers: HeaderMap,
) -> Response {
    let device = peer::device(&extensions, &headers, &app.limits.trusted_proxies);
    if let Ok(upgrade) = socket {
        let open = extensions.get::<Open>().map(|open| open.0.token());
        return socket::open(app, (sockets, rates), upgrade, &headers, device, open).await;
    }
    if query.is_none() && graphiql::wanted(&headers) {
        return graphiql::page();
    }
    let answered = async {
        let media = accept::media(&headers).ok_or_else(not_acceptable)?;
        let Caller { actor, .. } = who(&app, &rates, &headers, &device).await?;
        let params = Params::from_query(query.as_deref().unwrap_or_default()).map_err(bad)?;
        Ok::<_, Refused>((media, operation::ready(&app, params.into_request(), actor, false)))
    };
    match answered.await {
        Err(refused) => *refused,
        Ok((media, Ok(ready))) if ready.writes() => {
            let message = "a mutation is sent with POST";
            let mut refused = answer::failure(StatusCode::METHOD_NOT_ALLOWED, "BAD_REQUEST", message);
            refused.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            media.stamp(refused)
        }
        Ok((media, ready)) => finish(&app, media, ready).await,
    }
}

/// Answers one request as JSON, or as multipart with files
/// (<https://github.com/jaydenseric/graphql-multipart-request-spec>).
pub async fn post(
    State(app): State<App>,
    Extension(rates): Extension<Rates>,
    extensions: Extensions,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let device = peer::device(&extensions, &headers, &app.limits.trusted_proxies);
    let answered = async {
        let media = accept::media(&headers).ok_or_else(not_acceptable)?;
        let Caller { actor, .. } = who(&app, &rates, &headers, &device).await?;
        let request = request(&app, &headers, body, &actor).await?;
        Ok::<_, Refused>((media, operation::ready(&app, request, actor, false)))
    };
    match answered.await {
        Err(refused) => *refused,
        Ok((media, ready)) => finish(&app, media, ready).await,
    }
}

async fn finish(app: &App, media: Media, ready: Result<operation::Ready, Outcome>) -> Response {
    let outcome = match ready {
        Ok(ready) => ready.execute(app).await,
        Err(refused) => refused,
    };
    media.answer(outcome)
}

/// Who asks, if not too often. Who is refused counts as nobody, or guesses at tokens would be free.
async fn who(app: &App, rates: &Rates, headers: &HeaderMap, device: &Device) -> Result<Caller, Refused> {
    let slowed = |asker| rates.take(asker, Instant::now()).map_err(|wait| Box::new(rate::too_often(wait)));
    match auth::caller(&app.env, headers, device).await {
        Ok(caller) => slowed(Asker::of(headers, device.address)).map(|()| caller),
        Err(error) => {
            slowed(Asker::address(device.address))?;
            Err(Box::new(answer::refusal(&error)))
        }
    }
}

fn refuse(status: StatusCode, message: &str) -> Refused {
    Box::new(answer::failure(status, "BAD_REQUEST", message))
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn bad(message: String) -> Refused {
    refuse(StatusCode::BAD_REQUEST, &message)
}

fn not_acceptable() -> Refused {
    let message = "answers are application/graphql-response+json or application/json: accept one of them";
    refuse(StatusCode::NOT_ACCEPTABLE, message)
}

/// Reads a request within its limits.
async fn request(
    app: &App,
    headers: &HeaderMap,
    body: Body,
    actor: &Actor,
) -> Result<async_graphql::Request, Refused> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let mut parts = kind.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    match essence.as_str() {
        "application/json" => {
            let charset =
                parts.find_map(|part| part.to_ascii_lowercase().strip_prefix("charset=").map(str::to_owned));
            if charset.is_some_and(|charset| charset.trim_matches('"') != "utf-8") {
                return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send the request in UTF-8"));
            }
            let body = read(headers, body, app.limits.body_limit).await?;
            Ok(Params::from_json(&body).map_err(bad)?.into_request())
        }
        // Nobody fills our memory with files.
        "multipart/form-data" if *actor == Actor::Nobody => {
            Err(Box::new(answer::refusal(&Error::Unauthenticated)))
        }
        "multipart/form-data" => {
            if !PREFLIGHT.iter().any(|name| headers.get(*name).is_some_and(|value| !value.is_empty())) {
                let message = format!("a request with files needs the header {}", PREFLIGHT[0]);
                return Err(refuse(StatusCode::BAD_REQUEST, &message));
            }
            let limit = app.limits.upload_limit;
            params::with_files(kind, &read(headers, body, limit).await?, limit).await.map_err(bad)
        }
        _ => {
            let message = "send the request as application/json, or as multipart/form-data with files";
            Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
        }
    }
}

/// The whole body, if it is within `limit`.
async fn read(headers: &HeaderMap, body: Body, limit: Size) -> Result<Bytes, Refused> {
    let too_large = || refuse(StatusCode::PAYLOAD_TOO_LARGE, &format!("the request is larger than {limit}"));
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit.0) {
        return Err(too_large());
    }
    to_bytes(body, limit.bytes()).await.map_err(|error| {
        let over =
            std::error::Error::source(&error).is_some_and(<dyn std::error::Error>::is::<LengthLimitError>);
        if over { too_large() } else { refuse(StatusCode::BAD_REQUEST, "the body did not arrive whole") }
    })
}
