//! The ledger: every change of state appends one hash-chained event in the same transaction.

mod activity;
pub mod checkpoint;
pub mod export;

pub use self::activity::{ActivityFilter, activity};

use std::collections::HashMap;

use entities::{OperationId, Timestamp, audit_checkpoint, audit_event};
use futures::TryStreamExt;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseConnection,
    DatabaseTransaction, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    error::Error,
};

/// The key of the PostgreSQL advisory lock that lets one writer at a time extend the chain.
const CHAIN_LOCK: i64 = 0x6c6f_636b_7374_6570;

/// Appends one event to the chain, inside the caller's transaction: call it after the rows are stored and
/// right before the jobs are enqueued, since it makes other writers wait for the commit.
///
/// # Errors
/// The database refused.
pub async fn record(
    txn: &DatabaseTransaction,
    at: Timestamp,
    actor: &Actor,
    verb: &'static str,
    subject: impl ToString,
    detail: Value,
) -> Result<audit_event::Model, Error> {
    record_of(txn, at, actor, None, verb, subject, detail).await
}

/// The same, of an event that tells of what belongs to an operation: only who knows of that sees it.
///
/// # Errors
/// As [`record`].
pub async fn record_of(
    txn: &DatabaseTransaction,
    at: Timestamp,
    actor: &Actor,
    operation: Option<OperationId>,
    verb: &'static str,
    subject: impl ToString,
    detail: Value,
) -> Result<audit_event::Model, Error> {
    if txn.get_database_backend() == DbBackend::Postgres {
        txn.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({CHAIN_LOCK})")).await?;
    }
    let last = head(txn).await?;
    let mut event = audit_event::Model {
        seq: last.as_ref().map_or(0, |e| e.seq) + 1,
        at,
        actor: actor.to_string(),
        verb: verb.to_owned(),
        subject: subject.to_string(),
        detail: detail.to_string(),
        prev_hash: last.map_or_else(|| vec![0; 32], |e| e.hash),
        hash: Vec::new(),
        trace_id: crate::job::current_trace_id(),
        operation_id: operation,
    };
    event.hash = hash(&event);
    let stored: audit_event::ActiveModel = event.clone().into();
    let stored = audit_event::ActiveModel { seq: Set(event.seq), ..stored.reset_all() };
    stored.insert(txn).await?;
    Ok(event)
}

/// The newest event; `None` for an empty ledger.
///
/// # Errors
/// The database refused.
#[expect(clippy::disallowed_methods, reason = "the ledger reads itself, for no actor")]
pub async fn head(db: &impl ConnectionTrait) -> Result<Option<audit_event::Model>, Error> {
    let newest = audit_event::Entity::find().order_by_desc(audit_event::Column::Seq).limit(1);
    Ok(newest.one(db).await?)
}

/// The newest `limit` events, oldest first.
///
/// # Errors
/// The actor may not, or the database refused.
#[expect(clippy::disallowed_methods, reason = "the ledger has its own rule: `Action::ReadLedger`")]
pub async fn tail(
    db: &DatabaseConnection,
    actor: &Actor,
    limit: u64,
) -> Result<Vec<audit_event::Model>, Error> {
    access::check(actor, Action::ReadLedger, Subject::System)?;
    let newest = audit_event::Entity::find()
        .filter(access::ledger(actor))
        .order_by_desc(audit_event::Column::Seq)
        .limit(limit);
    let mut events = newest.all(db).await?;
    events.reverse();
    Ok(events)
}

/// The first `limit` events after number `seq`, oldest first.
///
/// # Errors
/// The actor may not, or the database refused.
#[expect(clippy::disallowed_methods, reason = "the ledger has its own rule: `Action::ReadLedger`")]
pub async fn after(
    db: &DatabaseConnection,
    actor: &Actor,
    seq: i64,
    limit: u64,
) -> Result<Vec<audit_event::Model>, Error> {
    access::check(actor, Action::ReadLedger, Subject::System)?;
    let next = audit_event::Entity::find()
        .filter(audit_event::Column::Seq.gt(seq))
        .filter(access::ledger(actor))
        .order_by_asc(audit_event::Column::Seq)
        .limit(limit);
    Ok(next.all(db).await?)
}

/// SHA-256 over every field but the trace, each preceded by its length, so that no two events can be
/// spelled alike. The operation comes last, where there is one.
fn hash(event: &audit_event::Model) -> Vec<u8> {
    let mut digest = Sha256::new();
    let (seq, at) = (event.seq.to_be_bytes(), event.at.0.to_be_bytes());
    let fields: [&[u8]; 7] = [
        &event.prev_hash,
        &seq,
        &at,
        event.actor.as_bytes(),
        event.verb.as_bytes(),
        event.subject.as_bytes(),
        event.detail.as_bytes(),
    ];
    for field in fields {
        digest.update((field.len() as u64).to_be_bytes());
        digest.update(field);
    }
    if let Some(OperationId(operation)) = event.operation_id {
        digest.update((operation.as_bytes().len() as u64).to_be_bytes());
        digest.update(operation.as_bytes());
    }
    digest.finalize().to_vec()
}

/// What [`verify`] found.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "ledger")]
pub enum Chain {
    /// Every event follows from the one before.
    Intact {
        /// How many events there are.
        events: i64,
        /// The hash of the newest, lower-case hex; 64 zeros if there is none.
        head: String,
    },
    /// The chain breaks.
    Broken {
        /// The first event that does not follow, or the first that is missing.
        seq: i64,
        /// What is wrong with it.
        reason: String,
    },
}

/// A walk along the chain.
struct Walk {
    events: i64,
    prev: Vec<u8>,
}

impl Default for Walk {
    fn default() -> Self {
        Self { events: 0, prev: vec![0; 32] }
    }
}

impl Walk {
    /// Goes on to the next event; says so if it does not follow.
    fn step(&mut self, event: audit_event::Model) -> Option<Chain> {
        self.events += 1;
        let broken = |reason: &str| Some(Chain::Broken { seq: self.events, reason: reason.to_owned() });
        if event.seq != self.events {
            return broken(&format!("missing: the next event there is has number {}", event.seq));
        }
        if event.prev_hash != self.prev {
            return broken("it does not name the hash of the event before it");
        }
        if event.hash != hash(&event) {
            return broken("its fields do not give its hash: it was changed after it was written");
        }
        self.prev = event.hash;
        None
    }

    /// The verdict at the end of the chain, against its checkpoints.
    fn end(
        self,
        checkpoints: &[audit_checkpoint::Model],
        key: Option<&[u8]>,
        hash_at: impl Fn(i64) -> Option<Vec<u8>>,
    ) -> Chain {
        for row in checkpoints {
            let Some(hash) = hash_at(row.seq) else {
                let reason =
                    format!("missing: a signed checkpoint names event {}: the end was cut off", row.seq);
                return Chain::Broken { seq: self.events + 1, reason };
            };
            if let Some(reason) = checkpoint::wrong(row, &hash, key) {
                return Chain::Broken { seq: row.seq, reason: reason.to_owned() };
            }
        }
        Chain::Intact { events: self.events, head: crate::hex(&self.prev) }
    }
}

/// Walks the whole chain and says whether it holds, or where it breaks first. A ledger that was cut off at its end, or
/// written anew, shows against its signed checkpoints; against one that was kept elsewhere it shows too if those went
/// with it. With `key` every checkpoint must be signed by it.
///
/// # Errors
/// The database refused.
#[expect(clippy::disallowed_methods, reason = "the ledger reads itself, for no actor")]
pub async fn verify(db: &DatabaseConnection, key: Option<&[u8]>) -> Result<Chain, Error> {
    // Read first: what is signed meanwhile may be of events that this walk does not see.
    let checkpoints = checkpoint::all(db).await?;
    let mut hashes: HashMap<i64, Vec<u8>> = HashMap::new();
    let mut walk = Walk::default();
    let mut stream = audit_event::Entity::find().order_by_asc(audit_event::Column::Seq).stream(db).await?;
    let mut signed = checkpoints.iter().map(|row| row.seq).peekable();
    while let Some(event) = stream.try_next().await? {
        if signed.next_if_eq(&event.seq).is_some() {
            hashes.insert(event.seq, event.hash.clone());
        }
        if let Some(broken) = walk.step(event) {
            return Ok(broken);
        }
    }
    Ok(walk.end(&checkpoints, key, |seq| hashes.get(&seq).cloned()))
}
