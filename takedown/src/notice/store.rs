//! The rows of notices: the only place that writes them.
#![expect(clippy::disallowed_methods, reason = "the store file of the notice stage")]

use entities::{NoticeId, notice, notice_task, task};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel,
    QueryFilter, QuerySelect, QueryTrait,
};
use sha2::{Digest, Sha256};

use crate::{access, actor::Actor, error::Error, outside::mail::Outgoing, settings::MailSettings, visible};

/// The notice with this id, locked until the transaction ends.
pub(super) async fn locked(
    txn: &DatabaseTransaction,
    actor: &Actor,
    id: NoticeId,
) -> Result<notice::Model, Error> {
    access::signed_in(actor)?;
    let found =
        visible::for_update(visible::notices(actor)).filter(notice::Column::Id.eq(id)).one(txn).await?;
    found.ok_or_else(|| Error::not_found("notice", id))
}

/// The tasks that a notice speaks for, locked.
pub(super) async fn tasks_of(
    txn: &DatabaseTransaction,
    actor: &Actor,
    id: NoticeId,
) -> Result<Vec<task::Model>, Error> {
    let of_notice = visible::notice_tasks(actor)
        .filter(notice_task::Column::NoticeId.eq(id))
        .select_only()
        .column(notice_task::Column::TaskId)
        .into_query();
    let tasks =
        visible::for_update(visible::tasks(actor)).filter(task::Column::Id.in_subquery(of_notice)).all(txn);
    Ok(tasks.await?)
}

/// Stores a new notice with the tasks that it speaks for.
pub(super) async fn insert(
    txn: &DatabaseTransaction,
    row: &notice::Model,
    tasks: &[task::Model],
) -> Result<(), Error> {
    row.clone().into_active_model().reset_all().insert(txn).await?;
    for chunk in tasks.chunks(1_000) {
        let rows = chunk.iter().map(|task| {
            notice_task::Model { notice_id: row.id, task_id: task.id }.into_active_model().reset_all()
        });
        notice_task::Entity::insert_many(rows).exec_without_returning(txn).await?;
    }
    Ok(())
}

/// Stores a changed notice, unless somebody else changed it since it was read.
pub(super) async fn update(txn: &DatabaseTransaction, row: &mut notice::Model) -> Result<(), Error> {
    let read = row.version;
    row.version += 1;
    let written = notice::Entity::update_many()
        .set(row.clone().into_active_model().reset_all())
        .filter(notice::Column::Id.eq(row.id))
        .filter(notice::Column::Version.eq(read))
        .exec(txn)
        .await?;
    if written.rows_affected == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// The tasks among `ids` that some notice speaks for already, unless it failed or was withdrawn.
pub(super) async fn spoken_for(
    db: &impl ConnectionTrait,
    actor: &Actor,
    ids: &[entities::TaskId],
) -> Result<std::collections::BTreeSet<entities::TaskId>, Error> {
    use entities::NoticeState::{Approved, Draft, Queued, Sent};
    let live = visible::notices(actor)
        .filter(notice::Column::State.is_in([Draft, Approved, Queued, Sent]))
        .select_only()
        .column(notice::Column::Id)
        .into_query();
    let rows = visible::notice_tasks(actor)
        .filter(notice_task::Column::TaskId.is_in(ids.iter().copied()))
        .filter(notice_task::Column::NoticeId.in_subquery(live))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| row.task_id).collect())
}

/// SHA-256 over recipient, subject, text and reports, each preceded by its length in 8 bytes, as lower-case hex.
pub fn sha256(row: &notice::Model) -> String {
    let mut digest = Sha256::new();
    for field in [&row.recipient, &row.subject, &row.body, &canonical(&row.xarf)] {
        digest.update((field.len() as u64).to_be_bytes());
        digest.update(field.as_bytes());
    }
    crate::hex(&digest.finalize())
}

/// JSON text with sorted keys: PostgreSQL's `jsonb` keeps no order of keys.
fn canonical(value: &serde_json::Value) -> String {
    sorted(value).to_string()
}

fn sorted(value: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(fields) => {
            let mut keys: Vec<&String> = fields.keys().collect();
            keys.sort_unstable();
            Value::Object(keys.into_iter().map(|key| (key.clone(), sorted(&fields[key]))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

/// The message that a stored notice is sent as.
pub fn outgoing(settings: &MailSettings, row: &notice::Model) -> Outgoing {
    let reports = row.xarf.as_array().map(Vec::as_slice).unwrap_or_default();
    let attachments = reports
        .iter()
        .enumerate()
        .map(|(index, report)| (format!("xarf-{}.json", index + 1), format!("{:#}\n", sorted(report))));
    Outgoing {
        from: settings.from.clone(),
        reply_to: settings.reply_to.clone(),
        to: row.recipient.clone(),
        subject: row.subject.clone(),
        message_id: row.message_id.clone(),
        date: row.approved_at.unwrap_or(row.created_at),
        body: row.body.clone(),
        attachments: attachments.collect(),
    }
}
