//! The server on a port of its own over a synthetic internet, and Node beside it.

use std::{
    path::{Path, PathBuf},
    process::{Output, Stdio},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use entities::{ActorRole, Pap};
use serde_json::{Value, json};
use server::{
    config::{Surroundings, load},
    http, telemetry,
};
use takedown::{
    actor::Actor,
    env::Env,
    token::{self, NewToken},
};
use tests::{App, Database, services};
use tokio::{net::TcpListener, process::Command, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// A server that stops when this is dropped.
pub struct Running {
    /// Where it listens, such as `127.0.0.1:4000`.
    pub address: String,
    /// The token of a lead.
    pub token: String,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

impl Running {
    /// Serves the work of `env`.
    pub async fn start(env: Arc<Env>, variables: &[(&str, &str)]) -> Result<Self> {
        Self::on(TcpListener::bind("127.0.0.1:0").await?, env, variables).await
    }

    /// The same, where somebody listens already.
    pub async fn on(listener: TcpListener, env: Arc<Env>, variables: &[(&str, &str)]) -> Result<Self> {
        let loaded =
            load(&Surroundings::new("/nowhere", variables), None).map_err(|e| anyhow::anyhow!("{e}"))?;
        let limits = Arc::new(loaded.config.http);
        let address = listener.local_addr()?.to_string();
        let stop = CancellationToken::new();
        let app = http::App {
            schema: graphql::schema(env.clone()),
            metrics: telemetry::recorder()?.handle(),
            env: env.clone(),
            stop: stop.clone(),
            limits: limits.clone(),
        };
        let ended = stop.clone();
        let served = tokio::spawn(async move {
            http::serve(listener, http::router(app), &limits, None, ended, Duration::from_secs(1)).await;
        });
        let token = token_of(&env, "lea", ActorRole::Lead, None).await?;
        Ok(Self { address, token, stop, served })
    }

    /// The address of the API.
    pub fn url(&self) -> String {
        format!("http://{}/graphql", self.address)
    }

    /// The address of the API for sockets.
    pub fn socket(&self) -> String {
        format!("ws://{}/graphql", self.address)
    }

    /// Stops it, its sockets too.
    pub async fn end(self) {
        self.stop.cancel();
        let _ = self.served.await;
    }
}

/// A token of somebody.
pub async fn token_of(env: &Env, name: &str, role: ActorRole, agency: Option<&str>) -> Result<String> {
    let admin = Actor::person("root", ActorRole::Admin);
    let new = NewToken { name: name.into(), role, agency: agency.map(str::to_owned), expires_at: None };
    Ok(token::create(env, &admin, new).await?.1)
}

/// The small synthetic internet with a few names brought in and looked at.
pub async fn app() -> Result<(Database, App)> {
    let database = Database::sqlite().await?;
    let app = App::start(&database).await?;
    let file = std::fs::read_to_string(&app.lists.families[0].path)?;
    let lines: Vec<&str> = file.lines().collect();
    app.import("range", &lines, Pap::Green).await?;
    app.run_jobs().await?;
    Ok((database, app))
}

/// The folder of these tests.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("outside")
}

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Whether Node and the packages are there; said loudly if not.
pub fn outside() -> Result<bool> {
    if services::program("node").is_none() {
        services::skip("the suites of others: node was not found")?;
        return Ok(false);
    }
    if !folder().join("node_modules/.package-lock.json").is_file() {
        services::skip("the suites of others: their packages are not installed (npm ci in tests/outside)")?;
        return Ok(false);
    }
    Ok(true)
}

/// Node with a script of this folder.
pub fn node(script: &str, words: &[&str]) -> Command {
    let mut command = Command::new("node");
    command.arg(folder().join(script)).args(words).current_dir(folder());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Runs it to its end; its last line as JSON. Its complaints are the error if it fails.
pub async fn told(mut command: Command) -> Result<Value> {
    let output = command.output().await.context("node")?;
    let text = said(&output);
    ensure!(output.status.success(), "{text}");
    let line = String::from_utf8(output.stdout)?;
    let line = line.lines().next_back().unwrap_or_default();
    Ok(serde_json::from_str(line).unwrap_or_else(|_| json!(line)))
}

/// Everything a program said.
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
