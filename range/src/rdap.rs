//! RDAP servers on loopback: one port, a path for each registry, registrar and the RIR.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::internet::{Internet, Standing};
use crate::rdap_json::{self, Teller};

/// Answers under way when the range stops have so long to finish.
const FAREWELL: Duration = Duration::from_secs(1);

/// How many questions the RDAP servers of the range take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RdapLimit {
    /// Questions per window, over all of the servers.
    pub requests: u32,
    /// Length of the window, by the range's clock; at least a second.
    pub window: Duration,
}

/// The RDAP servers: what they share.
pub(crate) struct Rdap {
    net: Arc<Internet>,
    base: String,
    limit: Mutex<Option<Limiter>>,
}

struct Limiter {
    limit: RdapLimit,
    window: i64,
    used: u32,
}

impl Rdap {
    /// Starts the servers on a free port of 127.0.0.1; they run until the token is cancelled.
    pub(crate) async fn start(
        net: Arc<Internet>,
        stop: CancellationToken,
        tasks: &TaskTracker,
    ) -> io::Result<(Arc<Self>, SocketAddr)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let rdap = Arc::new(Self { net, base: format!("http://{address}"), limit: Mutex::new(None) });
        let router = router(rdap.clone());
        tasks.spawn(async move {
            let late = stop.clone();
            let cut_off = async move {
                late.cancelled().await;
                tokio::time::sleep(FAREWELL).await;
            };
            let served = tokio::select! {
                () = cut_off => Ok(()),
                served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()) => served,
            };
            if let Err(error) = served {
                tracing::warn!(%error, "RDAP of the range broke off");
            }
        });
        Ok((rdap, address))
    }

    /// Limits the number of questions from now on, or takes the limit away.
    pub(crate) fn set_limit(&self, limit: Option<RdapLimit>) {
        let limiter = limit.map(|limit| Limiter { limit, window: i64::MIN, used: 0 });
        *self.limit.lock().unwrap_or_else(PoisonError::into_inner) = limiter;
    }

    /// Which registry answers for which suffix.
    pub(crate) fn bootstrap_dns(&self) -> Value {
        let suffixes = self.net.scenario.suffixes.iter();
        let services: Vec<(Vec<String>, String)> =
            suffixes.map(|s| (vec![s.clone()], format!("{}/registry/{s}/", self.base))).collect();
        rdap_json::bootstrap(&self.net, "domain names", &services)
    }

    /// Which RIR answers for which numbers.
    pub(crate) fn bootstrap_rir(&self, what: &str, ranges: &[&str]) -> Value {
        let ranges = ranges.iter().map(|r| (*r).to_owned()).collect();
        rdap_json::bootstrap(&self.net, what, &[(ranges, format!("{}/rir/", self.base))])
    }

    /// Counts a question; the seconds to wait when there were too many.
    fn too_many(&self) -> Option<i64> {
        let mut limiter = self.limit.lock().unwrap_or_else(PoisonError::into_inner);
        let limiter = limiter.as_mut()?;
        let length = i64::try_from(limiter.limit.window.as_secs()).unwrap_or(i64::MAX).max(1);
        let now = self.net.now().unix_timestamp();
        let window = now.div_euclid(length);
        if window != limiter.window {
            (limiter.window, limiter.used) = (window, 0);
        }
        limiter.used = limiter.used.saturating_add(1);
        (limiter.used > limiter.limit.requests).then(|| length - now.rem_euclid(length))
    }

    fn domain(&self, name: &str, teller: Teller, matches: impl Fn(usize) -> bool) -> Response {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let Some(index) = self.net.index_of(&name).filter(|i| matches(*i)) else { return not_found() };
        match self.net.standing(index) {
            Standing::Unregistered => not_found(),
            standing => found(&rdap_json::domain(&self.net, &self.base, index, standing, teller)),
        }
    }
}

fn router(rdap: Arc<Rdap>) -> Router {
    Router::new()
        .route("/registry/{suffix}/domain/{name}", get(at_registry))
        .route("/registry/{suffix}/help", get(|| async { found(&rdap_json::help()) }))
        .route("/registrar/{id}/domain/{name}", get(at_registrar))
        .route("/registrar/{id}/entity/{handle}", get(registrar))
        .route("/rir/ip/{address}", get(ip))
        .route("/rir/ip/{address}/{length}", get(prefix))
        .route("/rir/autnum/{asn}", get(autnum))
        .fallback(|| async { not_found() })
        .layer(middleware::from_fn_with_state(rdap.clone(), limit))
        .with_state(rdap)
}

async fn limit(State(rdap): State<Arc<Rdap>>, request: Request, next: Next) -> Response {
    let Some(seconds) = rdap.too_many() else { return next.run(request).await };
    let mut answer = error(StatusCode::TOO_MANY_REQUESTS, "Too many requests");
    answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    answer
}

async fn at_registry(
    State(rdap): State<Arc<Rdap>>,
    Path((suffix, name)): Path<(String, String)>,
) -> Response {
    rdap.domain(&name, Teller::Registry, |i| rdap.net.domain(i).suffix == suffix)
}

async fn at_registrar(State(rdap): State<Arc<Rdap>>, Path((id, name)): Path<(u32, String)>) -> Response {
    let sponsors = |i| rdap.net.scenario.registrars[rdap.net.domain(i).registrar].iana_id == id;
    rdap.domain(&name, Teller::Registrar, sponsors)
}

async fn registrar(State(rdap): State<Arc<Rdap>>, Path((id, handle)): Path<(u32, u32)>) -> Response {
    let mut all = rdap.net.scenario.registrars.iter();
    match all.find(|r| r.iana_id == id && r.iana_id == handle) {
        Some(registrar) => found(&rdap_json::registrar_entity(&rdap.base, registrar)),
        None => not_found(),
    }
}

async fn ip(State(rdap): State<Arc<Rdap>>, Path(address): Path<IpAddr>) -> Response {
    rdap_json::ip(&rdap.net, &rdap.base, address).map_or_else(not_found, |json| found(&json))
}

async fn prefix(rdap: State<Arc<Rdap>>, Path((address, _)): Path<(IpAddr, u8)>) -> Response {
    ip(rdap, Path(address)).await
}

async fn autnum(State(rdap): State<Arc<Rdap>>, Path(asn): Path<u32>) -> Response {
    rdap_json::autnum(&rdap.net, &rdap.base, asn).map_or_else(not_found, |json| found(&json))
}

fn found(json: &Value) -> Response {
    answer(StatusCode::OK, json)
}

fn not_found() -> Response {
    error(StatusCode::NOT_FOUND, "Object not found")
}

fn error(code: StatusCode, title: &str) -> Response {
    answer(code, &rdap_json::error(code.as_u16(), title))
}

fn answer(code: StatusCode, json: &Value) -> Response {
    let headers =
        [(header::CONTENT_TYPE, "application/rdap+json"), (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    (code, headers, json.to_string()).into_response()
}
