//! Lists through the API under load, beside what others would build: async-graphql as its book shows it (sea-orm, a
//! loader for each relation, no rights), and PostGraphile, with the same rows and fields, in one run.
//!
//! `make bench ARGS="--bench api"` makes 10,000 and then 1,000,000 observables with seven links a name, and has wrk ask
//! each server for 100 names with their links over 20 connections for 10 seconds. `ARGS="--bench api -- 100000"` asks for
//! another number than the million. PostGraphile is measured on PostgreSQL, where `benches/peers/postgraphile` is
//! installed (scripts/setup --for bench does that). Ours and the stock server have eight connections to the database
//! each. The goals: 2.5 times the stock server, 4 times PostGraphile, a p99 of 50 ms, and a cost that does not grow
//! with the store.

mod load;
mod ours;
mod postgraphile;
mod stock;

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use benches::{peak_mib, words, world};
use load::Load;
use tests::Database;

const OBSERVABLES: u64 = 1_000_000;
const SMALL: u64 = 10_000;

fn main() -> Result<()> {
    let observables = match words().as_slice() {
        [] => OBSERVABLES,
        [number] => number.parse().context("the argument is a number of observables")?,
        _ => bail!("usage: api [OBSERVABLES]"),
    };
    ensure!(observables >= SMALL, "at least {SMALL} observables");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        for observables in [SMALL, observables] {
            for database in Database::each().await? {
                measure(&database, observables).await?;
            }
        }
        println!("most memory of this process, with the store's making: {} MiB", peak_mib()?);
        Ok(())
    })
}

async fn measure(database: &Database, observables: u64) -> Result<()> {
    let db = takedown::db::connect(database.url(), load::POOL).await?;
    let links = world::fill(&db, observables).await?;
    let name = database.name();
    println!("{name}: {observables} observables, {links} links");
    let ours = ours::serve(&db).await?;
    let ours = say(name, "lockstep", load::ask(ours).await?);
    let stock = say(name, "stock", load::ask(stock::serve(database.url()).await?).await?);
    println!("{name:11} lockstep / stock: {:.2} (goal 2.50)", ours.rate / stock.rate);
    if name == "PostgreSQL" {
        match postgraphile::serve(&db, database.url()).await? {
            None => println!("{name:11} SKIPPED: PostGraphile is not installed: scripts/setup --for bench"),
            Some(peer) => {
                let peer = say(name, "PostGraphile", load::ask(peer).await?);
                println!("{name:11} lockstep / PostGraphile: {:.2} (goal 4.00)", ours.rate / peer.rate);
            }
        }
    }
    db.close().await?;
    Ok(())
}

fn say(name: &str, who: &str, load: Load) -> Load {
    let ms = |span: Duration| span.as_secs_f64() * 1e3;
    println!(
        "{name:11} {who:13} {:>8.1} req/s  p50 {:>7.1} ms  p99 {:>7.1} ms  {:>6} bytes",
        load.rate,
        ms(load.p50),
        ms(load.p99),
        load.bytes
    );
    load
}
