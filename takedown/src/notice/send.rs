//! Sends approved notices, after a second check. At least once: a crash between the mail server's yes and our
//! storing it sends the message again, with the same Message-ID.

use std::time::Duration;

use entities::{NoticeId, NoticeState, ObservableState, TaskState, notice, observable, task};
use sea_orm::{ColumnTrait, DatabaseTransaction, QueryFilter, QuerySelect};
use serde_json::json;

use super::{
    state::{self, Event},
    store,
};
use crate::{
    access::{self, Action, Recipient, Subject},
    actor::Actor,
    audit,
    env::Env,
    error::Error,
    job::{
        Job, JobError, Run,
        kinds::{DraftNotices, SendNotice, SendWaiting},
        queue,
    },
    marking::{self, Marking},
    outside::mail::{Mail, NotSent},
    task::{self as tasks, Change, apply, desk::by_id},
    visible,
};

/// Why a notice stays approved although its job ran.
const DRY_RUN: &str = "delivery is off: dry run";

impl Run for SendNotice {
    async fn run(self, env: &Env) -> Result<(), JobError> {
        let actor = Actor::System(Self::NAME);
        let Some(notice) = begin(env, &actor, self.notice).await? else { return Ok(()) };
        let outgoing = store::outgoing(&env.settings.mail, &notice);
        match env.outside.mail.send(&outgoing).await {
            Ok(reply) => Ok(sent(env, &actor, notice.id, &reply).await?),
            Err(NotSent::Refused(reply) | NotSent::Unfit(reply)) => {
                Ok(failed(env, &actor, notice.id, &reply).await?)
            }
            Err(not_now @ (NotSent::Later(_) | NotSent::Off)) => {
                Err(JobError::retry(Error::Unavailable { what: format!("the mail server ({not_now})") }))
            }
        }
    }
}

impl Run for SendWaiting {
    async fn run(self, env: &Env) -> Result<(), JobError> {
        if matches!(env.outside.mail, Mail::Off) {
            return Ok(());
        }
        let waiting: Vec<NoticeId> = visible::notices(&Actor::System(Self::NAME))
            .filter(notice::Column::State.eq(NoticeState::Approved))
            .select_only()
            .column(notice::Column::Id)
            .into_tuple()
            .all(&env.db)
            .await?;
        let txn = env.begin().await?;
        for notice in waiting {
            queue::enqueue(env, &txn, &SendNotice { notice }).await?;
        }
        env.commit(txn).await?;
        Ok(())
    }
}

/// The second check, and the step to "on its way". `None`: there is nothing to send (any more).
async fn begin(env: &Env, actor: &Actor, id: NoticeId) -> Result<Option<notice::Model>, Error> {
    let txn = env.begin().await?;
    let mut notice = store::locked(&txn, actor, id).await?;
    access::check(actor, Action::SendNotice, Subject::System)?;
    if !matches!(notice.state, NoticeState::Approved | NoticeState::Queued) {
        return Ok(None);
    }
    if notice.state == NoticeState::Approved && matches!(env.outside.mail, Mail::Off) {
        if notice.reason.as_deref() != Some(DRY_RUN) {
            notice.reason = Some(DRY_RUN.into());
            store::update(&txn, &mut notice).await?;
            audit::record_of(
                &txn,
                env.now(),
                actor,
                notice.operation_id,
                "dry_run_notice",
                id,
                json!({ "sha256": notice.sha256 }),
            )
            .await?;
            env.commit(txn).await?;
        }
        return Ok(None);
    }
    let tasks = store::tasks_of(&txn, actor, id).await?;
    if let Some((reason, changes, redraft)) = objection(&txn, actor, &notice, tasks).await? {
        // What may have left in an earlier attempt cannot be withdrawn, only be given up.
        let event = if notice.state == NoticeState::Queued { Event::Fail } else { Event::Withdraw };
        notice.state = state::next(notice.state, event)?;
        notice.reason = Some(reason.clone());
        store::update(&txn, &mut notice).await?;
        apply(env, &txn, actor, "stop_tasks", changes).await?;
        audit::record_of(
            &txn,
            env.now(),
            actor,
            notice.operation_id,
            "stop_notice",
            id,
            json!({ "reason": reason }),
        )
        .await?;
        if !redraft.is_empty() {
            queue::enqueue(env, &txn, &DraftNotices { tasks: redraft }).await?;
        }
        env.commit(txn).await?;
        return Ok(None);
    }
    if notice.state == NoticeState::Approved {
        notice.state = state::next(notice.state, Event::Begin)?;
        notice.reason = None;
        store::update(&txn, &mut notice).await?;
        audit::record_of(
            &txn,
            env.now(),
            actor,
            notice.operation_id,
            "begin_sending",
            id,
            json!({ "sha256": notice.sha256 }),
        )
        .await?;
        env.commit(txn).await?;
    }
    Ok(Some(notice))
}

/// Why a notice is stopped, what becomes of its tasks, and for which of them to draft another.
type Objection = (String, Vec<Change>, Vec<entities::TaskId>);

/// What speaks against sending now, if anything.
async fn objection(
    txn: &DatabaseTransaction,
    actor: &Actor,
    notice: &notice::Model,
    tasks: Vec<task::Model>,
) -> Result<Option<Objection>, Error> {
    if notice.approved_by.is_none() || store::sha256(notice) != notice.sha256 {
        let reason = "what is stored is not what was approved".to_owned();
        let changes = queued(tasks, || tasks::Event::Fail { reason: reason.clone() });
        return Ok(Some((reason, changes, Vec::new())));
    }
    let desk = by_id(txn, actor, notice.desk_id).await?;
    if desk.email.as_deref() != Some(notice.recipient.as_str()) {
        let redraft = tasks.iter().map(|task| task.id).collect();
        let reason = "the desk has another mailbox now".to_owned();
        return Ok(Some((reason, queued(tasks, || tasks::Event::Unqueue), redraft)));
    }
    let ids: Vec<_> = tasks.iter().map(|task| task.target_id).collect();
    let targets = visible::observables(actor)
        .filter(observable::Column::Id.is_in(ids.iter().copied()))
        .all(txn)
        .await?;
    let markings = marking::of(txn, &ids).await?;
    let stopped = targets.iter().find_map(|target| {
        let marking = markings.get(&target.id).unwrap_or(&Marking::CLEAR);
        let why = access::may_leave(*marking, Recipient::Desk).err()?;
        Some(format!("{}: {why}", crate::intake::refang::defang(&target.value)))
    });
    if let Some(reason) = stopped {
        // Drafting again holds those that may not leave, and writes to the desk about the others.
        let redraft = tasks.iter().map(|task| task.id).collect();
        return Ok(Some((reason, queued(tasks, || tasks::Event::Unqueue), redraft)));
    }
    let gone =
        |target: &observable::Model| matches!(target.state, ObservableState::Dark | ObservableState::Seized);
    if !targets.is_empty() && targets.iter().all(gone) {
        let reason = "already down before the notice went out".to_owned();
        let changes = queued(tasks, || tasks::Event::Supersede { reason: reason.clone() });
        return Ok(Some((reason, changes, Vec::new())));
    }
    Ok(None)
}

fn queued(tasks: Vec<task::Model>, event: impl Fn() -> tasks::Event) -> Vec<Change> {
    let queued = tasks.into_iter().filter(|task| task.state == TaskState::Queued);
    queued.map(|task| (task, vec![event()])).collect()
}

/// The recipient's server took it.
async fn sent(env: &Env, actor: &Actor, id: NoticeId, reply: &str) -> Result<(), Error> {
    let txn = env.begin().await?;
    let mut notice = store::locked(&txn, actor, id).await?;
    if notice.state == NoticeState::Sent {
        return Ok(());
    }
    let now = env.now();
    notice.state = state::next(notice.state, Event::Send)?;
    (notice.smtp_reply, notice.sent_at, notice.reason) = (Some(reply.to_owned()), Some(now), None);
    store::update(&txn, &mut notice).await?;
    let tasks = store::tasks_of(&txn, actor, id).await?;
    let queued = tasks.into_iter().filter(|task| task.state == TaskState::Queued);
    let changes = queued
        .map(|task| {
            let check_at = now.plus(first_check(&task.playbook));
            (task, vec![tasks::Event::Send { at: now, check_at }])
        })
        .collect();
    apply(env, &txn, actor, "send_tasks", changes).await?;
    let detail = json!({ "sha256": notice.sha256, "message_id": notice.message_id, "reply": reply });
    audit::record_of(&txn, now, actor, notice.operation_id, "send_notice", id, detail).await?;
    env.commit(txn).await?;
    metrics::counter!("lockstep_notices_total", "outcome" => "sent").increment(1);
    Ok(())
}

/// How long after the notice the playbook looks first.
fn first_check(playbook: &str) -> Duration {
    playbooks::find(playbook).map_or(Duration::from_secs(1_800), |book| book.verification.first_check.0)
}

/// The recipient's server refused it for good.
async fn failed(env: &Env, actor: &Actor, id: NoticeId, reply: &str) -> Result<(), Error> {
    let txn = env.begin().await?;
    let mut notice = store::locked(&txn, actor, id).await?;
    let now = env.now();
    notice.state = state::next(notice.state, Event::Fail)?;
    (notice.smtp_reply, notice.reason) =
        (Some(reply.to_owned()), Some(format!("refused by the mail server: {reply}")));
    store::update(&txn, &mut notice).await?;
    let tasks = store::tasks_of(&txn, actor, id).await?;
    let changes = queued(tasks, || tasks::Event::Bounce { at: now, reason: reply.to_owned() });
    apply(env, &txn, actor, "bounce_tasks", changes).await?;
    audit::record_of(&txn, now, actor, notice.operation_id, "fail_notice", id, json!({ "reply": reply }))
        .await?;
    env.commit(txn).await?;
    metrics::counter!("lockstep_notices_total", "outcome" => "failed").increment(1);
    Ok(())
}
