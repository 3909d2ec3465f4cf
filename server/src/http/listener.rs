//! The accept loop: bounded connections, bounded headers, TLS where there is a certificate, and an end that lets requests
//! finish.

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Body};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use super::Peer;
use crate::config::Http;

/// How long to wait when the system has no file left for a connection.
const BREATH: Duration = Duration::from_millis(100);

/// HTTP/2 streams of one connection at a time.
const STREAMS: u32 = 64;

/// What is waited for when the process stops; a socket that outlives its connection holds a token of it.
#[derive(Clone, Debug)]
pub struct Open(pub TaskTracker);

/// Serves until `stop`, then lets requests finish within `grace`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &Http,
    tls: Option<TlsAcceptor>,
    stop: CancellationToken,
    grace: Duration,
) {
    let permits = Arc::new(Semaphore::new(limits.connections.get()));
    let connections = TaskTracker::new();
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.header_timeout.0);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(limits.header_timeout.0)
        .keep_alive_timeout(limits.header_timeout.0);
    while let Some((stream, peer, permit)) = accept(&listener, &permits, &stop).await {
        let (builder, router, stop) = (builder.clone(), router.clone(), stop.clone());
        let (tls, patience) = (tls.clone(), limits.header_timeout.0);
        let open = Open(connections.clone());
        connections.spawn(async move {
            let _held: OwnedSemaphorePermit = permit;
            match tls {
                None => connection(builder, (stream, peer, open), router, stop).await,
                // Who does not finish the handshake holds no connection.
                Some(tls) => match tokio::time::timeout(patience, tls.accept(stream)).await {
                    Ok(Ok(stream)) => connection(builder, (stream, peer, open), router, stop).await,
                    Ok(Err(error)) => {
                        tracing::debug!(error = &error as &dyn std::error::Error, "a handshake failed");
                    }
                    Err(_) => tracing::debug!("a handshake took too long"),
                },
            }
        });
    }
    // Closed before the wait, so that a balancer sees at once that nobody listens.
    drop(listener);
    connections.close();
    if tokio::time::timeout(grace, connections.wait()).await.is_err() {
        tracing::warn!(connections = connections.len(), "cut off at the end of the grace period");
    }
}

/// The next connection; `None` when it is time to stop.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<(TcpStream, Peer, OwnedSemaphorePermit)> {
    let next = async {
        let permit = permits.clone().acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, from)) => return Some((stream, Peer(from.ip()), permit)),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "cannot accept a connection");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => None,
        next = next => next,
    }
}

async fn connection(
    builder: Builder<TokioExecutor>,
    (stream, peer, open): (impl AsyncRead + AsyncWrite + Unpin + Send + 'static, Peer, Open),
    router: Router,
    stop: CancellationToken,
) {
    let service = router.map_request(move |mut request: axum::http::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(open.clone());
        request.map(Body::new)
    });
    let connection =
        builder.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(service));
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = error.as_ref() as &dyn std::error::Error, "a connection broke");
    }
}
