//! The API of an [`App`](crate::App) through the real router, as its people use it.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use entities::ActorRole;
use serde_json::{Value, json};
use server::{
    config::{Surroundings, load},
    http, telemetry,
};
use takedown::{
    actor::Actor,
    token::{self, NewToken},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::App;

/// The router, and a token for each person.
pub struct Api {
    router: Router,
    /// An analyst's.
    pub ana: String,
    /// A lead's.
    pub lea: String,
    /// A second lead's.
    pub max: String,
}

impl Api {
    /// The API of `app`, with three people.
    ///
    /// # Errors
    /// The database refused a token.
    pub async fn of(app: &App) -> Result<Self> {
        let loaded = load(&Surroundings::new("/nowhere", &[]), None)?;
        let http = http::App {
            schema: graphql::schema(app.env.clone()),
            metrics: telemetry::recorder()?.handle(),
            env: app.env.clone(),
            stop: CancellationToken::new(),
            limits: Arc::new(loaded.config.http),
        };
        let admin = Actor::person("root", ActorRole::Admin);
        let token = async |name: &str, role| -> Result<String> {
            let new = NewToken { name: name.into(), role, agency: None, expires_at: None };
            Ok(token::create(&app.env, &admin, new).await?.1)
        };
        Ok(Self {
            router: http::router(http),
            ana: token("ana", ActorRole::Analyst).await?,
            lea: token("lea", ActorRole::Lead).await?,
            max: token("max", ActorRole::Lead).await?,
        })
    }

    /// The whole answer to an operation; without a token it is anonymous.
    ///
    /// # Errors
    /// No JSON came back.
    pub async fn answer(&self, token: Option<&str>, query: &str, variables: Value) -> Result<Value> {
        let body = json!({ "query": query, "variables": variables }).to_string();
        Ok(self.post(token, "application/json", body.into_bytes()).await?.1)
    }

    /// The data of an operation that must succeed.
    ///
    /// # Errors
    /// It did not.
    pub async fn data(&self, token: &str, query: &str, variables: Value) -> Result<Value> {
        let mut answer = self.answer(Some(token), query, variables).await?;
        anyhow::ensure!(answer.get("errors").is_none(), "{query}: {}", answer["errors"]);
        Ok(answer["data"].take())
    }

    /// The code of the first error of an operation that must fail.
    ///
    /// # Errors
    /// It did not fail.
    pub async fn refusal(&self, token: Option<&str>, query: &str, variables: Value) -> Result<String> {
        let answer = self.answer(token, query, variables).await?;
        let code = answer["errors"][0]["extensions"]["code"].as_str();
        Ok(code.with_context(|| format!("{query} was not refused: {answer}"))?.to_owned())
    }

    /// Uploads a file with an operation that takes it as `$file`
    /// (github.com/jaydenseric/graphql-multipart-request-spec).
    ///
    /// # Errors
    /// No JSON came back.
    pub async fn upload(
        &self,
        token: Option<&str>,
        query: &str,
        name: &str,
        bytes: &[u8],
    ) -> Result<(StatusCode, Value)> {
        let operations = json!({ "query": query, "variables": { "file": null } });
        let mut body = Vec::new();
        let mut part = |head: &str, content: &[u8]| {
            body.extend_from_slice(
                format!("--line\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes(),
            );
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        };
        part("name=\"operations\"", operations.to_string().as_bytes());
        part("name=\"map\"", br#"{"0":["variables.file"]}"#);
        part(&format!("name=\"0\"; filename=\"{name}\""), bytes);
        body.extend_from_slice(b"--line--\r\n");
        self.post(token, "multipart/form-data; boundary=line", body).await
    }

    async fn post(&self, token: Option<&str>, kind: &str, body: Vec<u8>) -> Result<(StatusCode, Value)> {
        // A browser asks before it sends this header from another site, which forms never do.
        let mut request =
            Request::post("/graphql").header("content-type", kind).header("graphql-require-preflight", "1");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let answer = self.router.clone().oneshot(request.body(Body::from(body))?).await?;
        let status = answer.status();
        let bytes = to_bytes(answer.into_body(), 16 << 20).await?;
        let text = String::from_utf8_lossy(&bytes);
        Ok((status, serde_json::from_str(&text).with_context(|| format!("{status}: {text}"))?))
    }
}
