//! The only writer of task state.
#![expect(clippy::disallowed_methods, reason = "the store file of the task stage")]

use std::collections::BTreeMap;

use entities::{OperationId, TaskId, TaskState, task};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::state::{Event, State};
use crate::{actor::Actor, audit, env::Env, error::Error};

/// Up to so many changes are named one by one in their ledger event; of more, it holds count and digest.
const NAMED_IN_LEDGER: usize = 20;

/// A row as it was read (with other columns perhaps set anew), and what happens to it, in order.
pub type Change = (task::Model, Vec<Event>);

/// A task, with its old and new state.
pub(super) type Moved = (TaskId, TaskState, TaskState);

/// Applies events to tasks, stores the rows and records one ledger event for all of them that are of one operation, or of
/// none, inside the caller's transaction. Whether `actor` may is the caller's question; this one refuses what the state
/// machine refuses.
///
/// The ledger event names each task with its old and new state; for more than 20 tasks it holds their count,
/// the count by transition, and the SHA-256 over the sorted lines `tsk_… from>to\n`. Looks that change no state
/// are not in the ledger: the verification rows are their record.
///
/// # Errors
/// [`Error::Conflict`] for an impossible event, [`Error::Stale`] for a row that somebody else changed; then
/// nothing may be committed.
pub async fn apply(
    env: &Env,
    txn: &DatabaseTransaction,
    actor: &Actor,
    verb: &'static str,
    changes: Vec<Change>,
) -> Result<Vec<task::Model>, Error> {
    let mut moved: BTreeMap<Option<OperationId>, Vec<Moved>> = BTreeMap::new();
    let mut rows = Vec::with_capacity(changes.len());
    for (mut row, events) in changes {
        let (from, read) = (row.state, row.version);
        let mut state = State::try_from(&row)?;
        for event in events {
            state = state.on(event)?;
            state.clone().write(&mut row);
        }
        row.version = read + 1;
        store(txn, &row, read).await?;
        if from != row.state {
            moved.entry(row.operation_id).or_default().push((row.id, from, row.state));
        }
        rows.push(row);
    }
    for (operation, moved) in moved {
        let subject = match moved.as_slice() {
            [(only, ..)] => only.to_string(),
            _ => "tasks".to_owned(),
        };
        audit::record_of(txn, env.now(), actor, operation, verb, subject, detail(&moved)).await?;
    }
    Ok(rows)
}

async fn store(txn: &DatabaseTransaction, row: &task::Model, read: i32) -> Result<(), Error> {
    let written = task::Entity::update_many()
        .set(row.clone().into_active_model().reset_all())
        .filter(task::Column::Id.eq(row.id))
        .filter(task::Column::Version.eq(read))
        .exec(txn)
        .await?;
    if written.rows_affected == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// Stores new tasks, in the state that their rows say.
pub(super) async fn insert(txn: &DatabaseTransaction, rows: &[task::Model]) -> Result<(), Error> {
    // 23 columns a row stay below SQLite's 32,766 variables a statement.
    for chunk in rows.chunks(1_000) {
        let chunk = chunk.iter().map(|row| row.clone().into_active_model().reset_all());
        task::Entity::insert_many(chunk).exec_without_returning(txn).await?;
    }
    Ok(())
}

/// What the ledger keeps of a change of many tasks.
pub(super) fn detail(moved: &[Moved]) -> Value {
    if moved.len() <= NAMED_IN_LEDGER {
        let named: Vec<Value> =
            moved.iter().map(|(id, from, to)| json!({ "task": id, "from": from, "to": to })).collect();
        return json!({ "tasks": named });
    }
    let mut lines: Vec<String> = moved.iter().map(|(id, from, to)| format!("{id} {from}>{to}\n")).collect();
    lines.sort_unstable();
    let mut by_transition = BTreeMap::<String, usize>::new();
    for (_, from, to) in moved {
        *by_transition.entry(format!("{from}>{to}")).or_default() += 1;
    }
    let digest = crate::hex(&Sha256::digest(lines.concat().as_bytes()));
    json!({ "count": moved.len(), "transitions": by_transition, "sha256": digest })
}
