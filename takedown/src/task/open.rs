//! Opens tasks in bulk: plans every target of a scope, finds the desks, stores what is planned, says why not.

use std::collections::{BTreeMap, BTreeSet};

use entities::{
    ClusterId, ObservableId, OperationId, TaskId, TaskState, cluster, cluster_member, sighting, task,
};
use playbooks::{Check, Playbook};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, QueryFilter, QuerySelect, QueryTrait,
    sea_query::SelectStatement,
};
use serde_json::json;

use super::{
    desk as desks,
    known::{self, Known},
    state::Event,
    store,
};
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    audit,
    env::Env,
    error::Error,
    visible,
};

/// For what tasks are opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The members of clusters.
    Clusters(Vec<ClusterId>),
    /// What sightings of a family name.
    Family(String),
    /// These observables, at most 1,000.
    Targets(Vec<ObservableId>),
}

/// What opening did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// Tasks that now wait for a second person.
    pub opened: Vec<TaskId>,
    /// Tasks that a person must first find a desk for; each says so in its reason.
    pub without_desk: Vec<TaskId>,
    /// Targets without a new task, each with why.
    pub refused: Vec<Refused>,
}

/// A target for which nothing was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The target.
    pub target: ObservableId,
    /// Its value.
    pub value: String,
    /// Why, one phrase each.
    pub reasons: Vec<String>,
    /// Whether a person's reason would lift the refusal.
    pub yields_to_a_reason: bool,
}

/// Opens tasks for the members of one cluster under a playbook (`registrar-suspension`). `reasons` are a
/// person's, by target, for targets that the playbook guards.
///
/// # Errors
/// The playbook or cluster is not there, or the actor may not.
pub async fn open_for_cluster(
    env: &Env,
    actor: &Actor,
    cluster: ClusterId,
    playbook: &str,
    reasons: &BTreeMap<ObservableId, String>,
) -> Result<OpenReport, Error> {
    open(env, actor, &Scope::Clusters(vec![cluster]), playbook, reasons).await
}

/// Opens tasks for everything that sightings of a family name.
///
/// # Errors
/// The playbook is not there, or the actor may not.
pub async fn open_for_family(
    env: &Env,
    actor: &Actor,
    family: &str,
    playbook: &str,
    reasons: &BTreeMap<ObservableId, String>,
) -> Result<OpenReport, Error> {
    open(env, actor, &Scope::Family(family.to_owned()), playbook, reasons).await
}

/// Opens tasks for every target of a scope in one transaction. A target whose task lacks a desk or came back
/// is taken up again; every other existing task is told as a refusal.
///
/// # Errors
/// The playbook or a cluster is not there, or the actor may not.
pub async fn open(
    env: &Env,
    actor: &Actor,
    scope: &Scope,
    playbook: &str,
    reasons: &BTreeMap<ObservableId, String>,
) -> Result<OpenReport, Error> {
    access::signed_in(actor)?;
    let playbook = find_playbook(playbook)?;
    let txn = env.begin().await?;
    let within = scope.targets(&txn, actor).await?;
    let known = known::load(&txn, actor, &within).await?;
    let existing = existing(&txn, actor, playbook, &within).await?;
    access::check(actor, Action::OpenTasks, Subject::System)?;
    let clusters = clusters_of(&txn, actor, scope, &within).await?;
    let desks = desks::refresh(env, &txn, actor, &desks::propose(&known)).await?;
    let mut opening = Opening { env, actor, playbook, desks: &desks, clusters: &clusters };
    let (mut report, mut new, mut again) = (OpenReport::default(), Vec::new(), Vec::new());
    for one in &known {
        let reason = reasons.get(&one.observable.id).map(String::as_str);
        match opening.plan(one, existing.get(&one.observable.id), reason) {
            Outcome::New(row) => new.push(row),
            Outcome::Again(row, events) => again.push((row, events)),
            Outcome::Refused(refused) => report.refused.push(refused),
        }
    }
    let opened = new.iter().chain(again.iter().map(|(row, _)| row)).map(|row| (row.id, row.desk_id));
    for (id, desk) in opened {
        let list = if desk.is_some() { &mut report.opened } else { &mut report.without_desk };
        list.push(id);
    }
    store::insert(&txn, &new).await?;
    store::apply(env, &txn, actor, "reopen_tasks", again).await?;
    record(env, &txn, actor, playbook, scope, (&known, &report), &new).await?;
    env.commit(txn).await?;
    Ok(report)
}

fn find_playbook(name: &str) -> Result<&'static Playbook, Error> {
    playbooks::find(name).ok_or_else(|| Error::not_found("playbook", name))
}

impl Scope {
    /// The ids of the observables that it means, as a query.
    async fn targets(&self, db: &impl ConnectionTrait, actor: &Actor) -> Result<SelectStatement, Error> {
        match self {
            Self::Clusters(ids) => {
                if ids.len() > 1_000 {
                    return Err(Error::invalid("clusters", "name at most 1,000 at a time"));
                }
                let found: BTreeSet<ClusterId> = visible::clusters(actor)
                    .filter(cluster::Column::Id.is_in(ids.iter().copied()))
                    .all(db)
                    .await?
                    .into_iter()
                    .map(|cluster| cluster.id)
                    .collect();
                if let Some(missing) = ids.iter().find(|id| !found.contains(id)) {
                    return Err(Error::not_found("cluster", missing));
                }
                Ok(visible::cluster_members(actor)
                    .filter(cluster_member::Column::ClusterId.is_in(found))
                    .select_only()
                    .column(cluster_member::Column::ObservableId)
                    .into_query())
            }
            Self::Family(family) => Ok(visible::sightings(actor)
                .filter(sighting::Column::Family.eq(family))
                .select_only()
                .column(sighting::Column::ObservableId)
                .into_query()),
            Self::Targets(ids) => {
                if ids.len() > 1_000 {
                    return Err(Error::invalid("targets", "name at most 1,000 at a time"));
                }
                Ok(visible::observables(actor)
                    .filter(entities::observable::Column::Id.is_in(ids.iter().copied()))
                    .select_only()
                    .column(entities::observable::Column::Id)
                    .into_query())
            }
        }
    }
}

/// The tasks that exist for these targets on the playbook's channel and authority.
async fn existing(
    txn: &DatabaseTransaction,
    actor: &Actor,
    playbook: &Playbook,
    within: &SelectStatement,
) -> Result<BTreeMap<ObservableId, task::Model>, Error> {
    let rows = visible::for_update(visible::tasks(actor))
        .filter(task::Column::TargetId.in_subquery(within.clone()))
        .filter(task::Column::Channel.eq(playbook.channel))
        .filter(task::Column::Authority.eq(playbook.authority))
        .all(txn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.target_id, row)).collect())
}

/// The cluster of each target: one of the scope's, else the first that it is in.
async fn clusters_of(
    txn: &DatabaseTransaction,
    actor: &Actor,
    scope: &Scope,
    within: &SelectStatement,
) -> Result<BTreeMap<ObservableId, ClusterId>, Error> {
    let members = visible::cluster_members(actor)
        .filter(cluster_member::Column::ObservableId.in_subquery(within.clone()))
        .select_only()
        .columns([cluster_member::Column::ObservableId, cluster_member::Column::ClusterId])
        .into_tuple::<(ObservableId, ClusterId)>()
        .all(txn)
        .await?;
    let mut clusters = BTreeMap::new();
    for (target, cluster) in members {
        let asked = matches!(scope, Scope::Clusters(ids) if ids.contains(&cluster));
        if asked {
            clusters.insert(target, cluster);
        } else {
            clusters.entry(target).or_insert(cluster);
        }
    }
    Ok(clusters)
}

/// What all targets of one opening share.
struct Opening<'a> {
    env: &'a Env,
    actor: &'a Actor,
    playbook: &'a Playbook,
    desks: &'a desks::Desks,
    clusters: &'a BTreeMap<ObservableId, ClusterId>,
}

/// What becomes of one target.
enum Outcome {
    New(task::Model),
    Again(task::Model, Vec<Event>),
    Refused(Refused),
}

impl Opening<'_> {
    fn plan(&mut self, known: &Known, existing: Option<&task::Model>, reason: Option<&str>) -> Outcome {
        let target = &known.observable;
        let refused = |reasons, yields_to_a_reason| {
            Outcome::Refused(Refused {
                target: target.id,
                value: target.value.clone(),
                reasons,
                yields_to_a_reason,
            })
        };
        let plan = playbooks::plan(self.playbook, &known.facts(), reason);
        let Some(planned) = plan.task else {
            let liftable = plan.refusals.iter().all(|refusal| Check::yields_to_a_reason(refusal.check));
            return refused(plan.refusals.into_iter().map(|refusal| refusal.reason).collect(), liftable);
        };
        let scope = known.registration.as_ref().and_then(|r| r.registrar.as_deref()).unwrap_or_default();
        let stored = self.desks.get(&(target.operation_id, scope.to_owned()));
        let desk = stored.filter(|desk| desk.email.is_some());
        let why_draft = match desk {
            Some(_) => None,
            None => {
                let party = stored.map_or(scope, |desk| desk.party.as_str());
                Some(format!("no abuse mailbox of {party} ({scope}) is known: find its desk and record it"))
            }
        };
        match existing {
            None => {
                let mut row = self.row(known);
                row.desk_id = desk.map(|desk| desk.id);
                row.state = if desk.is_some() { TaskState::Review } else { TaskState::Draft };
                row.reason = why_draft.or(planned.override_reason);
                Outcome::New(row)
            }
            Some(row)
                if matches!(row.state, TaskState::Draft | TaskState::EvidenceReady) && desk.is_some() =>
            {
                let mut row = row.clone();
                row.desk_id = desk.map(|desk| desk.id);
                row.reason = planned.override_reason;
                row.opened_by = self.actor.to_string();
                let events = match row.state {
                    TaskState::Draft => vec![Event::Complete, Event::Submit],
                    _ => vec![Event::Submit],
                };
                Outcome::Again(row, events)
            }
            Some(row) => refused(vec![format!("task {} exists already and is {}", row.id, row.state)], false),
        }
    }

    /// A task with nothing but its opening.
    fn row(&self, known: &Known) -> task::Model {
        task::Model {
            id: self.env.id(),
            target_id: known.observable.id,
            channel: self.playbook.channel,
            authority: self.playbook.authority,
            cluster_id: self.clusters.get(&known.observable.id).copied(),
            desk_id: None,
            playbook: self.playbook.reference(),
            state: TaskState::Draft,
            reason: None,
            verdict: None,
            opened_by: self.actor.to_string(),
            approved_by: None,
            opened_at: self.env.now(),
            approved_at: None,
            first_notice_at: None,
            ack_at: None,
            claimed_at: None,
            first_seen_down_at: None,
            confirmed_at: None,
            reemerged_at: None,
            next_check_at: None,
            version: 1,
            operation_id: known.observable.operation_id,
        }
    }
}

/// One ledger event for everything that was opened of one operation, or of none: scope, playbook, counts, and the digest of
/// the rows.
async fn record(
    env: &Env,
    txn: &DatabaseTransaction,
    actor: &Actor,
    playbook: &Playbook,
    scope: &Scope,
    (known, report): (&[Known], &OpenReport),
    new: &[task::Model],
) -> Result<(), Error> {
    let subject = match scope {
        Scope::Clusters(ids) if ids.len() == 1 => ids[0].to_string(),
        Scope::Clusters(ids) => format!("{} clusters", ids.len()),
        Scope::Family(family) => format!("family {family}"),
        Scope::Targets(ids) => format!("{} targets", ids.len()),
    };
    let home: BTreeMap<ObservableId, Option<OperationId>> =
        known.iter().map(|one| (one.observable.id, one.observable.operation_id)).collect();
    let mut by: BTreeMap<Option<OperationId>, (Vec<&task::Model>, usize)> = BTreeMap::new();
    for row in new {
        by.entry(row.operation_id).or_default().0.push(row);
    }
    for refused in &report.refused {
        by.entry(home.get(&refused.target).copied().flatten()).or_default().1 += 1;
    }
    // How many were named says nothing of one operation.
    let subject = if by.len() > 1 { "tasks".to_owned() } else { subject };
    for (operation, (rows, refused)) in by {
        if rows.is_empty() {
            continue;
        }
        let moved: Vec<_> = rows.iter().map(|row| (row.id, TaskState::Draft, row.state)).collect();
        let without_desk = rows.iter().filter(|row| row.desk_id.is_none()).count();
        let against: Vec<_> = rows
            .iter()
            .filter(|row| row.state == TaskState::Review && row.reason.is_some())
            .map(|row| json!({ "task": row.id, "reason": row.reason }))
            .collect();
        let detail = json!({
            "playbook": playbook.reference(),
            "opened": rows.len() - without_desk,
            "without_desk": without_desk,
            "refused": refused,
            "against_a_guard": against,
            "changes": store::detail(&moved),
        });
        audit::record_of(txn, env.now(), actor, operation, "open_tasks", subject.clone(), detail).await?;
    }
    Ok(())
}
