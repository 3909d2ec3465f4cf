//! PostGraphile 4, the last that runs on Node 20, over the same database, with the relations that it cannot see told by
//! its smart tags.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context as _, Result};
use sea_orm::{ConnectionTrait, DatabaseConnection};
use tokio::{net::TcpStream, process::Command};

use crate::load::{Asked, Stop};

const QUERY: &str = "{ allObservables(first: 100, condition: { kind: \"domain_name\" }) { edges { node { \
    nodeId kind value state outLinks(first: 20) { nodes { nodeId kind lastSeen target { nodeId kind value } } } } } } }";
const TAGS: &str = "COMMENT ON TABLE link IS E'\
    @foreignKey (from_id) references observable (id)|@fieldName origin|@foreignFieldName outLinks\\n\
    @foreignKey (to_id) references observable (id)|@fieldName target|@foreignFieldName inLinks'";

/// Serves the database at `url` on a port of its own; none if it is not installed.
pub async fn serve(db: &DatabaseConnection, url: &str) -> Result<Option<Asked>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/postgraphile");
    let program = folder.join("node_modules/.bin/postgraphile");
    if !program.exists() {
        return Ok(None);
    }
    db.execute_unprepared(TAGS).await?;
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let child = Command::new(program)
        .args(["--connection", url, "--schema", "public", "--host", "127.0.0.1", "--port", &port.to_string()])
        .args(["--disable-graphiql", "--disable-query-log"])
        .current_dir(&folder)
        .env("NODE_ENV", "production")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .context("postgraphile")?;
    let address = format!("127.0.0.1:{port}");
    for _ in 0..300 {
        if TcpStream::connect(&address).await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(Some(Asked {
        url: format!("http://{address}/graphql"),
        headers: Vec::new(),
        query: QUERY.into(),
        names: "/data/allObservables/edges",
        links: "/node/outLinks/nodes",
        stop: Stop::Process(child),
    }))
}
