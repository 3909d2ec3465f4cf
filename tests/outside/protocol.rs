//! GraphQL over HTTP and over WebSockets, by the suites of npm graphql-http and graphql-ws.

use anyhow::Result;

use crate::running::{Running, app, node, outside, told};

#[tokio::test(flavor = "multi_thread")]
async fn every_audit_of_graphql_http_is_ok() -> Result<()> {
    if !outside()? {
        return Ok(());
    }
    let (_database, app) = app().await?;
    let running = Running::start(app.env.clone(), &[]).await?;
    let counts = told(node("http.mjs", &[&running.url(), &running.token])).await?;
    println!("graphql-http: {counts}");
    assert_eq!((&counts["audits"], &counts["ok"]), (&61.into(), &61.into()), "{counts}");
    running.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_flows_of_graphql_ws_hold() -> Result<()> {
    if !outside()? {
        return Ok(());
    }
    let (_database, app) = app().await?;
    // The time for a greeting is this one too.
    let running = Running::start(app.env.clone(), &[("LOCKSTEP__HTTP__HEADER_TIMEOUT", "4s")]).await?;
    let counts = told(node("socket.mjs", &[&running.socket(), &running.token])).await?;
    println!("graphql-ws: {counts}");
    assert_eq!(counts["flows"], counts["passed"]);
    running.end().await;
    Ok(())
}
