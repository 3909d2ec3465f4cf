//! `lockstep demo`: the whole road on a synthetic internet, then an API to look at what it did.

use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Context, range::scenario, serve};
use crate::{
    demo::{Story, Teller},
    exit::Exit,
    http::{self, App},
    output, telemetry,
};

#[derive(Debug, Args)]
pub struct Words {
    /// The scenario: lumma, small, or a file
    #[arg(long, default_value = "lumma")]
    scenario: String,
    /// How many hours of the synthetic internet to play after the notices went out
    #[arg(long, default_value_t = 48, value_parser = clap::value_parser!(u64).range(1..=720))]
    hours: u64,
    /// End when the slice has played instead of staying up
    #[arg(long)]
    once: bool,
}

pub async fn run(context: &Context, words: Words) -> anyhow::Result<Exit> {
    let stop = CancellationToken::new();
    serve::told_to_stop(stop.clone())?;
    let limits = Arc::new(context.loaded.config.http.clone());
    let listener = TcpListener::bind(limits.listen).await.with_context(|| {
        format!("cannot listen on {}: set LOCKSTEP__HTTP__LISTEN to another address", limits.listen)
    })?;
    let url = format!("http://{}", listener.local_addr()?);
    let teller = Teller::new(context.json);

    let story = Story::begin(scenario(&words.scenario)?, &teller).await?;
    let app = App {
        schema: graphql::schema(story.env.clone()),
        metrics: telemetry::metrics()?,
        env: story.env.clone(),
        stop: stop.clone(),
        limits: limits.clone(),
    };
    let mut parts = JoinSet::new();
    let (web_stop, grace) = (stop.clone(), story.env.settings.jobs.grace);
    parts
        .spawn(async move { http::serve(listener, http::router(app), &limits, None, web_stop, grace).await });
    serve::spawn_jobs(&mut parts, &story.env, &stop);
    if context.json {
        let tokens =
            json!({ "analyst": story.tokens.ana, "lead": story.tokens.lea, "second": story.tokens.max });
        output::json(&json!({
            "url": url, "graphql": format!("{url}/graphql"), "token": story.tokens.lea, "tokens": tokens,
        }))?;
    } else {
        output::line(format!("The API is at {url}/graphql; tokens and sample queries follow at the end.\n"))?;
    }

    let played = tokio::select! {
        played = story.play(words.hours, &teller) => Some(played),
        () = stop.cancelled() => None,
    };
    let mut exit = Exit::Done;
    if let Some(board) = played.transpose()? {
        exit = if board.ok { Exit::Done } else { Exit::Failed };
        if context.json {
            output::json(&json!({ "scoreboard": board }))?;
        } else {
            output::text(board.text())?;
            output::text(story.invitation(&url))?;
        }
        if !words.once {
            stop.cancelled().await;
        }
    }
    stop.cancel();
    while parts.join_next().await.is_some() {}
    story.end().await;
    Ok(exit)
}
