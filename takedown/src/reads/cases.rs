//! Reads around clusters, tasks and notices.

use std::collections::HashMap;

use entities::{
    ClusterId, DeskId, NoticeId, NoticeState, TaskId, TaskState, Timestamp, Verdict, cluster, cluster_member,
    desk, notice, notice_task, task, verification,
};
use sea_orm::{
    ColumnTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, Query},
};

use super::{Page, Slice, cut_each, page_of, shown};
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    cluster::tell::told,
    env::Env,
    error::Error,
    visible,
};

/// Ids in one condition.
const IDS: usize = 10_000;

/// A page of clusters, of one family or all.
///
/// # Errors
/// The actor may not read, the page is out of bounds, or the database refused.
pub async fn clusters(
    env: &Env,
    actor: &Actor,
    family: Option<&str>,
    page: Page,
) -> Result<Slice<cluster::Model>, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let mut select = visible::clusters(actor);
    if let Some(family) = family {
        select = select.filter(cluster::Column::Family.eq(family));
    }
    page_of(env, actor, select, cluster::Column::Id, page).await
}

/// The cluster with that id.
///
/// # Errors
/// [`Error::NotFound`] if it is not there or not visible; the actor may not read; the database refused.
pub async fn cluster(env: &Env, actor: &Actor, id: ClusterId) -> Result<cluster::Model, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let row = visible::clusters(actor).filter(cluster::Column::Id.eq(id)).one(&env.db).await?;
    shown(actor, &row);
    row.ok_or_else(|| Error::not_found("cluster", id))
}

/// The clusters with those ids, in the order of the ids.
///
/// # Errors
/// The database refused.
pub async fn clusters_by_ids(
    env: &Env,
    actor: &Actor,
    ids: &[ClusterId],
) -> Result<Vec<cluster::Model>, Error> {
    let mut found = Vec::with_capacity(ids.len());
    for part in ids.chunks(IDS) {
        let rows = visible::clusters(actor).filter(cluster::Column::Id.is_in(part.iter().copied()));
        found.extend(rows.all(&env.db).await?);
    }
    found.sort_unstable_by_key(|row| row.id);
    shown(actor, &found);
    Ok(found)
}

/// The memberships of many clusters, in the order of the members.
///
/// # Errors
/// The database refused.
pub async fn members(
    env: &Env,
    actor: &Actor,
    of: &[ClusterId],
) -> Result<HashMap<ClusterId, Vec<cluster_member::Model>>, Error> {
    let rows = visible::cluster_members(actor)
        .filter(cluster_member::Column::ClusterId.is_in(of.iter().copied()))
        .order_by_asc(cluster_member::Column::ObservableId)
        .all(&env.db)
        .await?;
    let mut by: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        let row = cluster_member::Model { reasons: told(actor, row.reasons), ..row };
        by.entry(row.cluster_id).or_default().push(row);
    }
    Ok(by)
}

/// Which tasks are wanted; what is left out does not limit.
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    /// In these states.
    pub states: Vec<TaskState>,
    /// Opened for this cluster.
    pub cluster: Option<ClusterId>,
    /// With this last verdict.
    pub verdict: Option<Verdict>,
}

/// A page of tasks.
///
/// # Errors
/// The actor may not read, the page is out of bounds, or the database refused.
pub async fn tasks(
    env: &Env,
    actor: &Actor,
    filter: &TaskFilter,
    page: Page,
) -> Result<Slice<task::Model>, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let mut select = visible::tasks(actor);
    if !filter.states.is_empty() {
        select = select.filter(task::Column::State.is_in(filter.states.iter().copied()));
    }
    if let Some(cluster) = filter.cluster {
        select = select.filter(task::Column::ClusterId.eq(cluster));
    }
    if let Some(verdict) = filter.verdict {
        select = select.filter(task::Column::Verdict.eq(verdict));
    }
    page_of(env, actor, select, task::Column::Id, page).await
}

/// The same page of the tasks of each cluster.
///
/// # Errors
/// As [`tasks`].
pub async fn tasks_of_clusters(
    env: &Env,
    actor: &Actor,
    of: &[ClusterId],
    page: Page,
) -> Result<HashMap<ClusterId, Slice<task::Model>>, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let columns = (task::Column::ClusterId, task::Column::Id);
    let slices = cut_each(&env.db, visible::tasks(actor), columns, of, page).await?;
    slices.values().for_each(|slice| shown(actor, &slice.rows));
    Ok(slices)
}

/// The task with that id.
///
/// # Errors
/// As [`cluster`].
pub async fn task(env: &Env, actor: &Actor, id: TaskId) -> Result<task::Model, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let row = visible::tasks(actor).filter(task::Column::Id.eq(id)).one(&env.db).await?;
    shown(actor, &row);
    row.ok_or_else(|| Error::not_found("task", id))
}

/// The tasks with those ids, for batches.
///
/// # Errors
/// The database refused.
pub async fn tasks_by_ids(
    env: &Env,
    actor: &Actor,
    ids: &[TaskId],
) -> Result<HashMap<TaskId, task::Model>, Error> {
    let rows = visible::tasks(actor).filter(task::Column::Id.is_in(ids.iter().copied())).all(&env.db).await?;
    shown(actor, &rows);
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// The desks with those ids, for batches.
///
/// # Errors
/// The database refused.
pub async fn desks(env: &Env, actor: &Actor, ids: &[DeskId]) -> Result<HashMap<DeskId, desk::Model>, Error> {
    let rows = visible::desks(actor).filter(desk::Column::Id.is_in(ids.iter().copied())).all(&env.db).await?;
    shown(actor, &rows);
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// The verifications of many tasks, newest first.
///
/// # Errors
/// The database refused.
pub async fn verifications(
    env: &Env,
    actor: &Actor,
    of: &[TaskId],
) -> Result<HashMap<TaskId, Vec<verification::Model>>, Error> {
    let rows = visible::verifications(actor)
        .filter(verification::Column::TaskId.is_in(of.iter().copied()))
        .order_by_desc(verification::Column::At)
        .order_by_desc(verification::Column::Id)
        .all(&env.db)
        .await?;
    let mut by: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        by.entry(row.task_id).or_default().push(row);
    }
    Ok(by)
}

/// When and with which verdict each of many tasks was looked at last, newest first, at most `rounds` a task.
///
/// # Errors
/// The database refused.
pub async fn last_verdicts(
    env: &Env,
    actor: &Actor,
    of: &[TaskId],
    rounds: u64,
) -> Result<HashMap<TaskId, Vec<(Timestamp, Verdict)>>, Error> {
    let rank = Expr::cust("ROW_NUMBER() OVER (PARTITION BY task_id ORDER BY at DESC, id DESC)");
    let ranked = visible::verifications(actor)
        .filter(verification::Column::TaskId.is_in(of.iter().copied()))
        .select_only()
        .column(verification::Column::Id)
        .column_as(rank, "place")
        .into_query();
    let last = Query::select()
        .column("id")
        .from_subquery(ranked, "ranked")
        .and_where(Expr::col("place").lte(rounds))
        .to_owned();
    let rows: Vec<(TaskId, Timestamp, Verdict)> = visible::verifications(actor)
        .filter(verification::Column::Id.in_subquery(last))
        .select_only()
        .columns([verification::Column::TaskId, verification::Column::At, verification::Column::Verdict])
        .order_by_desc(verification::Column::At)
        .order_by_desc(verification::Column::Id)
        .into_tuple()
        .all(&env.db)
        .await?;
    let mut by: HashMap<_, Vec<_>> = HashMap::new();
    for (task, at, verdict) in rows {
        by.entry(task).or_default().push((at, verdict));
    }
    Ok(by)
}

/// A page of notices, in one state or all.
///
/// # Errors
/// The actor may not read, the page is out of bounds, or the database refused.
pub async fn notices(
    env: &Env,
    actor: &Actor,
    state: Option<NoticeState>,
    page: Page,
) -> Result<Slice<notice::Model>, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let mut select = visible::notices(actor);
    if let Some(state) = state {
        select = select.filter(notice::Column::State.eq(state));
    }
    page_of(env, actor, select, notice::Column::Id, page).await
}

/// The notice with that id.
///
/// # Errors
/// As [`cluster`].
pub async fn notice(env: &Env, actor: &Actor, id: NoticeId) -> Result<notice::Model, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let row = visible::notices(actor).filter(notice::Column::Id.eq(id)).one(&env.db).await?;
    shown(actor, &row);
    row.ok_or_else(|| Error::not_found("notice", id))
}

/// The tasks that many notices speak for.
///
/// # Errors
/// The database refused.
pub async fn tasks_of_notices(
    env: &Env,
    actor: &Actor,
    of: &[NoticeId],
) -> Result<HashMap<NoticeId, Vec<TaskId>>, Error> {
    let rows = visible::notice_tasks(actor)
        .filter(notice_task::Column::NoticeId.is_in(of.iter().copied()))
        .order_by_asc(notice_task::Column::TaskId)
        .all(&env.db)
        .await?;
    let mut by: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        by.entry(row.notice_id).or_default().push(row.task_id);
    }
    Ok(by)
}
