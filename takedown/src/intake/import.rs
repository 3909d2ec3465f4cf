//! A batch arrives: every line or object gets a verdict, and the batch is stored wholly or not at all.

use entities::{
    Handling, ImportId, LineVerdict, OperationId, Pap, Role, SourceId, Timestamp, Tlp, import, operation,
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ConnectionTrait, DatabaseTransaction,
};
use tokio::sync::mpsc;

use super::{
    context::Context,
    entry::{Entry, Stated},
    store::{self, Arrived, Batch, Fallback},
    tally::Tally,
};
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    audit,
    env::Env,
    error::Error,
    job::{kinds::ObserveDue, queue},
    marking::Marking,
    operation as operations,
};

/// Entries that are stored by one round of statements.
const CHUNK: usize = 8_192;
/// Chunks that may wait between the parser and the store.
const WAITING: usize = 2;
/// The longest source or file name that is kept, in characters.
const NAME_MAX: usize = 200;

/// What the person who imports says of the batch. An entry's own claims come first; these fill in the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRequest {
    /// Who says what the batch says: a feed, a report, a person.
    pub source: String,
    /// The file's name, `-` for standard input.
    pub name: String,
    /// The malware family, in any of its names.
    pub family: Option<String>,
    /// What the things did.
    pub role: Option<Role>,
    /// Who may read it.
    pub tlp: Tlp,
    /// What may be done with it.
    pub pap: Pap,
    /// What its provider permits.
    pub handling: Handling,
    /// The operation that it belongs to; none if it belongs to none. What belongs to one is new there, whatever others
    /// hold, and is marked at least as the operation is.
    pub operation: Option<OperationId>,
    /// Say what would happen and write nothing.
    pub dry_run: bool,
}

/// How an import goes on.
#[derive(Debug)]
pub enum Progress<'a> {
    /// One more entry was judged. Verdicts come in the input's order, and hold once the import has returned its
    /// report: an import that fails stores nothing.
    Line {
        /// The line or object.
        entry: &'a Entry,
        /// What became of it.
        verdict: LineVerdict,
        /// Why it was not accepted; empty if it was.
        reason: &'a str,
    },
    /// A chunk was stored; so many entries were judged so far.
    Chunk {
        /// Lines or objects so far.
        total: u64,
    },
}

/// What the reader knows when it has read everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The format it was read as.
    pub format: String,
    /// SHA-256 of the bytes, lower-case hex.
    pub sha256: String,
}

/// What became of a batch: `total` = `accepted` + `duplicate` + `rejected`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ImportReport {
    /// The stored import; none for a dry run, and none when there was nothing new to store.
    pub id: Option<ImportId>,
    /// The file's name.
    pub name: String,
    /// The source's name.
    pub source: String,
    /// Whether it was a dry run.
    pub dry_run: bool,
    /// The format it was read as.
    pub format: String,
    /// SHA-256 of the bytes, lower-case hex.
    pub sha256: String,
    /// SHA-256 over the verdicts in order, lower-case hex.
    pub lines_digest: String,
    /// Lines or objects.
    pub total: u64,
    /// Those that said something new.
    pub accepted: u64,
    /// Those that said only what was known.
    pub duplicate: u64,
    /// Those that were refused.
    pub rejected: u64,
    /// Why entries were not accepted, with how many, most frequent first.
    pub reasons: Vec<(String, u64)>,
    /// New observables.
    pub observables: u64,
    /// New sightings.
    pub sightings: u64,
    /// New links.
    pub links: u64,
    /// New facts.
    pub facts: u64,
}

/// Imports entries that `read` produces: it is run on a thread of its own and hands each entry to the sink, which
/// says false when nothing more is wanted. Parsing and storing overlap; memory is bounded by a few chunks.
///
/// All of it is one transaction: after an error, or a machine that died, nothing is there. A batch in which
/// nothing is new writes nothing.
///
/// # Errors
/// The actor may not import, does not know of the operation or is no member of it, a name is empty, the reader failed, or
/// the database refused.
pub async fn import_entries(
    env: &Env,
    actor: &Actor,
    request: &ImportRequest,
    read: impl FnOnce(&mut dyn FnMut(Entry) -> bool) -> Result<Input, Error> + Send + 'static,
    mut progress: impl FnMut(Progress<'_>) + Send,
) -> Result<ImportReport, Error> {
    let operation = into(&env.db, actor, request.operation).await?;
    let source = named("source", &request.source)?;
    let name = named("name", &request.name)?;
    let context = env.intake.clone();
    let fallback = Fallback {
        family: request.family.as_deref().map(|f| context.families.canonical(f)).unwrap_or_default(),
        role: request.role.unwrap_or(Role::Unknown),
        tlp: request.tlp,
        pap: request.pap,
        handling: request.handling,
        least: operation.as_ref().map_or(Marking::CLEAR, |row| Marking {
            tlp: row.tlp,
            pap: row.pap,
            handling: row.handling,
        }),
    };
    let operation = operation.map(|row| row.id);
    let (sender, mut chunks) = mpsc::channel(WAITING);
    let reader = tokio::task::spawn_blocking(move || produce(&context, &sender, read));

    // A slow input does not hold SQLite's write lock before its first chunk is there.
    let mut next = chunks.recv().await;
    let txn = env.begin().await?;
    Batch::lock(&txn).await?;
    // A member may have been removed while the first chunk was waited for, or while all the others were.
    into(&txn, actor, operation).await?;
    let now = env.now();
    let source_id = store::source(env, &txn, &source).await?;
    // First, since sightings refer to it; its figures come last.
    let id = begin(env, &txn, now, actor, (source_id, operation), &name).await?;
    let batch = Batch {
        env,
        txn: &txn,
        operation,
        import: id,
        source: source_id,
        now,
        fallback,
        mostly_new: true.into(),
    };
    let mut tally = Tally::default();
    while let Some(chunk) = next {
        judge(&batch, &chunk, &mut tally, &mut progress).await?;
        next = chunks.recv().await;
    }
    let input = reader.await.map_err(Error::internal)??;
    into(&txn, actor, operation).await?;

    let mut report = tally.report(request, name, source, input);
    if request.dry_run || report.accepted == 0 {
        txn.rollback().await?;
        return Ok(report);
    }
    report.id = Some(id);
    finish(&txn, id, &report).await?;
    operations::note_collisions(env, &txn, actor, operation, id).await?;
    audit::record_of(&txn, now, actor, operation, "imported", id, detail(&report)).await?;
    queue::enqueue(env, &txn, &ObserveDue {}).await?;
    env.commit(txn).await?;
    Ok(report)
}

/// The operation that a batch goes into, if the actor may bring anything into it.
async fn into(
    db: &impl ConnectionTrait,
    actor: &Actor,
    operation: Option<OperationId>,
) -> Result<Option<operation::Model>, Error> {
    let Some(id) = operation else {
        access::check(actor, Action::ImportIndicators, Subject::System)?;
        return Ok(None);
    };
    access::signed_in(actor)?;
    let (row, subject) = operations::find(db, actor, id).await?;
    access::check(actor, Action::ImportIndicators, subject)?;
    Ok(Some(row))
}

/// The text without surrounding space, if it is neither empty nor too long.
fn named(field: &'static str, text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::invalid(field, "must not be empty"));
    }
    if text.chars().count() > NAME_MAX {
        return Err(Error::invalid(field, format!("must be at most {NAME_MAX} characters")));
    }
    Ok(text.replace('\0', "\u{fffd}"))
}

/// Runs the reader and sends what it produces in chunks, families canonical and benign lists looked up.
fn produce(
    context: &Context,
    sender: &mpsc::Sender<Vec<Arrived>>,
    read: impl FnOnce(&mut dyn FnMut(Entry) -> bool) -> Result<Input, Error>,
) -> Result<Input, Error> {
    let mut chunk = Vec::with_capacity(CHUNK);
    let input = read(&mut |mut entry| {
        let listed = prepare(context, &mut entry);
        chunk.push(Arrived { entry, listed });
        if chunk.len() < CHUNK {
            return true;
        }
        // The store is gone when it failed; then nothing more is wanted.
        sender.blocking_send(std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK))).is_ok()
    })?;
    if !chunk.is_empty() {
        // As above: who awaits the reader learns of the store's failure first.
        let _ = sender.blocking_send(chunk);
    }
    Ok(input)
}

fn prepare(context: &Context, entry: &mut Entry) -> Vec<Stated> {
    let Ok(parsed) = &mut entry.parsed else { return Vec::new() };
    for (_, claim) in &mut parsed.sightings {
        if let Some(family) = &mut claim.family {
            *family = context.families.canonical(family);
        }
    }
    if context.benign.is_empty() {
        return Vec::new();
    }
    let sighted = parsed.sightings.iter().map(|(named, _)| named);
    let ends = parsed.links.iter().flat_map(|link| [&link.from, &link.to]);
    sighted.chain(ends).flat_map(|named| context.benign.facts(named)).collect()
}

/// Stores a chunk and tells what became of each entry.
async fn judge(
    batch: &Batch<'_>,
    chunk: &[Arrived],
    tally: &mut Tally,
    progress: &mut (impl FnMut(Progress<'_>) + Send),
) -> Result<(), Error> {
    let outcomes = batch.chunk(chunk, &mut tally.new).await?;
    let mut lines = Vec::new();
    for (Arrived { entry, .. }, outcome) in chunk.iter().zip(outcomes) {
        let (verdict, reason) = (outcome.verdict(), tally.count(entry, outcome));
        progress(Progress::Line { entry, verdict, reason: &reason });
        if verdict != LineVerdict::Accepted {
            lines.push((entry, verdict, reason));
        }
    }
    batch.lines(&lines).await?;
    progress(Progress::Chunk { total: tally.total() });
    Ok(())
}

/// Stores the import's row, its figures still open.
async fn begin(
    env: &Env,
    txn: &DatabaseTransaction,
    now: Timestamp,
    actor: &Actor,
    (source, operation): (SourceId, Option<OperationId>),
    name: &str,
) -> Result<ImportId, Error> {
    let id = env.ids.next(now);
    let row = import::ActiveModel {
        id: Set(id),
        source_id: Set(source),
        name: Set(name.to_owned()),
        format: Set(String::new()),
        sha256: Set(String::new()),
        total: Set(0),
        accepted: Set(0),
        duplicate: Set(0),
        rejected: Set(0),
        lines_digest: Set(String::new()),
        created_by: Set(actor.to_string()),
        created_at: Set(now),
        operation_id: Set(operation),
    };
    row.insert(txn).await?;
    Ok(id)
}

/// Stores the import's figures.
async fn finish(txn: &DatabaseTransaction, id: ImportId, report: &ImportReport) -> Result<(), Error> {
    let count = |n: u64| Set(i64::try_from(n).unwrap_or(i64::MAX));
    let row = import::ActiveModel {
        id: Unchanged(id),
        format: Set(report.format.clone()),
        sha256: Set(report.sha256.clone()),
        total: count(report.total),
        accepted: count(report.accepted),
        duplicate: count(report.duplicate),
        rejected: count(report.rejected),
        lines_digest: Set(report.lines_digest.clone()),
        ..Default::default()
    };
    row.update(txn).await?;
    Ok(())
}

/// What the ledger keeps of an import.
fn detail(report: &ImportReport) -> serde_json::Value {
    serde_json::json!({
        "name": report.name,
        "source": report.source,
        "format": report.format,
        "sha256": report.sha256,
        "lines_digest": report.lines_digest,
        "total": report.total,
        "accepted": report.accepted,
        "duplicate": report.duplicate,
        "rejected": report.rejected,
        "observables": report.observables,
        "sightings": report.sightings,
        "links": report.links,
        "facts": report.facts,
    })
}
