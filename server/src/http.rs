//! The API over HTTP: who asks, in what trace, within what limits. What is asked is the schema's business.

mod answer;
mod auth;
mod graphiql;
mod graphql;
mod health;
mod listener;
mod oidc;
mod peer;
mod people;
mod rate;
mod trace;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use ::graphql::Schema;
use axum::{
    Extension, Router,
    middleware::{from_fn, from_fn_with_state},
    routing::{get, post},
};
use metrics_exporter_prometheus::PrometheusHandle;
use takedown::env::Env;
use tokio_util::sync::CancellationToken;

pub use self::{auth::SESSION, listener::serve, peer::Peer};
use crate::config::Http;

/// What the routes share.
#[derive(Clone)]
pub struct App {
    /// The surroundings of the work.
    pub env: Arc<Env>,
    /// The schema.
    pub schema: Schema,
    /// What `/metrics` renders.
    pub metrics: PrometheusHandle,
    /// Cancelled when the process is told to stop.
    pub stop: CancellationToken,
    /// The limits.
    pub limits: Arc<Http>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// All routes.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/graphql", get(graphql::get).post(graphql::post))
        .route("/graphiql/{file}", get(graphiql::file))
        .route("/auth/session", get(people::session))
        .route("/auth/providers", get(oidc::providers))
        .route("/auth/oidc/{provider}", get(oidc::begin))
        .route("/auth/oidc/{provider}/callback", get(oidc::finish))
        .route("/auth/oidc/{provider}/back-channel", post(oidc::back_channel))
        .route("/auth/sign-in", post(people::sign_in))
        .route("/auth/sign-out", post(people::sign_out))
        .route("/auth/accept", post(people::accept))
        .route("/auth/password", post(people::password))
        .route("/auth/second-factor", post(people::second_factor))
        .route("/auth/files/{file}", get(people::file))
        .route("/sign-in", get(people::page))
        .route("/accept", get(people::page))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(answer::no_such_path)
        .method_not_allowed_fallback(answer::no_such_method)
        .layer(Extension(graphql::Sockets::new(app.limits.sockets.get())))
        .layer(Extension(rate::Rates::new(app.limits.rate_per_minute, app.limits.rate_burst)))
        .layer(from_fn_with_state(app.clone(), trace::request))
        .layer(from_fn(answer::headers))
        .with_state(app)
}
