//! Answers that are no data: one JSON shape for every failure, and the headers that every answer carries.

use axum::{
    extract::Request,
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, WWW_AUTHENTICATE,
            X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use takedown::error::Error;

/// A JSON answer.
pub fn as_json(status: StatusCode, body: &Value) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// A failure in GraphQL's shape, so that a client reads one kind of error.
pub fn failure(status: StatusCode, code: &str, message: &str) -> Response {
    let trace = takedown::job::current_trace_id();
    let error = json!({ "message": message, "extensions": { "code": code, "traceId": trace } });
    as_json(status, &json!({ "errors": [error] }))
}

/// A failure before the schema was asked. Internals go to the log only.
pub fn refusal(error: &Error) -> Response {
    let status = match error {
        Error::Unauthenticated => StatusCode::UNAUTHORIZED,
        Error::Forbidden { .. } => StatusCode::FORBIDDEN,
        Error::NotFound { .. } => StatusCode::NOT_FOUND,
        Error::Invalid { .. } => StatusCode::BAD_REQUEST,
        Error::Conflict { .. } | Error::Stale => StatusCode::CONFLICT,
        Error::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        Error::Internal(source) => {
            tracing::error!(error = source.as_ref() as &dyn std::error::Error, "internal error");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    };
    let mut answer = failure(status, error.code(), &error.to_string());
    if status == StatusCode::UNAUTHORIZED {
        answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    answer
}

/// For every path that is not ours.
pub async fn no_such_path() -> Response {
    failure(StatusCode::NOT_FOUND, "NOT_FOUND", "there is nothing at this path: the API is POST /graphql")
}

/// For every method that a path of ours does not answer to.
pub async fn no_such_method() -> Response {
    failure(StatusCode::METHOD_NOT_ALLOWED, "INVALID", "this path does not answer to this method")
}

/// Headers that keep a browser from doing anything with an answer but reading it. There is no CORS header: no page
/// of another origin may read.
pub async fn headers(request: Request, next: Next) -> Response {
    const ALWAYS: [(HeaderName, &str); 7] = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    let mut answer = next.run(request).await;
    for (name, value) in ALWAYS {
        answer.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    answer
}
