//! Whether the process lives, whether it can serve, and its figures.

use std::time::Duration;

use axum::{
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde_json::json;
use takedown::job::queue;

use super::{App, answer};

/// How long the database may take to answer before the process is not ready.
const PATIENCE: Duration = Duration::from_secs(2);

/// `/healthz`: the process lives.
pub async fn alive() -> Response {
    answer::as_json(StatusCode::OK, &json!({ "status": "ok" }))
}

/// `/readyz`: the database answers, its schema is up to date, and nobody told the process to stop.
pub async fn ready(State(app): State<App>) -> Response {
    let reason = if app.stop.is_cancelled() {
        Some("stopping".to_owned())
    } else {
        let asked = tokio::time::timeout(PATIENCE, store(&app)).await;
        asked.unwrap_or_else(|_| Some("the database is slow".into()))
    };
    match reason {
        None => answer::as_json(StatusCode::OK, &json!({ "status": "ready" })),
        Some(reason) => {
            let body = json!({ "status": "not ready", "reason": reason });
            answer::as_json(StatusCode::SERVICE_UNAVAILABLE, &body)
        }
    }
}

/// Why the store cannot serve; `None` if it can.
async fn store(app: &App) -> Option<String> {
    let status = match migrations::status(&app.env.db).await {
        Ok(status) => status,
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "not ready");
            return Some("the database does not answer".into());
        }
    };
    let pending = status.iter().filter(|(_, applied)| !applied).count();
    (pending > 0).then(|| format!("the schema lacks {pending} changes"))
}

/// `/metrics`, in Prometheus's text form. The depth of the queue is read now; if it cannot be, it is left out.
pub async fn metrics(State(app): State<App>) -> Response {
    let depth = tokio::time::timeout(PATIENCE, queue::depth(&app.env.db)).await;
    let mut body = String::new();
    if let Ok(Ok((alive, dead))) = depth {
        body = format!(
            "# HELP lockstep_jobs Jobs in the queue, of all processes.\n# TYPE lockstep_jobs gauge\n\
             lockstep_jobs{{state=\"alive\"}} {alive}\nlockstep_jobs{{state=\"dead\"}} {dead}\n"
        );
    }
    app.metrics.run_upkeep();
    body += &app.metrics.render();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], body).into_response()
}
