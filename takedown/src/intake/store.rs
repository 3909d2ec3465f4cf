//! The store half of intake: a chunk of entries becomes rows, each row once, with a verdict per entry. Observing
//! stores what it learns the same way ([`links`], [`facts`]).
//!
//! Only imports write sightings, and on PostgreSQL one import at a time writes (see [`Batch::lock`]), as on
//! SQLite. So what a look-up did not find is free to be inserted; observables, links and facts, which
//! observing writes too, are inserted past a row that came in between.

mod facts;
mod given;
mod links;
mod names;
mod sightings;

use std::sync::atomic::{AtomicBool, Ordering};

use entities::{Handling, ImportId, LineVerdict, OperationId, Pap, Role, SourceId, Timestamp, Tlp};
use given::Given;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement, Value};

use super::entry::{Entry, Linked, Named, Parsed, Stated};
use crate::{env::Env, error::Error, marking::Marking};

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
    pub(super) sightings: u64,
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
    pub(super) handling: Handling,
    /// What everything is marked at least.
    pub(super) least: Marking,
}

impl Fallback {
    /// The marking of something that an entry marks so, or not at all.
    pub(super) fn marking(&self, tlp: Option<Tlp>, pap: Option<Pap>) -> Marking {
        let (tlp, pap) = (tlp.unwrap_or(self.tlp), pap.unwrap_or(self.pap));
        Marking { tlp, pap, handling: self.handling }.and(self.least)
    }
}

/// The way into a transaction.
#[derive(Clone, Copy)]
struct Store<'a> {
    env: &'a Env,
    txn: &'a DatabaseTransaction,
    now: Timestamp,
    /// Whose things are meant: a name of another operation, or of none, is another.
    operation: Option<OperationId>,
    /// Whether new names and addresses are due for a look. What an import brings is; that an answer named a name
    /// server or an alias is no reason to ask it anything.
    due: bool,
}

/// One import's way into its transaction.
pub(super) struct Batch<'a> {
    pub(super) env: &'a Env,
    pub(super) txn: &'a DatabaseTransaction,
    pub(super) operation: Option<OperationId>,
    pub(super) import: ImportId,
    pub(super) source: SourceId,
    pub(super) now: Timestamp,
    pub(super) fallback: Fallback,
    /// Whether most of what the last chunk named was new, as that of the next is likely to be.
    pub(super) mostly_new: AtomicBool,
}

impl Batch<'_> {
    /// Makes this the one import that stores, until its transaction ends, and has PostgreSQL look every key up
    /// by its index: its statistics know nothing of the rows that this transaction is bringing.
    pub(super) async fn lock(txn: &DatabaseTransaction) -> Result<(), Error> {
        if txn.get_database_backend() == DbBackend::Postgres {
            txn.execute_unprepared(&format!(
                "SELECT pg_advisory_xact_lock({IMPORT_LOCK}); SET LOCAL enable_seqscan = off; \
                 SET LOCAL enable_bitmapscan = off; SET LOCAL enable_material = off; \
                 SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; \
                 SET LOCAL plan_cache_mode = force_custom_plan"
            ))
            .await?;
        }
        Ok(())
    }

    /// Stores a chunk; the outcomes are in the entries' order.
    pub(super) async fn chunk(&self, arrived: &[Arrived], new: &mut New) -> Result<Vec<Outcome>, Error> {
        let store =
            Store { env: self.env, txn: self.txn, now: self.now, operation: self.operation, due: true };
        let mostly_new = self.mostly_new.load(Ordering::Relaxed);
        let names = names::Names::resolve(store, arrived.iter().flat_map(named), mostly_new).await?;
        self.mostly_new.store(names.mostly_new(), Ordering::Relaxed);
        let mut news = News { said: vec![false; arrived.len()], known: vec![None; arrived.len()] };
        new.sightings += sightings::store(self, arrived, &names, &mut news).await?;
        let (mut links, mut facts) = (Vec::new(), Vec::new());
        for (at, Arrived { entry, listed }) in arrived.iter().enumerate() {
            let Ok(parsed) = &entry.parsed else { continue };
            let tlp = marking(parsed, &self.fallback);
            links.extend(parsed.links.iter().map(|link| links::Said { at, link, seen: link.seen, tlp }));
            facts.extend(parsed.facts.iter().map(|fact| (Some(at), fact)));
            // That a benign list knows a thing is no news of the entry's.
            facts.extend(listed.iter().map(|fact| (None, fact)));
        }
        new.links += links::store(store, self.source, &names, &links, |at, known| {
            news.note(at, known.then_some(Known::Before));
        })
        .await?;
        new.facts += facts::store(store, &names, &facts, |at, known| {
            news.note(at, known.then_some(Known::Before));
        })
        .await?;
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

/// Everything that an entry names.
fn named(arrived: &Arrived) -> Vec<&Named> {
    let Ok(parsed) = &arrived.entry.parsed else { return Vec::new() };
    let sighted = parsed.sightings.iter().map(|(named, _)| named);
    let ends = parsed.links.iter().flat_map(|link| [&link.from, &link.to]);
    let stated = parsed.facts.iter().chain(&arrived.listed).map(|fact| &fact.of);
    sighted.chain(ends).chain(stated).collect()
}

/// The most restrictive label of an entry's sightings; the import's where it has none.
fn marking(parsed: &Parsed, fallback: &Fallback) -> Tlp {
    let labels = parsed.sightings.iter().map(|(_, claim)| fallback.marking(claim.tlp, None).tlp);
    labels.max().unwrap_or(fallback.marking(None, None).tlp)
}

/// Stores links that hold `now`, unless they say when, and the observables at their ends, all of one operation or of
/// none: a new link's dates begin, a known one's extend and its count rises.
///
/// On PostgreSQL, a row that an import is bringing at this moment makes this fail after half a second, before
/// the import, which may wait for a row of ours, is ended as one of two that wait for each other.
///
/// # Errors
/// The database refused, or an import is bringing the same observables: try again.
pub(crate) async fn links(
    env: &Env,
    txn: &DatabaseTransaction,
    (source, operation): (SourceId, Option<OperationId>),
    links: &[Linked],
    now: Timestamp,
) -> Result<(), Error> {
    let store = Store { env, txn, now, operation, due: false };
    patience(txn, "500ms").await?;
    let names =
        names::Names::resolve(store, links.iter().flat_map(|link| [&link.from, &link.to]), false).await?;
    let said = |link| links::Said { at: 0, link, seen: link.seen.or(Some((now, now))), tlp: Tlp::Clear };
    let said: Vec<_> = links.iter().map(said).collect();
    links::store(store, source, &names, &said, |_, _| {}).await?;
    patience(txn, "0").await
}

/// Stores facts that hold `now`: a new one's dates begin, a known one's extend.
///
/// # Errors
/// As [`links`].
pub(crate) async fn facts(
    env: &Env,
    txn: &DatabaseTransaction,
    operation: Option<OperationId>,
    facts: &[Stated],
    now: Timestamp,
) -> Result<(), Error> {
    let store = Store { env, txn, now, operation, due: false };
    patience(txn, "500ms").await?;
    let names = names::Names::resolve(store, facts.iter().map(|fact| &fact.of), false).await?;
    facts::extend(store, &names, facts).await?;
    patience(txn, "0").await
}

/// How long PostgreSQL waits for a lock in the rest of the transaction; `0` is for ever.
async fn patience(txn: &DatabaseTransaction, span: &str) -> Result<(), Error> {
    if txn.get_database_backend() == DbBackend::Postgres {
        txn.execute_unprepared(&format!("SET LOCAL lock_timeout = '{span}'")).await?;
    }
    Ok(())
}

/// The id of the source of that name, stored if it is new.
///
/// # Errors
/// The database refused.
pub(crate) async fn source(env: &Env, txn: &DatabaseTransaction, name: &str) -> Result<SourceId, Error> {
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
