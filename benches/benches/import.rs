//! Import of a large mixed list, end to end, beside a bare batched insert of the rows that it made.
//!
//! `make bench ARGS="--bench import"`, or with another number of lines: `ARGS="--bench import -- 10000000"`.
//! Each figure is a process of its own, so that its peak memory is its own. PostgreSQL is measured where
//! `LOCKSTEP_TEST_POSTGRES` says (with-services --durable starts one), SQLite in a temporary file.
#![expect(clippy::disallowed_methods, reason = "reads back what it imported, to insert it again barely")]

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
    time::Instant,
};

use anyhow::{Context as _, Result, bail, ensure};
use benches::{Dice, one, peak_mib, words};
use entities::{ActorRole, Pap, Role, Tlp, fact, import, import_line, link, observable, sighting, source};
use futures::{StreamExt as _, TryStreamExt as _};
use sea_orm::{
    ActiveModelTrait, DatabaseConnection, DatabaseTransaction, EntityTrait, IntoActiveModel, Iterable as _,
    PrimaryKeyToColumn as _, QueryOrder as _,
};
use serde_json::{Value, json};
use takedown::{
    actor::Actor,
    clock::Clock,
    db,
    env::Env,
    ids::Ids,
    intake::{self, ImportRequest, format::Format},
    settings::Settings,
};
use tests::Database;

const LINES: u64 = 1_000_000;
/// Rows in one statement of the bare insert: of 1,000, 2,000 and 5,000 no size was faster on both databases.
const BARE_ROWS: usize = 1_000;

fn main() -> Result<()> {
    let args = words();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Runtime::new()?;
    match args.as_slice() {
        ["--one", "import", url, list] => print(&runtime.block_on(import_list(url, list))?),
        ["--one", "bare", url, from] => print(&runtime.block_on(bare(url, from))?),
        [] => runtime.block_on(measure(LINES)),
        [lines] => runtime.block_on(measure(lines.parse().context("the argument is a number of lines")?)),
        _ => bail!("usage: import [LINES]"),
    }
}

fn print(figures: &Value) -> Result<()> {
    println!("{figures}");
    Ok(())
}

async fn measure(lines: u64) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let list = folder.path().join("list.txt");
    write_list(&list, lines)?;
    let list = list.to_string_lossy();
    println!("{lines} mixed lines: lines/s, peak memory of the process");
    for (database, empty) in Database::each().await?.into_iter().zip(Database::each().await?) {
        let name = database.name();
        let first = one(&["import", database.url(), &list])?;
        say(name, "import", lines, &first);
        let again = one(&["import", database.url(), &list])?;
        say(name, "the same again", lines, &again);
        ensure!(again["report"]["accepted"] == 0, "the same again brought something: {again}");
        let bare = one(&["bare", empty.url(), database.url()])?;
        say(name, &format!("bare insert of the {} rows", bare["rows"]), lines, &bare);
        let ratio = bare["seconds"].as_f64().unwrap_or(0.0) / first["seconds"].as_f64().unwrap_or(1.0);
        println!("{name:11} import / bare insert: {ratio:.2} (goal 0.40)");
        println!("{name:11} {}", first["report"]);
    }
    Ok(())
}

fn say(name: &str, what: &str, lines: u64, figures: &Value) {
    let seconds = figures["seconds"].as_f64().unwrap_or(f64::NAN);
    println!(
        "{name:11} {what:36} {:>9.0} lines/s {seconds:>7.1} s {:>4} MiB",
        lines as f64 / seconds,
        figures["peak_mib"]
    );
}

async fn import_list(url: &str, list: &str) -> Result<Value> {
    let env = Env::new(db::connect(url, 4).await?, Clock::System, Ids::system()?, Settings::default());
    let request = ImportRequest {
        source: "bench".into(),
        name: "list.txt".into(),
        family: Some("Lumma".into()),
        role: Some(Role::C2),
        tlp: Tlp::Amber,
        pap: Pap::Amber,
        handling: entities::Handling::H0,
        operation: None,
        dry_run: false,
    };
    let actor = Actor::person("bench", ActorRole::Analyst);
    let started = Instant::now();
    let report = intake::import(&env, &actor, &request, Format::Auto, File::open(list)?, |_| {}).await?;
    let seconds = started.elapsed().as_secs_f64();
    Ok(json!({ "seconds": seconds, "peak_mib": peak_mib()?, "report": report }))
}

/// Inserts the rows of the database `from` into the empty one at `url`: one transaction, statements of many
/// rows, no look-ups, no verdicts, no ledger. Reading them is not timed.
async fn bare(url: &str, from: &str) -> Result<Value> {
    let (from, to) = (db::connect(from, 2).await?, db::connect(url, 2).await?);
    let txn = db::begin(&to).await?;
    let mut bare = Bare { from, txn, seconds: 0.0, rows: 0 };
    bare.copy::<source::Entity>().await?;
    bare.copy::<import::Entity>().await?;
    bare.copy::<observable::Entity>().await?;
    bare.copy::<sighting::Entity>().await?;
    bare.copy::<link::Entity>().await?;
    bare.copy::<fact::Entity>().await?;
    bare.copy::<import_line::Entity>().await?;
    let started = Instant::now();
    bare.txn.commit().await?;
    let seconds = bare.seconds + started.elapsed().as_secs_f64();
    Ok(json!({ "seconds": seconds, "rows": bare.rows, "peak_mib": peak_mib()? }))
}

struct Bare {
    from: DatabaseConnection,
    txn: DatabaseTransaction,
    seconds: f64,
    rows: usize,
}

impl Bare {
    async fn copy<E>(&mut self) -> Result<()>
    where
        E: EntityTrait,
        E::Model: IntoActiveModel<E::ActiveModel> + Send,
        E::ActiveModel: ActiveModelTrait<Entity = E> + Send,
    {
        // In the order in which they were made, since ids rise.
        let ordered =
            E::PrimaryKey::iter().fold(E::find(), |select, key| select.order_by_asc(key.into_column()));
        let mut parts = ordered.stream(&self.from).await?.try_chunks(BARE_ROWS).boxed();
        while let Some(part) = parts.try_next().await.map_err(|error| error.1)? {
            self.rows += part.len();
            let rows = part.into_iter().map(|row| row.into_active_model().reset_all());
            let started = Instant::now();
            E::insert_many(rows).exec_without_returning(&self.txn).await?;
            self.seconds += started.elapsed().as_secs_f64();
        }
        Ok(())
    }
}

fn write_list(path: &Path, lines: u64) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for at in 0..lines {
        let mut dice = Dice(at);
        // One in twenty repeats an earlier line.
        let at = if at > 0 && dice.roll(20) == 0 { dice.roll(at) } else { at };
        writeln!(file, "{}", line(at))?;
    }
    Ok(file.flush()?)
}

/// The same line for the same number.
fn line(at: u64) -> String {
    let mut dice = Dice(at ^ 0x5157_1e55);
    let defanged = dice.roll(4) == 0;
    let domain = format!("{}{at}.{}", dice.pick(&WORDS), dice.pick(&SUFFIXES));
    let text = match dice.roll(100) {
        0..40 => domain,
        40..60 => format!("{}.{domain}", dice.pick(&WORDS)),
        60..70 => address(&mut dice),
        70..80 => format!("{}:{}", address(&mut dice), 1 + dice.roll(65_535)),
        80..95 => {
            let scheme = if defanged { "hxxps" } else { "https" };
            format!("{scheme}://{}.{domain}/{}/{at}", dice.pick(&WORDS), dice.pick(&WORDS))
        }
        95..97 => return format!("{}.exe.config", dice.pick(&WORDS)),
        97..99 => return format!("see chapter {at}"),
        _ => return format!("999.{at}.1"),
    };
    if defanged { text.replacen('.', "[.]", 2) } else { text }
}

fn address(dice: &mut Dice) -> String {
    format!("{}.{}.{}.{}", 11 + dice.roll(80), dice.roll(256), dice.roll(256), 1 + dice.roll(254))
}

const WORDS: [&str; 12] = [
    "amber", "basalt", "cinder", "dapple", "ember", "flint", "gravel", "hazel", "indigo", "juniper", "kelp",
    "lichen",
];
const SUFFIXES: [&str; 8] = ["com", "top", "shop", "xyz", "site", "co.uk", "click", "lat"];
