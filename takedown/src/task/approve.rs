//! People's decisions on tasks: submit, approve, release from a hold, cancel. Each is all or nothing.

use std::collections::BTreeSet;

use entities::{TaskId, task};
use sea_orm::{ColumnTrait, DatabaseTransaction, QueryFilter};

use super::{
    state::{Approval, Event},
    store::{self, Change},
};
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    env::Env,
    error::Error,
    job::{kinds::DraftNotices, queue},
    visible,
};

/// Approves tasks that wait for a second person, and lets notices be drafted for them.
///
/// # Errors
/// [`Error::Forbidden`] to who opened one of them, [`Error::Conflict`] if one does not wait, and then none is
/// approved.
pub async fn approve(env: &Env, actor: &Actor, ids: &[TaskId]) -> Result<Vec<task::Model>, Error> {
    let txn = env.begin().await?;
    let tasks = find(&txn, actor, ids).await?;
    for opened_by in tasks.iter().map(|task| task.opened_by.as_str()).collect::<BTreeSet<_>>() {
        access::check(actor, Action::ApproveTasks, Subject::DraftedBy(opened_by))?;
    }
    let approval = Approval { by: actor.to_string(), at: env.now() };
    let changes = each(tasks, || Event::Approve(approval.clone()));
    let tasks = store::apply(env, &txn, actor, "approve_tasks", changes).await?;
    let drafts = DraftNotices { tasks: tasks.iter().map(|task| task.id).collect() };
    queue::enqueue(env, &txn, &drafts).await?;
    env.commit(txn).await?;
    Ok(tasks)
}

/// Puts tasks whose evidence is ready (again) before a second person.
///
/// # Errors
/// [`Error::Conflict`] if one is elsewhere, and then none is submitted.
pub async fn submit(env: &Env, actor: &Actor, ids: &[TaskId]) -> Result<Vec<task::Model>, Error> {
    let txn = env.begin().await?;
    let mut tasks = find(&txn, actor, ids).await?;
    access::check(actor, Action::OpenTasks, Subject::System)?;
    for task in &mut tasks {
        task.opened_by = actor.to_string();
    }
    let tasks = store::apply(env, &txn, actor, "submit_tasks", each(tasks, || Event::Submit)).await?;
    env.commit(txn).await?;
    Ok(tasks)
}

/// Releases held tasks: their approval stands, and notices are drafted for them.
///
/// # Errors
/// [`Error::Forbidden`] to who opened one of them, [`Error::Conflict`] if one is not held.
pub async fn release(env: &Env, actor: &Actor, ids: &[TaskId]) -> Result<Vec<task::Model>, Error> {
    let txn = env.begin().await?;
    let tasks = find(&txn, actor, ids).await?;
    for opened_by in tasks.iter().map(|task| task.opened_by.as_str()).collect::<BTreeSet<_>>() {
        access::check(actor, Action::ApproveTasks, Subject::DraftedBy(opened_by))?;
    }
    let tasks = store::apply(env, &txn, actor, "release_tasks", each(tasks, || Event::Release)).await?;
    let drafts = DraftNotices { tasks: tasks.iter().map(|task| task.id).collect() };
    queue::enqueue(env, &txn, &drafts).await?;
    env.commit(txn).await?;
    Ok(tasks)
}

/// Withdraws tasks that have not ended.
///
/// # Errors
/// [`Error::Conflict`] if one has ended, and then none is withdrawn.
pub async fn cancel(
    env: &Env,
    actor: &Actor,
    ids: &[TaskId],
    reason: &str,
) -> Result<Vec<task::Model>, Error> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Error::invalid("reason", "say why"));
    }
    let txn = env.begin().await?;
    let tasks = find(&txn, actor, ids).await?;
    access::check(actor, Action::OpenTasks, Subject::System)?;
    let changes = each(tasks, || Event::Cancel { reason: reason.to_owned() });
    let tasks = store::apply(env, &txn, actor, "cancel_tasks", changes).await?;
    env.commit(txn).await?;
    Ok(tasks)
}

fn each(tasks: Vec<task::Model>, event: impl Fn() -> Event) -> Vec<Change> {
    tasks.into_iter().map(|task| (task, vec![event()])).collect()
}

/// The tasks with these ids, locked; none missing, none twice.
async fn find(txn: &DatabaseTransaction, actor: &Actor, ids: &[TaskId]) -> Result<Vec<task::Model>, Error> {
    access::signed_in(actor)?;
    let wanted: BTreeSet<TaskId> = ids.iter().copied().collect();
    if wanted.is_empty() {
        return Err(Error::invalid("ids", "name at least one task"));
    }
    let wanted: Vec<TaskId> = wanted.into_iter().collect();
    let mut tasks = Vec::with_capacity(wanted.len());
    for chunk in wanted.chunks(1_000) {
        let found = visible::for_update(visible::tasks(actor))
            .filter(task::Column::Id.is_in(chunk.iter().copied()))
            .all(txn)
            .await?;
        let seen: BTreeSet<TaskId> = found.iter().map(|task| task.id).collect();
        if let Some(missing) = chunk.iter().find(|id| !seen.contains(id)) {
            return Err(Error::not_found("task", missing));
        }
        tasks.extend(found);
    }
    Ok(tasks)
}
