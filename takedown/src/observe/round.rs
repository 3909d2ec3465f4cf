//! A round: looks at a batch, stores what changed, and says when to look again.
#![expect(clippy::disallowed_methods, reason = "writes rows that `visible` or the due query has handed over")]

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use entities::{FactKind, ObservableId, ObservableState, OperationId, Probe, Timestamp, observable};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter, QuerySelect, sea_query::Expr,
};
use serde_json::json;

use super::{
    ask::{self, Questions},
    derive, facts,
    look::{Look, Seen},
    observations,
    reading::{DnsReading, Outcome},
};
use crate::{
    actor::Actor,
    audit,
    env::Env,
    error::Error,
    intake::{
        entry::{Linked, Named, Stated},
        store,
    },
    job::{kinds::Recluster, queue},
};

/// The source that observed links and facts are stored under.
pub const SOURCE: &str = "observed";

/// What a round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Round {
    /// Observables looked at.
    pub observables: usize,
    /// Answers that came.
    pub answers: usize,
    /// Answers that are new or differ from the last.
    pub changed: usize,
    /// Questions to which a server was silent, failed or refused.
    pub failed: usize,
    /// Questions that a marking, a limit or a failure left unanswered.
    pub unanswered: usize,
}

impl Round {
    /// Adds another round's figures.
    pub fn add(&mut self, other: &Self) {
        self.observables += other.observables;
        self.answers += other.answers;
        self.changed += other.changed;
        self.failed += other.failed;
        self.unanswered += other.unanswered;
    }
}

/// Looks at the targets, stores the answers, and returns the looks with the figures.
///
/// # Errors
/// The actor may not observe, or the database refused: then nothing of the batch is stored.
pub async fn observe(
    env: &Env,
    actor: &Actor,
    targets: &[observable::Model],
    questions: &Questions,
) -> Result<(Vec<Look>, Round), Error> {
    let looks = ask::look_at(env, actor, targets, questions).await?;
    let round = keep(env, actor, targets, &looks).await?;
    Ok((looks, round))
}

/// Stores a batch of looks in one transaction: observations, the links and facts that follow, the observables'
/// states and next dates, one ledger event, and the job that groups anew when something changed.
async fn keep(
    env: &Env,
    actor: &Actor,
    targets: &[observable::Model],
    looks: &[Look],
) -> Result<Round, Error> {
    let txn = env.begin().await?;
    let changed = observations::store(env, &txn, looks).await?;
    let mut found: BTreeMap<Option<OperationId>, Found> = BTreeMap::new();
    let recent = facts::recent(&txn, looks).await?;
    let mut sinkholed = HashSet::new();
    for ((target, look), changed) in targets.iter().zip(looks).zip(&changed) {
        let of = named(target);
        // What a look at something of an operation finds is the operation's.
        let found = found.entry(target.operation_id).or_default();
        found.links.extend(look.answers.iter().flat_map(|seen| derive::links(&of, seen)));
        found.links.extend(routes(env, look));
        let stated = facts::of(env, &of, look, recent.get(&target.id));
        if stated.iter().any(|fact| fact.kind == FactKind::Sinkholed) {
            sinkholed.insert(target.id);
        }
        found.facts.extend(stated);
        if !changed.is_empty() {
            found.changed.push((target.id, look, changed));
        }
    }
    follow(env, &txn, &found).await?;
    settle(env, &txn, targets, looks, &sinkholed).await?;
    let seen = || looks.iter().flat_map(|look| &look.answers);
    let round = Round {
        observables: looks.len(),
        answers: seen().filter(|seen| seen.is_answer()).count(),
        changed: changed.iter().flatten().filter(|seen| seen.is_answer()).count(),
        failed: seen().filter(|seen| !seen.is_answer()).count(),
        unanswered: looks.iter().map(|look| look.unanswered.len()).sum(),
    };
    if changed.iter().any(|changed| !changed.is_empty()) {
        for (operation, found) in &found {
            found.record(env, &txn, actor, *operation).await?;
        }
        queue::enqueue_at(env, &txn, &Recluster {}, env.now().plus(env.settings.cluster.pause)).await?;
    }
    env.commit(txn).await?;
    for (probe, answers) in tally(looks) {
        metrics::counter!("lockstep_answers_total", "probe" => probe.as_str()).increment(answers);
    }
    Ok(round)
}

/// What looks at things of one operation, or of none, found.
#[derive(Default)]
struct Found<'a> {
    links: Vec<Linked>,
    facts: Vec<Stated>,
    /// The answers that are new or differ from the last.
    changed: Vec<(ObservableId, &'a Look, &'a [&'a Seen])>,
}

impl Found<'_> {
    /// One event for those whose answers changed. Named, at most a batch of them, so that who listens hears which they are.
    async fn record(
        &self,
        env: &Env,
        txn: &DatabaseTransaction,
        actor: &Actor,
        operation: Option<OperationId>,
    ) -> Result<(), Error> {
        if self.changed.is_empty() {
            return Ok(());
        }
        let detail = json!({
            "observables": self.changed.len(),
            "changed": self.changed.iter().map(|(.., changed)| changed.len()).sum::<usize>(),
            "ids": self.changed.iter().map(|(id, ..)| *id).collect::<Vec<_>>(),
            "digest": crate::hex(&facts::digest(self.changed.iter().map(|(_, look, seen)| (*look, *seen)))?),
        });
        audit::record_of(txn, env.now(), actor, operation, "observed", "batch", detail).await?;
        Ok(())
    }
}

fn tally(looks: &[Look]) -> BTreeMap<Probe, u64> {
    let mut tally = BTreeMap::new();
    for seen in looks.iter().flat_map(|look| &look.answers).filter(|seen| seen.is_answer()) {
        *tally.entry(seen.probe).or_default() += 1;
    }
    tally
}

/// The observable as a parser would name it.
pub fn named(target: &observable::Model) -> Named {
    Named {
        kind: target.kind,
        value: target.value.clone(),
        display: target.display.clone(),
        registrable: target.registrable.clone(),
    }
}

/// Where the addresses of an answer are announced: read from the loaded table, so nobody is asked.
fn routes(env: &Env, look: &Look) -> Vec<Linked> {
    let addresses = [Probe::A, Probe::Aaaa].into_iter().flat_map(|probe| look.dns(probe));
    let mut links = Vec::new();
    for address in addresses.flat_map(|(_, reading)| &reading.records) {
        let (Some(of), Ok(ip)) = (derive::address(address), address.parse()) else { continue };
        if let Some(entry) = env.outside.asn.lookup(ip) {
            links.extend(derive::route(&of, &entry.prefix.to_string(), entry.asn));
        }
    }
    links
}

async fn follow(
    env: &Env,
    txn: &DatabaseTransaction,
    found: &BTreeMap<Option<OperationId>, Found<'_>>,
) -> Result<(), Error> {
    let source = store::source(env, txn, SOURCE).await?;
    for (operation, Found { links, facts, .. }) in found {
        store::links(env, txn, (source, *operation), links, env.now()).await?;
        store::facts(env, txn, *operation, facts, env.now()).await?;
    }
    Ok(())
}

/// Writes each observable's state and the date of its next look.
async fn settle(
    env: &Env,
    txn: &DatabaseTransaction,
    targets: &[observable::Model],
    looks: &[Look],
    sinkholed: &HashSet<ObservableId>,
) -> Result<(), Error> {
    let mut groups: BTreeMap<(ObservableState, Timestamp, Option<Timestamp>), Vec<ObservableId>> =
        BTreeMap::new();
    let now = states(txn, targets).await?;
    for (target, look) in targets.iter().zip(looks) {
        let before = now.get(&target.id).copied().unwrap_or(target.state);
        let state = state(before, look, sinkholed.contains(&target.id));
        let next = target.next_due_at.map(|_| look.at.plus(pause(env, state)));
        groups.entry((state, look.at, next)).or_default().push(target.id);
    }
    for ((state, at, next), ids) in groups {
        for part in ids.chunks(10_000) {
            observable::Entity::update_many()
                .col_expr(observable::Column::State, Expr::value(state))
                .col_expr(observable::Column::ObservedAt, Expr::value(at))
                .col_expr(observable::Column::NextDueAt, Expr::value(next))
                .col_expr(observable::Column::Version, Expr::col(observable::Column::Version).add(1))
                .filter(observable::Column::Id.is_in(part.iter().copied()))
                .exec(txn)
                .await?;
        }
    }
    Ok(())
}

/// The states as they are stored now: another look may have ended since the targets were read.
async fn states(
    txn: &DatabaseTransaction,
    targets: &[observable::Model],
) -> Result<HashMap<ObservableId, ObservableState>, Error> {
    let mut states = HashMap::new();
    for part in targets.chunks(10_000) {
        let rows: Vec<(ObservableId, ObservableState)> = observable::Entity::find()
            .select_only()
            .columns([observable::Column::Id, observable::Column::State])
            .filter(observable::Column::Id.is_in(part.iter().map(|target| target.id)))
            .into_tuple()
            .all(txn)
            .await?;
        states.extend(rows);
    }
    Ok(states)
}

/// The state after a look. What could not be asked, or only failed, changes nothing.
fn state(before: ObservableState, look: &Look, sinkholed: bool) -> ObservableState {
    if sinkholed {
        return ObservableState::Seized;
    }
    let readings =
        || [Probe::A, Probe::Aaaa].into_iter().flat_map(|probe| look.dns(probe).map(|(_, reading)| reading));
    let routed = look.answers.iter().any(|seen| seen.probe == Probe::AsnTable);
    if routed || readings().any(|reading| reading.addresses().next().is_some()) {
        return ObservableState::Active;
    }
    // A resolver that answers a null address filters, one that fails or refuses says nothing: they have no say.
    let absent = |reading: &DnsReading| matches!(reading.outcome, Outcome::NxDomain | Outcome::NoData);
    let says = |reading: &&DnsReading| {
        !reading.is_nullrouted() && (absent(reading) || reading.outcome == Outcome::Answer)
    };
    let mut words = readings().filter(says).peekable();
    if words.peek().is_some() && words.all(absent) {
        return ObservableState::Dark;
    }
    before
}

fn pause(env: &Env, state: ObservableState) -> Duration {
    let settings = &env.settings.observe;
    match state {
        ObservableState::Fresh => settings.fresh_every,
        ObservableState::Active => settings.active_every,
        ObservableState::Dark => settings.dark_every,
        ObservableState::Seized => settings.seized_every,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::observe::look::Reading;

    fn after(words: &[Outcome]) -> ObservableState {
        let mut look = Look::begun(ObservableId(Uuid::nil()), Timestamp(0));
        for (at, outcome) in words.iter().enumerate() {
            let records = if *outcome == Outcome::Answer { vec!["192.0.2.1".to_owned()] } else { Vec::new() };
            let reading = Reading::Dns(DnsReading { outcome: *outcome, records, aliases: Vec::new() });
            let server = format!("resolver {at}");
            look.answers.push(Seen { probe: Probe::A, server, reading, raw: String::new(), ttl: None });
        }
        state(ObservableState::Active, &look, false)
    }

    #[test]
    fn who_fails_or_refuses_has_no_say_and_who_answers_rules() {
        use Outcome::{Answer, NoData, NxDomain, Refused, ServFail, Timeout};
        assert_eq!(after(&[NxDomain, Refused, Timeout]), ObservableState::Dark);
        assert_eq!(after(&[NoData, NxDomain]), ObservableState::Dark);
        assert_eq!(after(&[Refused, ServFail, Timeout]), ObservableState::Active, "nobody said anything");
        assert_eq!(after(&[NxDomain, Answer]), ObservableState::Active);
    }
}
