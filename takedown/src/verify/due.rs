//! The reconciler: looks at the targets whose time has come, stores each round, and tells the task what enough
//! rounds agree on.
#![expect(
    clippy::disallowed_methods,
    reason = "the one writer of verifications; targets are looked at as machine work"
)]

use std::{collections::HashMap, time::Duration};

use entities::{
    ObservableId, ObservableState, Probe, TaskId, TaskState, Timestamp, Verdict, VerificationId, observable,
    task, verification,
};
use playbooks::Verification;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockBehavior, LockType, Query},
};

use super::judge::{Baseline, Class, Judgement, PointsAt, judge};
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    env::Env,
    error::Error,
    intake::benign::BenignKind,
    job::{JobError, Run, kinds::VerifyDue, queue},
    observe::{
        ask::Questions,
        derive, history,
        look::Look,
        reading::{DnsReading, Outcome, RdapDomainReading},
        round,
    },
    reads::cases,
    task::{Change, Event, apply},
    visible,
};

/// Tasks in one batch, which is one transaction.
const BATCH: u64 = 200;
/// How long a batch is one worker's.
const CLAIM: Duration = Duration::from_secs(15 * 60);
/// How long what is down is watched before its task is closed (reference/domain.md §6).
const WATCH: Duration = Duration::from_secs(365 * 24 * 3_600);
/// A playbook's rounds are at most so many.
const MOST_ROUNDS: u64 = 255;
/// The states in which a target is looked at.
const WATCHED: [TaskState; 7] = [
    TaskState::Sent,
    TaskState::Delivered,
    TaskState::Bounced,
    TaskState::Acked,
    TaskState::InProgress,
    TaskState::MitigatedClaimed,
    TaskState::Monitoring,
];

impl Run for VerifyDue {
    async fn run(self, env: &Env) -> Result<(), JobError> {
        let actor = Actor::System("verify-due");
        watch_closed(env, &actor).await?;
        if verify_due(env, &actor).await? == BATCH {
            let txn = env.begin().await?;
            queue::enqueue(env, &txn, &Self {}).await?;
            env.commit(txn).await?;
        }
        Ok(())
    }
}

/// Looks at one batch of the targets whose time has come; returns how many that were.
///
/// # Errors
/// The actor may not, or the database refused: then nothing of the batch is stored.
pub async fn verify_due(env: &Env, actor: &Actor) -> Result<u64, Error> {
    access::check(actor, Action::Verify, Subject::System)?;
    let tasks = claim(env, actor).await?;
    if tasks.is_empty() {
        return Ok(0);
    }
    let ids: Vec<ObservableId> = tasks.iter().map(|task| task.target_id).collect();
    let targets: HashMap<ObservableId, observable::Model> = visible::observables(actor)
        .filter(observable::Column::Id.is_in(ids))
        .all(&env.db)
        .await?
        .into_iter()
        .map(|row| (row.id, row))
        .collect();
    let mut baselines = HashMap::new();
    for task in &tasks {
        baselines.insert(task.target_id, baseline(env, actor, task).await?);
    }
    let looks = look_twice(env, actor, targets.into_values().collect(), &baselines).await?;
    let before = past(env, actor, &tasks).await?;
    let mut changes = Vec::new();
    let mut rows = Vec::new();
    for task in tasks {
        let (Some(look), Some(baseline)) = (looks.get(&task.target_id), baselines.get(&task.target_id))
        else {
            continue;
        };
        let judgement = judge(look, baseline, &points_at(env, look));
        let rules = rules(&task.playbook)?;
        let past = before.get(&task.id).map(Vec::as_slice).unwrap_or_default();
        let agreeing = agreeing(past, &rules, judgement.verdict);
        rows.push(row(env, &task, look, &judgement, agreeing, &rules));
        changes.push((task.clone(), events(&task, judgement.verdict, agreeing, &rules, look.at)));
    }
    store(env, actor, changes, rows).await
}

/// Watches closed tasks again whose target answers: the ordinary rounds go on looking at it, and somebody may have
/// bought the name or lifted the hold. The looks that follow decide whether it is back.
async fn watch_closed(env: &Env, actor: &Actor) -> Result<(), Error> {
    access::check(actor, Action::Verify, Subject::System)?;
    let now = env.now();
    let txn = env.begin().await?;
    let answering = Query::select()
        .column(observable::Column::Id)
        .from(observable::Entity)
        .and_where(
            Expr::col((observable::Entity, observable::Column::Id))
                .equals((task::Entity, task::Column::TargetId)),
        )
        .and_where(Expr::col(observable::Column::State).eq(ObservableState::Active))
        .to_owned();
    let closed = visible::for_update(visible::tasks(actor))
        .filter(task::Column::State.eq(TaskState::Closed))
        .filter(Expr::exists(answering))
        .order_by_asc(task::Column::Id)
        .limit(BATCH)
        .all(&txn)
        .await?;
    if closed.is_empty() {
        return Ok(());
    }
    let again = closed.into_iter().map(|task| (task, vec![Event::Watch { check_at: now }])).collect();
    apply(env, &txn, actor, "watch_tasks_again", again).await?;
    env.commit(txn).await
}

/// Takes the tasks that have been due longest, so that no other worker looks at them meanwhile: if this one dies,
/// they are due again after [`CLAIM`].
async fn claim(env: &Env, actor: &Actor) -> Result<Vec<task::Model>, Error> {
    let now = env.now();
    let txn = env.begin().await?;
    let mut tasks = visible::tasks(actor)
        .filter(task::Column::State.is_in(WATCHED))
        .filter(task::Column::NextCheckAt.lte(now))
        .order_by_asc(task::Column::NextCheckAt)
        .order_by_asc(task::Column::Id)
        .limit(BATCH)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .all(&txn)
        .await?;
    task::Entity::update_many()
        .col_expr(task::Column::NextCheckAt, Expr::value(Some(now.plus(CLAIM))))
        .col_expr(task::Column::Version, Expr::col(task::Column::Version).add(1))
        .filter(task::Column::Id.is_in(tasks.iter().map(|task| task.id)))
        .exec(&txn)
        .await?;
    txn.commit().await?;
    for task in &mut tasks {
        task.version += 1;
    }
    Ok(tasks)
}

/// Asks the DNS about every target, and the registries only about those that changed hands or that somebody denies:
/// who answers as before needs no further question, and registries bear few.
async fn look_twice(
    env: &Env,
    actor: &Actor,
    targets: Vec<observable::Model>,
    baselines: &HashMap<ObservableId, Baseline>,
) -> Result<HashMap<ObservableId, Look>, Error> {
    let (looks, _) = round::observe(env, actor, &targets, &Questions::presence()).await?;
    let mut looks: HashMap<ObservableId, Look> =
        looks.into_iter().map(|look| (look.observable, look)).collect();
    let changed = |target: &observable::Model| match (looks.get(&target.id), baselines.get(&target.id)) {
        (Some(look), Some(before)) => not_as_before(look, before),
        _ => false,
    };
    let gone: Vec<observable::Model> = targets.into_iter().filter(changed).collect();
    let (registrations, _) = round::observe(env, actor, &gone, &Questions::registration()).await?;
    for registration in registrations {
        if let Some(look) = looks.get_mut(&registration.observable) {
            look.answers.extend(registration.answers);
            look.unanswered.extend(registration.unanswered);
        }
    }
    Ok(looks)
}

/// Some voice denies the name, or its name servers are all others.
fn not_as_before(look: &Look, before: &Baseline) -> bool {
    let denied = |probe| look.dns(probe).any(|(_, reading)| reading.outcome != Outcome::Answer);
    let servers = [Probe::Ns, Probe::Delegation].into_iter().flat_map(|probe| look.dns(probe));
    let mut servers = servers.flat_map(|(_, reading)| &reading.records).peekable();
    let others = servers.peek().is_some() && servers.all(|server| !before.name_servers.contains(server));
    denied(Probe::A) || denied(Probe::Delegation) || others
}

async fn store(
    env: &Env,
    actor: &Actor,
    changes: Vec<Change>,
    rows: Vec<verification::ActiveModel>,
) -> Result<u64, Error> {
    let count = rows.len() as u64;
    let txn = env.begin().await?;
    let changes = unmoved(&txn, actor, changes).await?;
    let tasks = apply(env, &txn, actor, "verified", changes).await?;
    verification::Entity::insert_many(rows).exec_without_returning(&txn).await?;
    env.commit(txn).await?;
    for task in tasks {
        let verdict = task.verdict.map_or("none", Verdict::as_str);
        metrics::counter!("lockstep_verifications_total", "verdict" => verdict).increment(1);
    }
    Ok(count)
}

/// The changes of those tasks that nobody changed while we looked, on the rows as they are now. What a desk
/// answered or a person withdrew meanwhile stands; this look's row counts in the next round. Another worker's claim
/// is no change: with a clock that runs fast a claim may end before the looks do.
async fn unmoved(
    txn: &DatabaseTransaction,
    actor: &Actor,
    changes: Vec<Change>,
) -> Result<Vec<Change>, Error> {
    let mut now: HashMap<TaskId, task::Model> = visible::for_update(visible::tasks(actor))
        .filter(task::Column::Id.is_in(changes.iter().map(|(task, _)| task.id)))
        .order_by_asc(task::Column::Id)
        .all(txn)
        .await?
        .into_iter()
        .map(|task| (task.id, task))
        .collect();
    let same = |now: &task::Model, read: &task::Model| {
        *now == task::Model { version: now.version, next_check_at: now.next_check_at, ..read.clone() }
    };
    let kept = changes.into_iter().filter_map(|(read, events)| {
        let now = now.remove(&read.id).filter(|now| same(now, &read))?;
        Some((now, events))
    });
    Ok(kept.collect())
}

/// The verdicts of each task's earlier rounds, newest first. Those before it last came back or was last asked do
/// not count.
async fn past(
    env: &Env,
    actor: &Actor,
    tasks: &[task::Model],
) -> Result<HashMap<TaskId, Vec<Verdict>>, Error> {
    let ids: Vec<TaskId> = tasks.iter().map(|task| task.id).collect();
    let mut rounds = cases::last_verdicts(env, actor, &ids, MOST_ROUNDS).await?;
    let since = |task: &task::Model| Ord::max(task.first_notice_at, task.reemerged_at);
    let mut verdicts = |task: &task::Model| {
        let looks = rounds.remove(&task.id).unwrap_or_default();
        looks.into_iter().filter(|(at, _)| Some(*at) > since(task)).map(|(_, verdict)| verdict).collect()
    };
    Ok(tasks.iter().map(|task| (task.id, verdicts(task))).collect())
}

/// How many of the last rounds, this one included, are of this verdict's class.
fn agreeing(past: &[Verdict], rules: &Verification, verdict: Verdict) -> u8 {
    let earlier = usize::from(rules.rounds).saturating_sub(1);
    let same = past.iter().take(earlier).filter(|v| Class::of(**v) == Class::of(verdict)).count();
    u8::try_from(same + 1).unwrap_or(u8::MAX)
}

/// What the round means for the task.
fn events(
    task: &task::Model,
    verdict: Verdict,
    agreeing: u8,
    rules: &Verification,
    at: Timestamp,
) -> Vec<Event> {
    let enough = agreeing >= rules.agreeing;
    let soon = at.plus(rules.every.0);
    let watched = task.state == TaskState::Monitoring;
    match Class::of(verdict) {
        Class::Down if watched => {
            let down_for = at.since(task.confirmed_at.unwrap_or(at));
            let seen = Event::SeeDown { at, verdict, check_at: at.plus(cadence(down_for)) };
            // A seized name answers, from its new owner's servers, and is theirs only until it expires.
            if down_for >= WATCH && verdict != Verdict::Seized {
                vec![seen, Event::Close]
            } else {
                vec![seen]
            }
        }
        Class::Down if enough => vec![
            Event::SeeDown { at, verdict, check_at: soon },
            Event::Confirm { at, verdict },
            Event::Watch { check_at: at.plus(cadence(Duration::ZERO)) },
        ],
        Class::Down => vec![Event::SeeDown { at, verdict, check_at: at.plus(cadence(Duration::ZERO)) }],
        Class::Up if watched && enough => vec![Event::Return { at, verdict }, Event::Reopen],
        Class::Up | Class::Unclear => vec![Event::SeeUp { verdict, check_at: soon }],
    }
}

/// How long to the next look at what is down (reference/domain.md §6): often at first, since that is when it comes
/// back, then seldom, until [`WATCH`] has passed.
fn cadence(down_for: Duration) -> Duration {
    const HOUR: u64 = 3_600;
    Duration::from_secs(match down_for.as_secs() / HOUR {
        0..2 => HOUR / 4,
        2..48 => HOUR,
        48..720 => 24 * HOUR,
        _ => 7 * 24 * HOUR,
    })
}

/// The looks that a task's playbook asks for.
fn rules(reference: &str) -> Result<Verification, Error> {
    let library = playbooks::library().map_err(Error::internal)?;
    let found = library.into_iter().find(|playbook| playbook.reference() == reference);
    found.map(|playbook| playbook.verification).ok_or_else(|| Error::not_found("playbook", reference))
}

fn row(
    env: &Env,
    task: &task::Model,
    look: &Look,
    judgement: &Judgement,
    agreeing: u8,
    rules: &Verification,
) -> verification::ActiveModel {
    verification::ActiveModel {
        id: Set(env.id::<VerificationId>()),
        task_id: Set(task.id),
        at: Set(look.at),
        verdict: Set(judgement.verdict),
        evidence: Set(judgement.evidence.clone()),
        agreeing: Set(i16::from(agreeing)),
        rounds: Set(i16::from(rules.rounds)),
    }
}

/// What the target was when the task was opened.
async fn baseline(env: &Env, actor: &Actor, task: &task::Model) -> Result<Baseline, Error> {
    let mut baseline = Baseline::default();
    for row in history::as_of(&env.db, actor, task.target_id, task.opened_at).await? {
        match row.probe {
            Probe::A | Probe::Aaaa => {
                let reading: DnsReading = serde_json::from_value(row.reading).map_err(Error::internal)?;
                baseline.systems.extend(systems(env, &reading));
            }
            Probe::Ns | Probe::Delegation => {
                let reading: DnsReading = serde_json::from_value(row.reading).map_err(Error::internal)?;
                baseline.name_servers.extend(reading.records);
            }
            Probe::RdapDomain => {
                let reading: RdapDomainReading =
                    serde_json::from_value(row.reading).map_err(Error::internal)?;
                let id = reading.registrar.and_then(|registrar| registrar.iana_id);
                baseline.registrar = baseline.registrar.or(id);
            }
            _ => {}
        }
    }
    Ok(baseline)
}

fn systems(env: &Env, reading: &DnsReading) -> impl Iterator<Item = u32> {
    let addresses = reading.records.iter().filter_map(|text| text.parse().ok());
    addresses.filter_map(|address| env.outside.asn.lookup(address)).map(|entry| entry.asn)
}

/// What the look points at, by our lists and the routing table.
fn points_at(env: &Env, look: &Look) -> PointsAt {
    let mut points_at = PointsAt::default();
    for probe in [Probe::A, Probe::Aaaa] {
        points_at.systems.extend(look.dns(probe).flat_map(|(_, reading)| systems(env, reading)));
    }
    for link in look.answers.iter().flat_map(|seen| derive::links(&derive::nameless(), seen)) {
        for (list, _) in env.intake.benign.matches(&link.to) {
            let places = match env.intake.benign.kind_of(list) {
                Some(BenignKind::Sinkhole) => &mut points_at.sinkholes,
                Some(BenignKind::Parking) => &mut points_at.parking,
                _ => continue,
            };
            places.entry(link.to.value.clone()).or_insert_with(|| list.to_owned());
        }
    }
    points_at
}

#[cfg(test)]
mod tests;
