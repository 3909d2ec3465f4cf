//! When a client leaves, what it asked for is asked no more, in the database too.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, TransactionTrait};
use tests::{App, Database};
use tokio::{io::AsyncWriteExt, net::TcpStream, time::Instant};

use crate::running::Running;

/// What the database works on, besides this.
async fn at_work(db: &DatabaseConnection) -> Result<i64> {
    let count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                 AND pid <> pg_backend_pid() AND state = 'active'";
    let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, count)).await?;
    Ok(row.context("a count")?.try_get_by_index(0)?)
}

/// Waits until the database works on so many statements; how long that took.
async fn until(db: &DatabaseConnection, statements: i64, within: Duration) -> Result<Duration> {
    let begin = Instant::now();
    while at_work(db).await? != statements {
        ensure!(begin.elapsed() < within, "{} statements after {within:?}", at_work(db).await?);
        tokio::task::yield_now().await;
    }
    Ok(begin.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_client_that_left_runs_on() -> Result<()> {
    let Some(database) = Database::postgres().await? else { return Ok(()) };
    let app = App::start(&database).await?;
    let running = Running::start(app.env.clone(), &[]).await?;
    let others = database.connect().await?;
    // Nobody reads an observable for now: what asks for them takes as long as we like.
    let held = others.begin().await?;
    held.execute_unprepared("LOCK TABLE observable IN ACCESS EXCLUSIVE MODE").await?;
    until(&others, 0, Duration::from_secs(10)).await?;

    let body = r#"{"query":"{ observables(first: 1) { nodes { id } } }"}"#;
    let mut client = TcpStream::connect(&running.address).await?;
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        running.address,
        running.token,
        body.len()
    );
    client.write_all(format!("{head}{body}").as_bytes()).await?;
    until(&others, 1, Duration::from_secs(10)).await?;
    drop(client);
    let took = until(&others, 0, Duration::from_secs(5)).await?;
    ensure!(took <= Duration::from_secs(1), "it ran on for {took:?}");
    held.rollback().await?;
    running.end().await;
    Ok(())
}
