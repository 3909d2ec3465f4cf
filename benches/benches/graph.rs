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
use benches::{Dice, words};
use entities::{
    ActorRole, LinkId, LinkKind, ObservableId, ObservableKind, ObservableState, SourceId, Timestamp, Tlp,
    link, observable, source,
};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseConnection, DbBackend, IntoActiveModel, ModelTrait, Statement,
};
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
/// Of a hundred observables so many are names; the rest is what they link to.
const NAMES: u64 = 70;
const REGISTRARS: u64 = 20;
/// So many names have the first name server.
const HUB: u64 = 50_000;
/// Starts that are drawn.
const STARTS: u64 = 200;
/// Each start is asked so often.
const ROUNDS: usize = 5;
/// Rows in one statement.
const ROWS: usize = 1_000;
const START: Timestamp = Timestamp(1_747_137_600_000_000);

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
    let links = fill(&db, observables).await?;
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
        let api = timed(&starts, async |of| {
            let variables = Variables::from_json(json!({ "of": [of.to_string()], "hops": 2, "first": 500 }));
            let request = Request::new(document).variables(variables);
            let prepared = graphql::prepare(&schema, request, env.clone(), actor.clone());
            let prepared = prepared.map_err(|refusals| anyhow::anyhow!("{refusals:?}"))?;
            let response = prepared.execute(&schema).await;
            ensure!(response.errors.is_empty(), "{:?}", response.errors);
            Ok(serde_json::to_string(&response.data)?.len())
        })
        .await?;
        bare.say(database.name(), what, "bare two joins", "rows");
        ours.say(database.name(), what, "neighbourhood", "observables");
        api.say(database.name(), what, "through GraphQL, as text", "bytes");
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

fn id(at: u64) -> ObservableId {
    ObservableId(Uuid::from_u128(0x0196_c000_0000_7000_8000_0000_0000_0000 + u128::from(at)))
}

/// Indexes are made after the rows, as that is much faster.
const INDEXES: [(&str, &str); 4] = [
    ("link_from_id_kind_to_id_source_id_key", "from_id, kind, to_id, source_id"),
    ("link_from_id_first_seen_id_idx", "from_id, first_seen, id"),
    ("link_to_id_first_seen_id_idx", "to_id, first_seen, id"),
    ("link_to_id_kind_first_seen_id_idx", "to_id, kind, first_seen, id"),
];

/// Makes names and what they link to; returns how many links there are.
async fn fill(db: &DatabaseConnection, observables: u64) -> Result<u64> {
    for (name, _) in INDEXES {
        db.execute_unprepared(&format!("DROP INDEX {name}")).await?;
    }
    let txn = db::begin(db).await?;
    let source = SourceId(Uuid::from_u128(1));
    let row = source::Model { id: source, name: "bench".into(), created_at: START };
    store(&txn, vec![row]).await?;
    let names = observables * NAMES / 100;
    let mut rows = Vec::with_capacity(ROWS);
    for at in 0..observables {
        rows.push(observed(at, names));
        if rows.len() == ROWS || at + 1 == observables {
            store(&txn, std::mem::take(&mut rows)).await?;
        }
    }
    let (mut links, mut made) = (Vec::with_capacity(ROWS + 8), 0);
    for name in 0..names {
        for (kind, to) in linked(name, names, observables) {
            links.push(link::Model {
                id: LinkId(Uuid::from_u128(0x0196_c000_0000_7000_9000_0000_0000_0000 + u128::from(made))),
                from_id: id(name),
                kind,
                to_id: id(to),
                source_id: source,
                first_seen: Timestamp(START.0 + i64::try_from(name / 10)?),
                last_seen: Timestamp(START.0 + 86_400_000_000),
                count: 1,
                tlp: Tlp::Clear,
            });
            made += 1;
        }
        if links.len() >= ROWS || name + 1 == names {
            store(&txn, std::mem::take(&mut links)).await?;
        }
    }
    txn.commit().await?;
    for (at, (name, columns)) in INDEXES.into_iter().enumerate() {
        let unique = if at == 0 { "UNIQUE " } else { "" };
        db.execute_unprepared(&format!("CREATE {unique}INDEX {name} ON link ({columns})")).await?;
    }
    if db.get_database_backend() == DbBackend::Postgres {
        db.execute_unprepared("VACUUM (ANALYZE) observable, link").await?;
    }
    Ok(made)
}

/// What a name links to: a registrar and two name servers that many share, addresses and a mail host that few do, a
/// registrant that hardly anybody does. Different ones, as a link is unique.
fn linked(name: u64, names: u64, observables: u64) -> Vec<(LinkKind, u64)> {
    let mut dice = Dice(name ^ 0x6c69_6e6b);
    // The hub, the registrars, then the rest, of which the last half are addresses.
    let (first, rest) = (names + REGISTRARS + 1, observables - names - REGISTRARS - 1);
    let servers = rest / 20;
    let one = |dice: &mut Dice, from: u64, of: u64| first + from + dice.roll(of);
    let server = if name < HUB.min(names / 10) { names } else { one(&mut dice, 0, servers / 2) };
    let address = one(&mut dice, rest / 2, rest / 4);
    vec![
        (LinkKind::SponsoredBy, names + 1 + dice.roll(REGISTRARS)),
        (LinkKind::DelegatedTo, server),
        (LinkKind::DelegatedTo, one(&mut dice, servers / 2, servers / 2)),
        (LinkKind::ResolvesTo, address),
        (LinkKind::ResolvesTo, one(&mut dice, rest / 2 + rest / 4, rest / 4)),
        (LinkKind::MailTo, one(&mut dice, servers, servers)),
        (LinkKind::RegisteredTo, one(&mut dice, 2 * servers, rest / 2 - 2 * servers)),
    ]
}

fn observed(at: u64, names: u64) -> observable::Model {
    let kind = if at < names { ObservableKind::DomainName } else { ObservableKind::RegistrantToken };
    let value = format!("n{at}.example");
    observable::Model {
        id: id(at),
        kind,
        registrable: (at < names).then(|| value.clone()),
        value,
        display: None,
        state: ObservableState::Active,
        next_due_at: None,
        observed_at: None,
        created_at: START,
        version: 1,
    }
}

async fn store<M, A>(db: &impl ConnectionTrait, rows: Vec<M>) -> Result<()>
where
    M: IntoActiveModel<A> + ModelTrait,
    A: ActiveModelTrait<Entity = M::Entity> + Send,
{
    use sea_orm::EntityTrait as _;
    if rows.is_empty() {
        return Ok(());
    }
    let rows = rows.into_iter().map(|row| row.into_active_model().reset_all());
    A::Entity::insert_many(rows).exec_without_returning(db).await?;
    Ok(())
}
