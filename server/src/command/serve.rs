//! `lockstep serve`.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde_json::json;
use takedown::{env::Env, job::worker, jobs, people::used};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Context;
use crate::{
    config::Http,
    exit::Exit,
    http::{self, App},
    output, schedule, telemetry,
    wiring::Needs,
};

#[derive(Debug, Args)]
pub struct Words {
    /// What this process does: web answers the API, worker does jobs and keeps the schedule
    #[arg(long, value_enum, value_delimiter = ',', default_value = "web,worker")]
    roles: Vec<Role>,
}

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Answers the API.
    Web,
    /// Does jobs and keeps the schedule.
    Worker,
}

pub async fn run(context: &Context, words: Words) -> anyhow::Result<Exit> {
    let stop = CancellationToken::new();
    // Listened for before anything can take long, so that a signal at any moment ends the process in order.
    told_to_stop(stop.clone())?;
    let env = context.new_env(Needs::Serving).await?;
    let mut parts = JoinSet::new();
    if words.roles.contains(&Role::Web) {
        let limits = Arc::new(context.loaded.config.http.clone());
        let tls = limits.tls()?;
        guarded(&limits, tls.is_some())?;
        let listener = TcpListener::bind(limits.listen)
            .await
            .with_context(|| format!("cannot listen on {} (http.listen)", limits.listen))?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr()?);
        let app = App {
            schema: graphql::schema(env.clone()),
            metrics: telemetry::metrics()?,
            env: env.clone(),
            stop: stop.clone(),
            limits: limits.clone(),
        };
        announce(context, &url)?;
        parts.spawn(note_uses(env.clone(), stop.clone()));
        let (stop, grace) = (stop.clone(), env.settings.jobs.grace);
        parts.spawn(async move { http::serve(listener, http::router(app), &limits, tls, stop, grace).await });
    }
    if words.roles.contains(&Role::Worker) {
        spawn_worker(&mut parts, &env, &stop);
    }
    // The first part to end ends the others: a half process is worse than one that is started again.
    let mut whole = true;
    while let Some(ended) = parts.join_next().await {
        whole &= ended.is_ok() && stop.is_cancelled();
        stop.cancel();
    }
    anyhow::ensure!(whole, "a part of the process ended by itself");
    tracing::info!("stopped");
    Ok(Exit::Done)
}

/// Writes by the minute, and at the end, when sessions and tokens were last used.
async fn note_uses(env: Arc<Env>, stop: CancellationToken) {
    let mut go_on = true;
    while go_on {
        tokio::select! {
            () = stop.cancelled() => go_on = false,
            () = tokio::time::sleep(Duration::from_secs(60)) => {}
        }
        if let Err(error) = used::write(&env).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "cannot note when sessions were used");
        }
    }
}

/// Refuses to speak plain HTTP to a network: cookies and tokens would be read on the way.
fn guarded(http: &Http, tls: bool) -> anyhow::Result<()> {
    anyhow::ensure!(
        tls || http.listen.ip().to_canonical().is_loopback() || !http.trusted_proxies.is_empty(),
        "http.listen is {}, which is not loopback, and there is no TLS: set http.tls_certificate and http.tls_key, name \
         the proxy that has it in http.trusted_proxies, or listen on 127.0.0.1",
        http.listen
    );
    Ok(())
}

/// Starts the worker loop and the schedule.
fn spawn_worker(parts: &mut JoinSet<()>, env: &Arc<Env>, stop: &CancellationToken) {
    spawn_jobs(parts, env, stop);
    parts.spawn(schedule::run(env.clone(), stop.clone()));
}

/// Starts the worker loop alone, for a clock that somebody else moves.
pub fn spawn_jobs(parts: &mut JoinSet<()>, env: &Arc<Env>, stop: &CancellationToken) {
    let name = format!("{}-{}", std::process::id(), env.id::<Uuid>().simple());
    tracing::info!(worker = name, hands = env.settings.jobs.concurrency, "working on jobs");
    parts.spawn(worker::work(env.clone(), name, jobs::dispatch, stop.clone()));
}

fn announce(context: &Context, url: &str) -> anyhow::Result<()> {
    tracing::info!(url, "listening");
    if context.json {
        output::json(&json!({ "url": url, "graphql": format!("{url}/graphql") }))?;
    } else {
        output::line(format!("Lockstep listens on {url}: the API is POST {url}/graphql. Ctrl-C stops it."))?;
    }
    Ok(())
}

/// Cancels `stop` at the first SIGTERM or SIGINT; a second one ends the process at once.
///
/// # Errors
/// The system takes no handler.
pub fn told_to_stop(stop: CancellationToken) -> anyhow::Result<()> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        for asked in 1.. {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            if asked == 1 {
                tracing::info!("told to stop: finishing what is in hand");
                stop.cancel();
            } else {
                eprintln!("lockstep: told to stop twice: ending at once");
                tokio::time::sleep(Duration::ZERO).await;
                std::process::exit(Exit::Failed.code().into());
            }
        }
    });
    Ok(())
}
