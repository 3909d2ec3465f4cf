//! The scoreboard: what the work says, held against what is true on the synthetic internet.

use std::collections::BTreeMap;

use entities::{TaskState, Verdict, task};
use range::{Range, Role, Truth};
use serde::Serialize;
use takedown::{
    actor::Actor,
    audit::{self, Chain},
    env::Env,
    reads::{Page, cases, observables},
};

use super::groups::{self, Groups};
use crate::output;

/// What came of the action, registrar by registrar.
#[derive(Debug, Serialize)]
pub struct Scoreboard {
    /// Every registrar that acts has its noticed names verified as held by it, the silent ones' names are live,
    /// nothing is falsely down, no cluster holds a family and an honest name, and the ledger verifies.
    pub ok: bool,
    /// A row per registrar with tasks.
    pub registrars: Vec<Row>,
    /// Tasks in all.
    pub tasks: usize,
    /// Tasks whose target is verified down.
    pub down: usize,
    /// Targets that we call down and that are not.
    pub falsely_down: Vec<String>,
    /// Targets that are held and that we do not call so.
    pub missed: Vec<String>,
    /// What the clusters hold.
    pub groups: Groups,
    /// The ledger.
    pub ledger: Chain,
}

/// One registrar.
#[derive(Debug, Default, Serialize)]
pub struct Row {
    /// Its name.
    pub registrar: String,
    /// Its desk acts upon notices.
    pub acts: bool,
    /// Names that it was asked about.
    pub asked: usize,
    /// Names that it really holds.
    pub held: usize,
    /// Names that we verified as held by the registrar.
    pub verified_held: usize,
    /// Names that we verified as live.
    pub live: usize,
    /// Names with another verdict or none, each with it.
    pub other: Vec<String>,
}

/// Scores the work.
///
/// # Errors
/// The database refused.
pub async fn score(env: &Env, actor: &Actor, range: &Range) -> anyhow::Result<Scoreboard> {
    let truth: BTreeMap<String, Truth> = range.truth().into_iter().map(|t| (t.domain.clone(), t)).collect();
    let tasks = all_tasks(env, actor).await?;
    let targets: Vec<_> = tasks.iter().map(|task| task.target_id).collect();
    let names = observables::by_ids(env, actor, &targets).await?;
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    let (mut down, mut falsely_down, mut missed) = (0, Vec::new(), Vec::new());
    for task in &tasks {
        let Some(truth) = names.get(&task.target_id).and_then(|target| truth.get(&target.value)) else {
            continue;
        };
        let row = rows.entry(truth.registrar.clone()).or_insert_with(|| Row {
            registrar: truth.registrar.clone(),
            acts: truth.registrar_acts,
            ..Row::default()
        });
        row.asked += 1;
        let (held, verified) = (truth.held_since.is_some(), is_down(task));
        row.held += usize::from(held);
        match task.verdict {
            Some(Verdict::HeldByRegistrar) if verified => row.verified_held += 1,
            Some(Verdict::Live) => row.live += 1,
            verdict => {
                let verdict = verdict.map_or("not looked at", Verdict::as_str);
                row.other.push(format!("{}: {verdict}", truth.domain));
            }
        }
        down += usize::from(verified);
        if verified && !held {
            falsely_down.push(truth.domain.clone());
        }
        if held && !verified {
            missed.push(truth.domain.clone());
        }
    }
    let registrars: Vec<Row> = rows.into_values().collect();
    let bystanders = range.world().domains.iter().filter(|domain| domain.role == Role::Bystander).count();
    let groups = groups::score(env, actor, &truth, bystanders).await?;
    let ledger = audit::verify(&env.db, None).await?;
    let acted = |row: &Row| if row.acts { row.verified_held == row.asked } else { row.live == row.asked };
    let ok = !registrars.is_empty()
        && registrars.iter().all(acted)
        && falsely_down.is_empty()
        && missed.is_empty()
        && groups.strangers.is_empty()
        && matches!(ledger, Chain::Intact { .. });
    Ok(Scoreboard { ok, registrars, tasks: tasks.len(), down, falsely_down, missed, groups, ledger })
}

fn is_down(task: &task::Model) -> bool {
    matches!(task.state, TaskState::VerifiedDown | TaskState::Monitoring | TaskState::Closed)
}

async fn all_tasks(env: &Env, actor: &Actor) -> anyhow::Result<Vec<task::Model>> {
    let (mut tasks, mut page) = (Vec::new(), Page::first(Page::MOST));
    loop {
        let slice = cases::tasks(env, actor, &cases::TaskFilter::default(), page).await?;
        page.after = slice.rows.last().map(|task| task.id.0);
        tasks.extend(slice.rows);
        if !slice.more {
            return Ok(tasks);
        }
    }
}

/// How many tasks there are.
///
/// # Errors
/// The database refused.
pub async fn task_count(env: &Env) -> anyhow::Result<u64> {
    count(env, Vec::new()).await
}

/// How many tasks' targets are verified down.
///
/// # Errors
/// The database refused.
pub async fn down_count(env: &Env) -> anyhow::Result<u64> {
    count(env, vec![TaskState::VerifiedDown, TaskState::Monitoring, TaskState::Closed]).await
}

async fn count(env: &Env, states: Vec<TaskState>) -> anyhow::Result<u64> {
    let page = Page { total: true, ..Page::first(1) };
    let filter = cases::TaskFilter { states, ..cases::TaskFilter::default() };
    Ok(cases::tasks(env, &Actor::System("demo"), &filter, page).await?.total.unwrap_or(0))
}

/// How many names were imported.
///
/// # Errors
/// The database refused.
pub async fn observable_count(env: &Env) -> anyhow::Result<u64> {
    names(env, None).await
}

/// How many of them were looked at.
///
/// # Errors
/// The database refused.
pub async fn observed_count(env: &Env) -> anyhow::Result<u64> {
    names(env, Some(true)).await
}

async fn names(env: &Env, observed: Option<bool>) -> anyhow::Result<u64> {
    use entities::ObservableKind::{DomainName, HostName};
    let page = Page { total: true, ..Page::first(1) };
    let filter = observables::ObservableFilter {
        kinds: vec![DomainName, HostName],
        observed,
        ..observables::ObservableFilter::default()
    };
    Ok(observables::list(env, &Actor::System("demo"), &filter, page).await?.total.unwrap_or(0))
}

impl Scoreboard {
    /// The board for a person.
    pub fn text(&self) -> String {
        let cells = |row: &Row| {
            let verdict = if row.acts { row.verified_held == row.asked } else { row.live == row.asked };
            vec![
                row.registrar.clone(),
                if row.acts { "acts" } else { "silent" }.to_owned(),
                row.asked.to_string(),
                row.held.to_string(),
                row.verified_held.to_string(),
                row.live.to_string(),
                row.other.len().to_string(),
                if verdict { "✓" } else { "✗" }.to_owned(),
            ]
        };
        let head = ["registrar", "desk", "asked", "held", "verified held", "live", "other", ""];
        let table = output::table(&head, &self.registrars.iter().map(cells).collect::<Vec<_>>());
        let ledger = match &self.ledger {
            Chain::Intact { events, head } => format!("intact, {events} events, head {}…", &head[..16]),
            Chain::Broken { seq, reason } => format!("BROKEN at event {seq}: {reason}"),
        };
        let others: String =
            self.registrars.iter().flat_map(|row| &row.other).take(10).map(|o| format!("  {o}\n")).collect();
        format!(
            "\nScoreboard\n{table}{others}\n{} of {} targets verified dark; falsely down {}; missed {}.\n{}\nLedger: \
             {ledger}.\n{}\n",
            self.down,
            self.tasks,
            self.falsely_down.len(),
            self.missed.len(),
            self.groups.text(),
            if self.ok { "Everything is as it should be." } else { "Something is NOT as it should be." }
        )
    }
}
