//! Drafts notices: one per desk and operation with all its domains, for tasks that a person approved.

use std::collections::{BTreeMap, HashMap};

use entities::{
    DeskId, Handling, NoticeId, NoticeState, ObservableId, OperationId, TaskId, TaskState, Tlp, notice, task,
};
use sea_orm::{ColumnTrait, DatabaseTransaction, QueryFilter, QuerySelect, QueryTrait};
use serde_json::{Value, json};
use uuid::{Builder, Uuid};

use super::{render, store, xarf};
use crate::{
    access::{self, Action, Recipient, Subject},
    actor::Actor,
    audit,
    env::Env,
    error::Error,
    job::{Job, JobError, Run, kinds::DraftNotices},
    marking::{self, Marking},
    task::{
        Change, Event, apply,
        desk::by_id,
        known::{self, Known},
    },
    visible,
};

impl Run for DraftNotices {
    async fn run(self, env: &Env) -> Result<(), JobError> {
        for ids in self.tasks.chunks(5_000) {
            draft(env, &Actor::System(Self::NAME), ids).await?;
        }
        Ok(())
    }
}

/// Drafts notices for those of the tasks that are approved and have none. A task whose target may not be named
/// to a desk is held instead, and says why. Repeating it changes nothing.
///
/// # Errors
/// The actor may not draft, or the database refused.
pub async fn draft(env: &Env, actor: &Actor, ids: &[TaskId]) -> Result<Vec<NoticeId>, Error> {
    let txn = env.begin().await?;
    let tasks = ready(&txn, actor, ids).await?;
    access::check(actor, Action::DraftNotice, Subject::System)?;
    let markings = marking::of(&txn, &tasks.iter().map(|task| task.target_id).collect::<Vec<_>>()).await?;
    let known = targets(&txn, actor, ids).await?;
    let (leaving, held) = sort(tasks, &markings);
    apply(env, &txn, actor, "hold_tasks", held).await?;
    let mut drafted = Vec::new();
    for ((desk, operation), tasks) in leaving {
        let desk = by_id(&txn, actor, desk).await?;
        let most = env.settings.mail.names_per_notice.max(1);
        let parts = tasks.len().div_ceil(most);
        for (index, part) in tasks.chunks(most).enumerate() {
            let names: Vec<&Known> = part.iter().filter_map(|task| known.get(&task.target_id)).collect();
            let drawn_from = part.iter().filter_map(|task| markings.get(&task.target_id));
            let Marking { handling, .. } = drawn_from.fold(Marking::CLEAR, |all, one| all.and(*one));
            let row = notice(env, actor, (&desk, operation), &names, (index + 1, parts))?;
            let row = notice::Model { handling, ..row };
            store::insert(&txn, &row, part).await?;
            let detail = detail(&row, part.len());
            audit::record_of(&txn, env.now(), actor, operation, "draft_notice", row.id, detail).await?;
            drafted.push(row.id);
        }
    }
    env.commit(txn).await?;
    Ok(drafted)
}

/// The approved tasks among `ids` that no notice speaks for.
async fn ready(txn: &DatabaseTransaction, actor: &Actor, ids: &[TaskId]) -> Result<Vec<task::Model>, Error> {
    let spoken_for = store::spoken_for(txn, actor, ids).await?;
    let mut tasks = visible::for_update(visible::tasks(actor))
        .filter(task::Column::Id.is_in(ids.iter().copied()))
        .filter(task::Column::State.eq(TaskState::Approved))
        .all(txn)
        .await?;
    tasks.retain(|task| !spoken_for.contains(&task.id));
    Ok(tasks)
}

async fn targets(
    txn: &DatabaseTransaction,
    actor: &Actor,
    ids: &[TaskId],
) -> Result<HashMap<ObservableId, Known>, Error> {
    let within = visible::tasks(actor)
        .filter(task::Column::Id.is_in(ids.iter().copied()))
        .select_only()
        .column(task::Column::TargetId)
        .into_query();
    let known = known::load(txn, actor, &within).await?;
    Ok(known.into_iter().map(|known| (known.observable.id, known)).collect())
}

/// To which desk, and of which operation: what one notice says is of one operation, or of none.
type Letter = (DeskId, Option<OperationId>);

/// Tasks by letter in the order of their opening, and those that are held instead.
fn sort(
    tasks: Vec<task::Model>,
    markings: &HashMap<ObservableId, Marking>,
) -> (BTreeMap<Letter, Vec<task::Model>>, Vec<Change>) {
    let (mut by_desk, mut held) = (BTreeMap::<Letter, Vec<task::Model>>::new(), Vec::new());
    for task in tasks {
        let marking = markings.get(&task.target_id).unwrap_or(&Marking::CLEAR);
        let hold = match (access::may_leave(*marking, Recipient::Desk), task.desk_id) {
            (Ok(()), Some(desk)) => {
                by_desk.entry((desk, task.operation_id)).or_default().push(task);
                continue;
            }
            (Ok(()), None) => "it has no desk: find one and record it".to_owned(),
            (Err(Error::Forbidden { reason, .. }), _) => reason,
            (Err(other), _) => other.to_string(),
        };
        held.push((task, vec![Event::Hold { reason: hold }]));
    }
    for tasks in by_desk.values_mut() {
        tasks.sort_by_key(|task| task.id);
    }
    (by_desk, held)
}

/// Renders a notice. What it says is an extract of CLEAR content only: `may_leave` let nothing else through.
fn notice(
    env: &Env,
    actor: &Actor,
    (desk, operation): (&entities::desk::Model, Option<OperationId>),
    names: &[&Known],
    parts: (usize, usize),
) -> Result<notice::Model, Error> {
    let settings = &env.settings.mail;
    let id: NoticeId = env.id();
    let reference = reference(id);
    let words = render::registrar(settings, desk, names, &reference, parts)?;
    let reports: Vec<Value> =
        names.iter().map(|known| xarf::report(settings, known, report_id(env), &reference)).collect();
    let mut row = notice::Model {
        id,
        desk_id: desk.id,
        recipient: desk.email.clone().unwrap_or_default(),
        subject: words.subject,
        body: words.body,
        xarf: Value::Array(reports),
        sha256: String::new(),
        tlp: Tlp::Clear,
        handling: Handling::H0,
        state: NoticeState::Draft,
        reason: None,
        message_id: format!("{id}@{}", settings.domain),
        drafted_by: actor.to_string(),
        approved_by: None,
        smtp_reply: None,
        created_at: env.now(),
        approved_at: None,
        sent_at: None,
        version: 1,
        operation_id: operation,
    };
    row.sha256 = store::sha256(&row);
    Ok(row)
}

/// `LKS-` and the last five characters of the id, in capitals: short enough for a subject, and in answers it
/// leads back to the notice.
fn reference(id: NoticeId) -> String {
    let text = id.to_string();
    format!("LKS-{}", text[text.len() - 5..].to_uppercase())
}

/// XARF asks for a UUIDv4.
fn report_id(env: &Env) -> Uuid {
    let secret = env.ids.secret();
    let mut random = [0; 16];
    random.copy_from_slice(&secret[..16]);
    Builder::from_random_bytes(random).into_uuid()
}

fn detail(row: &notice::Model, names: usize) -> Value {
    json!({
        "desk": row.desk_id, "recipient": row.recipient, "names": names,
        "sha256": row.sha256, "tlp": row.tlp, "handling": row.handling, "message_id": row.message_id,
    })
}
