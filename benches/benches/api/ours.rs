//! Lockstep: the router and the schema as they are shipped, asked with a token.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use entities::ActorRole;
use sea_orm::DatabaseConnection;
use server::{
    config::{Surroundings, load},
    http, telemetry,
};
use takedown::{
    actor::Actor,
    clock::Clock,
    env::Env,
    ids::Ids,
    settings::Settings,
    token::{self, NewToken},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::load::{Asked, Stop};

const QUERY: &str = "{ observables(filter: { kinds: [DOMAIN_NAME] }, first: 100) { edges { node { \
    id kind value state links(first: 20) { nodes { id kind lastSeen to { id kind value } } } } } } }";

/// Serves the store on a port of its own.
pub async fn serve(db: &DatabaseConnection) -> Result<Asked> {
    let env = Arc::new(Env::new(db.clone(), Clock::System, Ids::system()?, Settings::default()));
    // The peers bound nobody's requests.
    let unbounded = [("LOCKSTEP__HTTP__RATE_PER_MINUTE", "0")];
    let loaded = load(&Surroundings::new("/nowhere", &unbounded), None)?;
    let limits = Arc::new(loaded.config.http);
    let stop = CancellationToken::new();
    let app = http::App {
        schema: graphql::schema(env.clone()),
        metrics: telemetry::recorder()?.handle(),
        env: env.clone(),
        stop: stop.clone(),
        limits: limits.clone(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/graphql", listener.local_addr()?);
    let ended = stop.clone();
    tokio::spawn(async move {
        http::serve(listener, http::router(app), &limits, None, ended, Duration::from_secs(1)).await;
    });
    let new = NewToken { name: "bench".into(), role: ActorRole::Analyst, agency: None, expires_at: None };
    let (_, token) = token::create(&env, &Actor::person("root", ActorRole::Admin), new).await?;
    Ok(Asked {
        url,
        headers: vec![format!("Authorization: Bearer {token}")],
        query: QUERY.into(),
        names: "/data/observables/edges",
        links: "/node/links/nodes",
        stop: Stop::Task(stop.drop_guard()),
    })
}
