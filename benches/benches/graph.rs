//! Two-hop neighbourhoods of 500 observables in a large store with hubs, beside a bare two-join SELECT with the same
//! limit, in one run, on each database.
//!
//! `make bench ARGS="--bench graph"` makes 1,000,000 observables with about 5,000,000 links, among them registrars
//! with some 35,000 names and a name server with 50,000, and asks from 200 drawn names and from every registrar and
//! that name server. `ARGS="--bench graph -- 100000"` asks for another number of observables. PostgreSQL is measured
//! where `LOCKSTEP_TEST_POSTGRES` says (with-services --durable starts one), SQLite in a temporary file. The goal is
//! a p99 of 1 ms in the store and of 5 ms through GraphQL.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use async_graphql::{Request, Variables};
use benches::{
    Dice, words,
    world::{self, NAMES, REGISTRARS, id},
};
use entities::{ActorRole, ObservableId};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;
use takedown::{
    actor::Actor,
    clock::Clock,
    db,
    env::Env,
    graph::{self, Wants},
    ids::Ids,
    settings::Settings,
};
use tests::Database;
use uuid::Uuid;

const OBSERVABLES: u64 = 1_000_000;
/// Starts that are drawn.
const STARTS: u64 = 200;
/// Each start is asked so often.
const ROUNDS: usize = 5;

fn main() -> Result<()> {
    let observables = match words().as_slice() {
        [] => OBSERVABLES,
        [number] => number.parse().context("the argument is a number of observables")?,
        _ => bail!("usage: graph [OBSERVABLES]"),
    };
    ensure!(observables >= 10_000, "at least 10,000 observables, or there are no hubs");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        for database in Database::each().await? {
            measure(&database, observables).await?;
        }
        Ok(())
    })
}

async fn measure(database: &Database, observables: u64) -> Result<()> {
    let db = db::connect(database.url(), 4).await?;
    let begun = Instant::now();
    let links = world::fill(&db, observables).await?;
    println!(
        "{}: {observables} observables, {links} links, made in {:.0} s",
        database.name(),
        begun.elapsed().as_secs_f64()
    );
    let env = Arc::new(Env::new(db, Clock::System, Ids::system()?, Settings::default()));
    let names = observables * NAMES / 100;
    let drawn: Vec<ObservableId> = (0..STARTS).map(|at| id(Dice(at).roll(names))).collect();
    let hubs: Vec<ObservableId> = (0..=REGISTRARS).map(|at| id(names + at)).collect();
    for (what, starts, bare) in [
        (
            "from names",
            drawn,
            "SELECT b.from_id, b.to_id FROM link a JOIN link b ON b.to_id = a.to_id WHERE a.from_id = $1 LIMIT 500",
        ),
        (
            "from hubs",
            hubs,
            "SELECT b.from_id, b.to_id FROM link a JOIN link b ON b.from_id = a.from_id WHERE a.to_id = $1 LIMIT 500",
        ),
    ] {
        let bare = timed(&starts, async |of| {
            let statement =
                Statement::from_sql_and_values(env.db.get_database_backend(), bare, [of.0.into()]);
            let rows = env.db.query_all_raw(statement).await?;
            rows.iter().try_for_each(|row| row.try_get_by_index::<Uuid>(1).map(drop))?;
            Ok(rows.len())
        })
        .await?;
        let actor = Actor::person("bench", ActorRole::Analyst);
        let wants = Wants { hops: 2, first: 500, ..Wants::default() };
        let ours = timed(&starts, async |of| {
            Ok(graph::neighbourhood(&env, &actor, &[of], &wants).await?.nodes.len())
        })
        .await?;
        let schema = graphql::schema(env.clone());
        let document = graphql::operations::named("Neighbourhood").context("no such document")?;
        let asked = async |of: ObservableId, total: bool| {
            let variables = json!({ "of": [of.to_string()], "hops": 2, "first": 500, "total": total });
            let variables = Variables::from_json(variables);
            let request = Request::new(document).variables(variables);
            let prepared = graphql::prepare(&schema, request, env.clone(), actor.clone());
            let prepared = prepared.map_err(|refusals| anyhow::anyhow!("{refusals:?}"))?;
            let response = prepared.execute(&schema).await;
            ensure!(response.errors.is_empty(), "{:?}", response.errors);
            Ok(graphql::text(&response).len())
        };
        let api = timed(&starts, async |of| asked(of, false).await).await?;
        let with_total = timed(&starts, async |of| asked(of, true).await).await?;
        bare.say(database.name(), what, "bare two joins", "rows");
        ours.say(database.name(), what, "neighbourhood", "observables");
        api.say(database.name(), what, "through GraphQL, as text", "bytes");
        with_total.say(database.name(), what, "the same with its total", "bytes");
        println!(
            "{:11} {what:11} neighbourhood / bare at p99: {:.2}; goals 1 ms in the store, 5 ms through GraphQL",
            database.name(),
            ours.at(99).as_secs_f64() / bare.at(99).as_secs_f64()
        );
    }
    env.db.clone().close().await?;
    Ok(())
}

/// What each question took, sorted, and how large the answers were on average.
struct Timed {
    took: Vec<Duration>,
    size: usize,
}

impl Timed {
    fn at(&self, percent: usize) -> Duration {
        self.took[(self.took.len() * percent / 100).min(self.took.len() - 1)]
    }

    fn say(&self, name: &str, what: &str, how: &str, unit: &str) {
        println!(
            "{name:11} {what:11} {how:25} p50 {:>8.3} ms  p99 {:>8.3} ms  {:>7} {unit}",
            self.at(50).as_secs_f64() * 1e3,
            self.at(99).as_secs_f64() * 1e3,
            self.size
        );
    }
}

/// Asks every start once to warm the caches, and then each several times.
async fn timed(starts: &[ObservableId], ask: impl AsyncFn(ObservableId) -> Result<usize>) -> Result<Timed> {
    let mut sizes = 0;
    for start in starts {
        sizes += ask(*start).await?;
    }
    let mut took = Vec::with_capacity(starts.len() * ROUNDS);
    for _ in 0..ROUNDS {
        for start in starts {
            let begun = Instant::now();
            ask(*start).await?;
            took.push(begun.elapsed());
        }
    }
    took.sort_unstable();
    Ok(Timed { took, size: sizes / starts.len() })
}
