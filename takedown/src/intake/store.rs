//! The store half of intake: a chunk of entries becomes rows, each row once, with a verdict per entry.
//!
//! Only imports write sightings, and on PostgreSQL one import at a time writes (see [`Store::lock`]), as on
//! SQLite. So what a look-up did not find is free to be inserted; observables, links and facts, which
//! observing writes too, are inserted past a row that came in between.

mod facts;
mod given;
mod links;
mod names;
mod sightings;

use entities::{ImportId, LineVerdict, Pap, Role, SourceId, Timestamp, Tlp};
use given::Given;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement, Value};

use super::entry::{Entry, Stated};
use crate::{env::Env, error::Error};

/// The key of the PostgreSQL advisory lock that lets one import at a time store. Two imports that insert the
/// same keys in different chunks would otherwise wait for each other.
const IMPORT_LOCK: i64 = 0x6c6f_636b_696d_7074;

/// An entry with the benign lists its things are on.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// What the input said.
    pub entry: Entry,
    /// The benign lists that know something in it. They are stored, and say nothing of the entry's verdict.
    pub listed: Vec<Stated>,
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It said something new.
    Accepted,
    /// Everything it said was known.
    Duplicate(Known),
    /// The parser refused it.
    Rejected,
}

impl Outcome {
    pub(super) const fn verdict(self) -> LineVerdict {
        match self {
            Self::Accepted => LineVerdict::Accepted,
            Self::Duplicate(_) => LineVerdict::Duplicate,
            Self::Rejected => LineVerdict::Rejected,
        }
    }
}

/// Where something was known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// A line of this import said it.
    Line(i64),
    /// A line of an earlier import said it.
    Import(ImportId, i64),
    /// It is in the store.
    Before,
}

/// New rows of a chunk or an import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct New {
    pub(super) observables: u64,
    pub(super) links: u64,
    pub(super) facts: u64,
}

/// What the import's options fill in where an entry is silent.
#[derive(Clone, Debug)]
pub(super) struct Fallback {
    /// Canonical; empty if not told.
    pub(super) family: String,
    pub(super) role: Role,
    pub(super) tlp: Tlp,
    pub(super) pap: Pap,
}

/// One import's way into its transaction.
pub(super) struct Store<'a> {
    pub(super) env: &'a Env,
    pub(super) txn: &'a DatabaseTransaction,
    pub(super) import: ImportId,
    pub(super) source: SourceId,
    pub(super) now: Timestamp,
    pub(super) fallback: Fallback,
}

impl Store<'_> {
    /// Makes this the one import that stores, until its transaction ends, and has PostgreSQL look every key up
    /// by its index: its statistics know nothing of the rows that this transaction is bringing.
    pub(super) async fn lock(txn: &DatabaseTransaction) -> Result<(), Error> {
        if txn.get_database_backend() == DbBackend::Postgres {
            txn.execute_unprepared(&format!(
                "SELECT pg_advisory_xact_lock({IMPORT_LOCK}); SET LOCAL enable_seqscan = off; \
                 SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; \
                 SET LOCAL plan_cache_mode = force_custom_plan"
            ))
            .await?;
        }
        Ok(())
    }

    /// Stores a chunk; the outcomes are in the entries' order.
    pub(super) async fn chunk(&self, arrived: &[Arrived], new: &mut New) -> Result<Vec<Outcome>, Error> {
        let names = names::Names::resolve(self, arrived).await?;
        let mut news = News { said: vec![false; arrived.len()], known: vec![None; arrived.len()] };
        sightings::store(self, arrived, &names, &mut news).await?;
        new.links += links::store(self, arrived, &names, &mut news).await?;
        new.facts += facts::store(self, arrived, &names, &mut news).await?;
        new.observables += names.fresh();
        Ok(arrived.iter().enumerate().map(|(at, a)| news.outcome(at, &a.entry)).collect())
    }

    /// Stores the lines that brought nothing new, with why.
    pub(super) async fn lines(&self, lines: &[(&Entry, LineVerdict, String)]) -> Result<(), Error> {
        Given::default()
            .ints("line", lines.iter().map(|(entry, ..)| number(entry)))
            .texts("verdict", lines.iter().map(|(_, verdict, _)| verdict.as_str()))
            .texts("reason", lines.iter().map(|(.., reason)| reason.as_str()))
            .texts("line_text", lines.iter().map(|(entry, ..)| entry.text.as_str()))
            .execute(
                self.txn,
                "INSERT INTO import_line (import_id, line, verdict, reason, text) \
                 SELECT $1, g.line, g.verdict, g.reason, g.line_text FROM given g",
                vec![Value::from(self.import)],
            )
            .await?;
        Ok(())
    }
}

/// The id of the source of that name, stored if it is new.
pub(super) async fn source(env: &Env, txn: &DatabaseTransaction, name: &str) -> Result<SourceId, Error> {
    let backend = txn.get_database_backend();
    let insert = Statement::from_sql_and_values(
        backend,
        "INSERT INTO source (id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING",
        [Value::from(env.id::<SourceId>()), Value::from(name), Value::from(env.now())],
    );
    txn.execute_raw(insert).await?;
    let find =
        Statement::from_sql_and_values(backend, "SELECT id FROM source WHERE name = $1", [name.into()]);
    let row = txn.query_one_raw(find).await?.ok_or(Error::Stale)?;
    Ok(row.try_get_by_index(0)?)
}

/// What each entry of a chunk brought.
struct News {
    /// Whether it said something new.
    said: Vec<bool>,
    /// Where its first sighting was known from.
    known: Vec<Option<Known>>,
}

impl News {
    /// Notes that entry `at` said something new (`None`) or something known.
    fn note(&mut self, at: usize, known: Option<Known>) {
        match known {
            None => self.said[at] = true,
            Some(known) => {
                self.known[at].get_or_insert(known);
            }
        }
    }

    fn outcome(&self, at: usize, entry: &Entry) -> Outcome {
        match &entry.parsed {
            Err(_) => Outcome::Rejected,
            Ok(_) if self.said[at] => Outcome::Accepted,
            Ok(_) => Outcome::Duplicate(self.known[at].unwrap_or(Known::Before)),
        }
    }
}

/// An entry's number as the store keeps it.
fn number(entry: &Entry) -> i64 {
    i64::try_from(entry.number).unwrap_or(i64::MAX)
}

/// An instant as [`Given`] holds it.
fn micros(at: Option<Timestamp>) -> i64 {
    at.map_or(given::ABSENT, |at| at.0)
}
