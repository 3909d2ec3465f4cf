//! People's decisions on notices: approve, withdraw.

use std::collections::BTreeSet;

use entities::{NoticeId, TaskState, notice};
use serde_json::json;

use super::{
    state::{self, Event},
    store,
};
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    audit,
    env::Env,
    error::Error,
    job::{kinds::SendNotice, queue},
    task::{self, apply},
};

/// Approves a drafted notice and queues it for sending. The second person is neither who drafted it nor who
/// opened a task that it speaks for: machine work drafts, so that the latter is what four eyes means here.
///
/// # Errors
/// [`Error::Forbidden`] to the first person, [`Error::Conflict`] if it is no draft.
pub async fn approve(env: &Env, actor: &Actor, id: NoticeId) -> Result<notice::Model, Error> {
    let txn = env.begin().await?;
    let mut notice = store::locked(&txn, actor, id).await?;
    let tasks = store::tasks_of(&txn, actor, id).await?;
    let first_persons = tasks.iter().map(|task| task.opened_by.as_str()).chain([notice.drafted_by.as_str()]);
    for name in first_persons.collect::<BTreeSet<_>>() {
        access::check(actor, Action::ApproveNotice, Subject::DraftedBy(name))?;
    }
    notice.state = state::next(notice.state, Event::Approve)?;
    (notice.approved_by, notice.approved_at) = (Some(actor.to_string()), Some(env.now()));
    store::update(&txn, &mut notice).await?;
    let waiting = tasks.into_iter().filter(|task| task.state == TaskState::Approved);
    let changes = waiting.map(|task| (task, vec![task::Event::Queue])).collect();
    apply(env, &txn, actor, "queue_tasks", changes).await?;
    let detail = json!({ "recipient": notice.recipient, "sha256": notice.sha256 });
    audit::record_of(&txn, env.now(), actor, notice.operation_id, "approve_notice", id, detail).await?;
    queue::enqueue(env, &txn, &SendNotice { notice: id }).await?;
    env.commit(txn).await?;
    Ok(notice)
}

/// Takes back a notice that is not on its way. Its tasks are approved still: release, cancel or draft them anew.
///
/// # Errors
/// [`Error::Conflict`] if it may have left already.
pub async fn withdraw(env: &Env, actor: &Actor, id: NoticeId, reason: &str) -> Result<notice::Model, Error> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Error::invalid("reason", "say why"));
    }
    let txn = env.begin().await?;
    let mut notice = store::locked(&txn, actor, id).await?;
    let tasks = store::tasks_of(&txn, actor, id).await?;
    access::check(actor, Action::ApproveNotice, Subject::System)?;
    notice.state = state::next(notice.state, Event::Withdraw)?;
    notice.reason = Some(reason.to_owned());
    store::update(&txn, &mut notice).await?;
    let queued = tasks.into_iter().filter(|task| task.state == TaskState::Queued);
    let changes = queued.map(|task| (task, vec![task::Event::Unqueue])).collect();
    apply(env, &txn, actor, "unqueue_tasks", changes).await?;
    audit::record_of(
        &txn,
        env.now(),
        actor,
        notice.operation_id,
        "withdraw_notice",
        id,
        json!({ "reason": reason }),
    )
    .await?;
    env.commit(txn).await?;
    Ok(notice)
}
