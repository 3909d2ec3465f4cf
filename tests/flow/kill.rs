//! kill -9 at random moments: what was under way is wholly there or not at all, the ledger holds, and the same
//! command again brings the rest.
//!
//! Five times in an ordinary run; `LOCKSTEP_TEST_KILLS=50` asks for more, `LOCKSTEP_TEST_SEED` for other moments.
//! The child is the program itself, as it was last built.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use takedown::audit::{self, Chain};
use tests::{Database, Knot, services};

/// Lines in a list: more than one chunk of the store.
const LINES: usize = 10_000;
/// What an import writes rows of.
const TABLES: [&str; 7] = ["import", "import_line", "observable", "sighting", "link", "fact", "audit_event"];

/// The program, next to the folder of this test's binary.
fn program() -> Result<Option<PathBuf>> {
    let test = std::env::current_exe()?;
    let program = test.ancestors().nth(2).context("target/debug/deps/flow-…")?.join("lockstep");
    if program.is_file() {
        return Ok(Some(program));
    }
    services::skip("killing the program: it is not built (cargo build -p server)")?;
    Ok(None)
}

/// The program, to be run in an empty folder on that database.
fn command(program: &Path, folder: &Path, database: &Database, words: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(words)
        .current_dir(folder)
        .env_clear()
        .env("USER", "tester")
        .env("LOCKSTEP__DATABASE__URL", database.url())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// A list that shares no name with the list of another round: some hosts, some repeats, some refusals.
fn list(round: u64) -> String {
    (0..LINES).fold(String::new(), |mut list, n| {
        let _ = match n % 10 {
            0..6 => writeln!(list, "r{round}d{n}.com"),
            6 | 7 => writeln!(list, "hxxp://www.r{round}d{n}[.]com/a/{n}"),
            8 => writeln!(list, "r{round}d{}.com", n - 8),
            _ => writeln!(list, "see chapter {n}"),
        };
        list
    })
}

async fn sizes(db: &DatabaseConnection) -> Result<[i64; TABLES.len()]> {
    let mut sizes = [0; TABLES.len()];
    for (size, table) in sizes.iter_mut().zip(TABLES) {
        *size = figure(db, &format!("SELECT count(*) FROM {table}")).await?;
    }
    Ok(sizes)
}

/// What a query for one number says.
async fn figure(db: &DatabaseConnection, sql: &str) -> Result<i64> {
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    Ok(row.context("a row")?.try_get_by_index(0)?)
}

fn number(name: &str, otherwise: u64) -> Result<u64> {
    let text = services::variable(name);
    text.map_or(Ok(otherwise), |text| text.parse().with_context(|| format!("{name} must be a number")))
}

/// A number below `most`, the same for the same seed and round (SplitMix64).
fn below(most: u64, seed: u64, round: u64) -> u64 {
    let mut z = seed.wrapping_add(round.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) % most.max(1)
}

/// Runs the command and kills it after `moment`; true if it had ended by itself before.
fn run_killed(mut command: Command, moment: Duration) -> Result<bool> {
    let mut child = command.spawn()?;
    std::thread::sleep(moment);
    let ended = child.try_wait()?.is_some();
    // SIGKILL; an error says that it has ended meanwhile.
    let _ = child.kill();
    child.wait()?;
    Ok(ended)
}

fn run(mut command: Command) -> Result<()> {
    let output = command.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// Kills imports on `database`, one list after the other.
async fn kill_imports(database: &Database) -> Result<()> {
    let Some(program) = program()? else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    let (kills, seed) = (number("LOCKSTEP_TEST_KILLS", 5)?, number("LOCKSTEP_TEST_SEED", 1)?);
    let import = |round: u64| -> Result<Command> {
        let name = format!("round-{round}.txt");
        std::fs::write(folder.path().join(&name), list(round))?;
        Ok(command(&program, folder.path(), database, &["import", &name, "--source", "kills", "--json"]))
    };
    let db = database.connect().await?;
    // The first is left to its end: how long it takes, and what a whole import adds.
    let empty = sizes(&db).await?;
    let started = Instant::now();
    run(import(0)?)
        .context("the program as it was last built; cargo build -p server brings it up to date")?;
    let length = u64::try_from(started.elapsed().as_micros())?;
    let mut before = sizes(&db).await?;
    let whole: Vec<i64> = before.iter().zip(empty).map(|(after, before)| after - before).collect();
    ensure!(whole[2] > 8_000 && whole[3] > 7_000, "the list brings too little: {whole:?}");

    let (mut there, mut absent) = (0, 0);
    for round in 1..=kills {
        // A few end before the kill comes.
        let moment = Duration::from_micros(below(length + length / 4, seed, round));
        run_killed(import(round)?, moment)?;
        let after = sizes(&db).await?;
        let added: Vec<i64> = after.iter().zip(before).map(|(after, before)| after - before).collect();
        ensure!(
            added == whole || added.iter().all(|rows| *rows == 0),
            "killed after {moment:?} (round {round}, seed {seed}): half-written, {TABLES:?} got {added:?} of {whole:?}"
        );
        if added == whole {
            there += 1;
        } else {
            absent += 1;
        }
        ledger_holds(&db, round).await?;
        // The same command again brings it, or finds it there.
        run(import(round)?)?;
        let after = sizes(&db).await?;
        let added: Vec<i64> = after.iter().zip(before).map(|(after, before)| after - before).collect();
        ensure!(added == whole, "repeated after a kill at {moment:?}: {TABLES:?} got {added:?} of {whole:?}");
        ledger_holds(&db, round).await?;
        before = after;
    }
    println!("{}: {kills} kills: {there} wholly there, {absent} not at all", database.name());
    Ok(())
}

async fn ledger_holds(db: &DatabaseConnection, round: u64) -> Result<()> {
    let chain = audit::verify(db, None).await?;
    ensure!(matches!(chain, Chain::Intact { .. }), "round {round}: {chain:?}");
    Ok(())
}

#[tokio::test]
async fn a_killed_import_is_whole_or_absent_on_sqlite() -> Result<()> {
    kill_imports(&Database::sqlite().await?).await
}

#[tokio::test]
async fn a_killed_import_is_whole_or_absent_on_postgres() -> Result<()> {
    let Some(database) = Database::postgres().await? else { return Ok(()) };
    kill_imports(&database).await
}

/// Names in one round of looks, and in one batch of it, which is one transaction.
const NAMES: i64 = 2_000;
const NAMES_IN_BATCH: i64 = 100;
/// The record types asked for: A, AAAA, MX, TXT.
const QUESTIONS: i64 = 4;

/// Half of the names have addresses, the others do not exist.
fn zone() -> String {
    let head = "$ORIGIN kill.example.\n$TTL 300\n@ SOA ns hostmaster 1 3600 900 86400 300\n@ NS ns\nns A 127.0.0.1\n";
    (0..NAMES).step_by(2).fold(head.to_owned(), |mut zone, n| {
        let _ = writeln!(zone, "h{n} A 198.18.{}.{}\nh{n} TXT \"{n}\"", n / 256, n % 256);
        zone
    })
}

/// Kills rounds of looks on `database`, each over names that nobody looked at yet.
async fn kill_looks(database: &Database) -> Result<()> {
    let Some(program) = program()? else { return Ok(()) };
    let Some(knot) = Knot::start(&[("kill.example.", &zone())]).await? else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    let (kills, seed) = (number("LOCKSTEP_TEST_KILLS", 5)?, number("LOCKSTEP_TEST_SEED", 1)?);
    let names = (0..NAMES).fold(String::new(), |mut list, n| {
        let _ = writeln!(list, "h{n}.kill.example");
        list
    });
    std::fs::write(folder.path().join("names.txt"), names)?;
    let words = ["import", "names.txt", "--source", "kills", "--tlp", "clear", "--pap", "clear"];
    run(command(&program, folder.path(), database, &words))?;
    let look = |words: &[&str]| {
        let mut command = command(&program, folder.path(), database, words);
        command
            .env("LOCKSTEP__OBSERVE__RESOLVERS", knot.address().to_string())
            .env("LOCKSTEP__OBSERVE__RECORDS", r#"["A", "AAAA", "MX", "TXT"]"#)
            .env("LOCKSTEP__OBSERVE__DELEGATION", "false")
            .env("LOCKSTEP__OBSERVE__WILDCARD", "false")
            .env("LOCKSTEP__OBSERVE__BATCH", NAMES_IN_BATCH.to_string());
        command
    };
    let db = database.connect().await?;
    let hosts = "FROM observable WHERE value LIKE 'h%.kill.example'";
    let rows = format!("SELECT count(*) FROM observation WHERE observable_id IN (SELECT id {hosts})");
    let looked_at = format!("SELECT count(*) {hosts} AND observed_at IS NOT NULL");
    let events = "SELECT count(*) FROM audit_event WHERE verb = 'observed'";
    let started = Instant::now();
    run(look(&["observe", "--all"]))?;
    let length = u64::try_from(started.elapsed().as_micros())?;
    ensure!(figure(&db, &rows).await? == NAMES * QUESTIONS, "{} rows", figure(&db, &rows).await?);

    let (mut whole, mut part, mut none) = (0, 0, 0);
    for round in 1..=kills {
        // Everything is new again: only what hangs on an observation goes, so that a round has the same work.
        for sql in ["DELETE FROM observation", "UPDATE observable SET observed_at = NULL, state = 'fresh'"] {
            db.execute_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
        }
        let before = figure(&db, events).await?;
        let moment = Duration::from_micros(below(length + length / 4, seed, round));
        run_killed(look(&["observe", "--all"]), moment)?;
        let (stored, seen) = (figure(&db, &rows).await?, figure(&db, &looked_at).await?);
        ensure!(
            stored == seen * QUESTIONS,
            "killed after {moment:?} (round {round}, seed {seed}): {stored} answers about {seen} names"
        );
        let batches = figure(&db, events).await? - before;
        // A batch may hold the zone's own name, which the list's names hang on, in place of one of them.
        ensure!(
            (batches * NAMES_IN_BATCH - 1..=batches * NAMES_IN_BATCH).contains(&seen) || seen == NAMES,
            "killed after {moment:?} (round {round}, seed {seed}): {batches} batches for {seen} names"
        );
        ledger_holds(&db, round).await?;
        *if seen == NAMES {
            &mut whole
        } else if seen == 0 {
            &mut none
        } else {
            &mut part
        } += 1;
        // The same command again brings the rest, and one row an answer.
        run(look(&["observe", "--all"]))?;
        let (stored, seen) = (figure(&db, &rows).await?, figure(&db, &looked_at).await?);
        ensure!(
            (stored, seen) == (NAMES * QUESTIONS, NAMES),
            "repeated: {stored} answers about {seen} names"
        );
        ledger_holds(&db, round).await?;
    }
    println!(
        "{}: {kills} kills: {whole} wholly looked at, {part} to a batch's end, {none} not at all",
        database.name()
    );
    Ok(())
}

#[tokio::test]
async fn a_killed_round_of_looks_ends_at_a_batch_on_sqlite() -> Result<()> {
    kill_looks(&Database::sqlite().await?).await
}

#[tokio::test]
async fn a_killed_round_of_looks_ends_at_a_batch_on_postgres() -> Result<()> {
    let Some(database) = Database::postgres().await? else { return Ok(()) };
    kill_looks(&database).await
}
