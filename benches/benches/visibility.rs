//! What need to know costs: a list of 100 observables as somebody reads it who knows of some of 1,000 sealed operations,
//! beside the same list without any condition, in one run, on each database.
//!
//! `make bench ARGS="--bench visibility"` makes 1,000,000 observables, a tenth of them in the operations, and reads pages
//! that begin anywhere, each way in turn. `LOCKSTEP_BENCH_ROWS=100000` before it asks for another number. PostgreSQL is
//! measured where `LOCKSTEP_TEST_POSTGRES` says (with-services --durable starts one), SQLite in a temporary file. The goal
//! is a ratio of 1.20 at most.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use benches::{
    Dice,
    world::{self, ROWS, START, id, observed, sighted, store},
};
use entities::{
    ActorRole, OperationId, OperationMemberId, Pap, PersonId, Tlp, observable, operation, operation_member,
    person, sighting,
};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};
use takedown::{
    actor::{Actor, Knows, Trail},
    clock::Clock,
    db,
    env::Env,
    ids::Ids,
    reads::{
        Page,
        observables::{self, ObservableFilter},
    },
    settings::Settings,
};
use tests::{Database, services};
use uuid::Uuid;

const OBSERVABLES: u64 = 1_000_000;
const OPERATIONS: u64 = 1_000;
/// Of so many observables one is in an operation.
const SEALED: u64 = 10;
/// The reader is a member of so many operations.
const MEMBERSHIPS: u64 = 10;
/// Pages that are read each way.
const PAGES: u64 = 2_000;
/// Rows in one page.
const FIRST: u64 = 100;

fn main() -> Result<()> {
    let observables = match services::variable("LOCKSTEP_BENCH_ROWS") {
        Some(number) => number.parse().context("LOCKSTEP_BENCH_ROWS is a number of observables")?,
        None => OBSERVABLES,
    };
    ensure!(observables >= 10_000, "at least 10,000 observables, or there are no pages");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        for database in Database::each().await? {
            measure(&database, observables).await?;
        }
        Ok(())
    })
}

async fn measure(database: &Database, count: u64) -> Result<()> {
    let db = db::connect(database.url(), 4).await?;
    let begun = Instant::now();
    fill(&db, count).await?;
    println!(
        "{}: {count} observables, {OPERATIONS} sealed operations, made in {:.0} s",
        database.name(),
        begun.elapsed().as_secs_f64()
    );
    let env = Env::new(db, Clock::System, Ids::system()?, Settings::default());
    let reader = |clearance| Actor::Person {
        name: "bench".into(),
        role: ActorRole::Analyst,
        agency: None,
        id: Some(PersonId(Uuid::from_u128(1))),
        clearance,
        only: None,
        knows: Knows::Its,
        trail: Trail::default(),
    };
    let readers = [
        ("no condition", Actor::System("bench")),
        ("need to know", reader(None)),
        ("need to know, up to amber", reader(Some(Tlp::Amber))),
    ];
    let mut took: Vec<Vec<Duration>> = vec![Vec::new(); readers.len()];
    for round in 0..PAGES {
        // The last page begins a page before the end.
        let after = Some(id(Dice(round).roll(count - 2 * FIRST)).0);
        let page = Page { after, ..Page::first(FIRST) };
        for ((_, actor), took) in readers.iter().zip(&mut took) {
            let begun = Instant::now();
            let slice = observables::list(&env, actor, &ObservableFilter::default(), page).await?;
            took.push(begun.elapsed());
            ensure!(slice.rows.len() as u64 > FIRST / 2, "a page of {}", slice.rows.len());
        }
    }
    let at = |took: &mut Vec<Duration>, percent: usize| {
        took.sort_unstable();
        took[(took.len() * percent / 100).min(took.len() - 1)].as_secs_f64() * 1e3
    };
    let bare = at(&mut took[0], 50);
    for ((what, _), took) in readers.iter().zip(&mut took) {
        let (p50, p99) = (at(took, 50), at(took, 99));
        println!(
            "{:11} {what:26} p50 {p50:>7.3} ms  p99 {p99:>7.3} ms  {:.2} of no condition",
            database.name(),
            p50 / bare
        );
    }
    env.db.clone().close().await?;
    Ok(())
}

fn operation_id(at: u64) -> OperationId {
    OperationId(Uuid::from_u128(0x0196_c000_0000_7000_b000_0000_0000_0000 + u128::from(at)))
}

async fn fill(db: &DatabaseConnection, count: u64) -> Result<()> {
    let txn = db::begin(db).await?;
    let source = world::origin(&txn).await?;
    store(&txn, vec![reader()]).await?;
    store(&txn, (0..OPERATIONS).map(sealed).collect()).await?;
    store(&txn, (0..MEMBERSHIPS).map(membership).collect()).await?;
    for from in (0..count).step_by(ROWS) {
        let part = from..count.min(from + ROWS as u64);
        let of = |at: u64| at.is_multiple_of(SEALED).then(|| operation_id(at / SEALED % OPERATIONS));
        let rows = part.clone().map(|at| observable::Model { operation_id: of(at), ..observed(at, count) });
        store(&txn, rows.collect()).await?;
        let seen = part.map(|at| Ok(sighting::Model { operation_id: of(at), ..sighted(at, source)? }));
        store(&txn, seen.collect::<Result<Vec<_>>>()?).await?;
    }
    txn.commit().await?;
    if db.get_database_backend() == DbBackend::Postgres {
        db.execute_unprepared("VACUUM (ANALYZE)").await?;
    }
    Ok(())
}

fn reader() -> person::Model {
    person::Model {
        id: PersonId(Uuid::from_u128(1)),
        name: "bench".into(),
        full_name: None,
        role: ActorRole::Analyst,
        party_id: None,
        clearance: None,
        password: None,
        second_factor: None,
        second_factor_at: None,
        second_factor_step: 0,
        created_at: START,
        disabled_at: None,
        version: 1,
    }
}

fn sealed(at: u64) -> operation::Model {
    operation::Model {
        id: operation_id(at),
        name: format!("operation {at}"),
        tlp: Tlp::Clear,
        handling: entities::Handling::H0,
        pap: Pap::Clear,
        owner_id: None,
        sealed_at: Some(START),
        contact: None,
        created_by: "bench".into(),
        created_at: START,
        version: 1,
    }
}

/// The reader's, spread over all operations.
fn membership(at: u64) -> operation_member::Model {
    operation_member::Model {
        id: OperationMemberId(Uuid::from_u128(u128::from(at) + 1)),
        operation_id: operation_id(at * OPERATIONS / MEMBERSHIPS),
        person_id: Some(PersonId(Uuid::from_u128(1))),
        party_id: None,
        added_by: "bench".into(),
        added_at: START,
    }
}
