//! Around every request: its trace and request ids, its span, its time limit, its figures, and panics caught.

use std::{panic::AssertUnwindSafe, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode},
    middleware::Next,
    response::Response,
};
use futures::FutureExt;
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use uuid::Uuid;

use super::{App, answer};

/// The trace that a request belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Trace {
    id: TraceId,
    /// The caller's span; ours begins the trace when there is none.
    parent: Option<SpanId>,
    flags: TraceFlags,
}

/// Reads a `traceparent` header (W3C Trace Context §3.2.2). What is not well-formed is as if it were not there.
fn traceparent(headers: &HeaderMap) -> Option<Trace> {
    let mut given = headers.get_all("traceparent").iter();
    let text = given.next()?.to_str().ok()?;
    if given.next().is_some() {
        return None;
    }
    let parts: Vec<_> = text.split('-').collect();
    let hex = |part: &str, length| {
        part.len() == length && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let &[version, id, parent, flags, ref more @ ..] = parts.as_slice() else { return None };
    // Version ff is forbidden; version 00 has four parts, later ones may have more.
    if !hex(version, 2) || version == "ff" || (version == "00" && !more.is_empty()) {
        return None;
    }
    if !hex(id, 32) || !hex(parent, 16) || !hex(flags, 2) {
        return None;
    }
    let (id, parent) = (TraceId::from_hex(id).ok()?, SpanId::from_hex(parent).ok()?);
    let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
    let valid = id != TraceId::INVALID && parent != SpanId::INVALID;
    valid.then(|| Trace { id, parent: Some(parent), flags: TraceFlags::default().with_sampled(sampled) })
}

/// The caller's name for the request, if it is one that can go into a log.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("x-request-id")?.to_str().ok()?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    (!text.is_empty() && text.len() <= 64 && text.bytes().all(plain)).then(|| text.to_owned())
}

/// Wraps every request.
pub async fn request(State(app): State<App>, request: Request, next: Next) -> Response {
    let fresh = || app.env.id::<Uuid>();
    let trace = traceparent(request.headers()).unwrap_or_else(|| Trace {
        id: TraceId::from_bytes(fresh().into_bytes()),
        parent: None,
        flags: TraceFlags::SAMPLED,
    });
    let name = request_id(request.headers()).unwrap_or_else(|| fresh().simple().to_string());
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    // A method of the caller's invention stays out of log and span.
    let known = [Method::GET, Method::POST, Method::HEAD, Method::OPTIONS];
    let method = known.iter().find(|known| *known == request.method()).map_or("other", Method::as_str);
    let span = tracing::info_span!(
        "request", http.method = method, http.route = route, request.id = name, trace.id = %trace.id
    );
    link(&span, trace, &fresh());
    let id = trace.id.to_string();
    let work = measured(&app, request, next, &route).instrument(span);
    let mut answer = takedown::job::traced(id.clone(), work).await;
    for (header, value) in [("x-trace-id", id), ("x-request-id", name)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            answer.headers_mut().insert(header, value);
        }
    }
    answer
}

/// The rest of the way with its figures.
async fn measured(app: &App, request: Request, next: Next, route: &str) -> Response {
    let started = Instant::now();
    let answer = bounded(app, request, next).await;
    let (status, elapsed) = (answer.status().as_u16(), started.elapsed());
    // Probes and scrapes come every few seconds and say nothing.
    if route == "/graphql" || status >= 500 {
        let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(http.status = status, elapsed_ms, "answered");
    }
    let labels = [("route", route.to_owned()), ("status", status.to_string())];
    metrics::counter!("lockstep_http_requests_total", &labels).increment(1);
    metrics::histogram!("lockstep_http_request_seconds", "route" => route.to_owned())
        .record(elapsed.as_secs_f64());
    answer
}

/// The rest of the way, ended at the time limit; a panic becomes an answer without internals.
async fn bounded(app: &App, request: Request, next: Next) -> Response {
    let work = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(app.limits.timeout.0, work).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => {
            tracing::error!("a request panicked");
            answer::failure(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "internal error")
        }
        Err(_) => {
            tracing::warn!("a request took too long");
            let message = format!("it took longer than {} and was given up", app.limits.timeout);
            answer::failure(StatusCode::GATEWAY_TIMEOUT, "UNAVAILABLE", &message)
        }
    }
}

/// Puts the exported span into the trace. A trace that begins here is given a caller's span that nobody exports,
/// so that the exported trace has the id that jobs and the ledger carry.
fn link(span: &tracing::Span, trace: Trace, fresh: &Uuid) {
    let parent = trace.parent.unwrap_or_else(|| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&fresh.as_bytes()[8..]);
        SpanId::from_bytes(bytes)
    });
    let context = SpanContext::new(trace.id, parent, trace.flags, true, TraceState::default());
    // Refused when nothing is exported: then there is nothing to link.
    let _ = span.set_parent(Context::new().with_remote_span_context(context));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<Trace> {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", HeaderValue::from_str(text).ok()?);
        traceparent(&headers)
    }

    #[test]
    fn a_traceparent_is_read_as_w3c_says() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let trace = parsed(good).expect("a trace");
        assert_eq!(trace.id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(trace.flags.is_sampled());
        assert!(parsed(&good.replacen("00", "cc", 1).replace("-01", "-01-what-comes-later")).is_some());
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-01",
        ] {
            assert_eq!(parsed(bad), None, "{bad}");
        }
    }
}
