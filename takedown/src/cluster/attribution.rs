//! Attribution: how likely an observable or a cluster is of a known family, with what speaks for it.
//!
//! Learned by `lockstep cluster train` from what sources say of names and from what those names hold, in the order of
//! time. What few names have is counted when it is asked for, so that a name that came today counts today. Nothing is
//! labelled by it: people decide. docs/CLUSTERS.md says how well it does.

pub mod evidence;
pub mod fit;
pub mod learn;
pub mod score;
mod store;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entities::{ClusterId, ObservableId};
use serde_json::json;

use self::{
    learn::{Model, Report, learn},
    score::{Had, Likelihood, attribute, shown, together},
};
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    audit,
    env::Env,
    error::Error,
};

/// How likely something is of known families.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Attribution {
    /// The version of the model that says so.
    pub version: i64,
    /// How many names were looked at: of a cluster its first members.
    pub looked: usize,
    /// Of how many of them a source tells the family.
    pub labelled: usize,
    /// The likeliest families; empty if none is likely at all.
    pub families: Vec<Likelihood>,
}

/// Members of one cluster that are looked at.
pub const MOST_MEMBERS: usize = 100;

/// Learns from what the store holds that belongs to no operation, and keeps what was learned as the next version.
///
/// # Errors
/// The actor may not, fewer than two families have enough labelled names, or the database refused.
pub async fn train(env: &Env, actor: &Actor) -> Result<(i64, Report), Error> {
    access::check(actor, Action::TrainAttribution, Subject::System)?;
    // Everybody who reads every label is told what was learned, whatever operations they know of.
    let examples = store::examples(&env.db, &Actor::Confined("train", None)).await?;
    // Seconds of computing: no worker's thread waits for it.
    let learned = tokio::task::spawn_blocking(move || learn(&examples)).await.map_err(Error::internal)?;
    let Some(model) = learned else {
        let why =
            format!("at least two families need {} labelled domain names each: import more", learn::FEWEST);
        return Err(Error::invalid("families", why));
    };
    let txn = env.begin().await?;
    let row = store::keep(env, &txn, actor, &model).await?;
    let detail = json!({ "version": row.version, "report": model.report });
    audit::record(&txn, env.now(), actor, "trained", row.id, detail).await?;
    env.commit(txn).await?;
    Ok((row.version, model.report))
}

/// How likely names are of known families: those of these ids that are names. None at all without a model, and for who
/// does not see everything, since it counts everything.
///
/// # Errors
/// The actor may not read, or the database refused.
pub async fn of(
    env: &Env,
    actor: &Actor,
    ids: &[ObservableId],
) -> Result<HashMap<ObservableId, Attribution>, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let Some((row, model)) = store::newest(&env.db, actor).await? else { return Ok(HashMap::new()) };
    let (likely, labels) = judge(env, actor, &model, ids).await?;
    Ok(likely
        .into_iter()
        .map(|(id, families)| {
            let labelled = usize::from(labels.contains_key(&id));
            (id, Attribution { version: row.version, looked: 1, labelled, families })
        })
        .collect())
}

/// How likely the members of clusters are of known families, on average: the share of a cluster that is expected to be
/// of each. A member of which a source tells the family counts as that.
///
/// # Errors
/// As [`of`].
pub async fn of_clusters(
    env: &Env,
    actor: &Actor,
    ids: &[ClusterId],
) -> Result<HashMap<ClusterId, Attribution>, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let Some((row, model)) = store::newest(&env.db, actor).await? else { return Ok(HashMap::new()) };
    let members = store::members(&env.db, actor, ids).await?;
    let all: Vec<ObservableId> = members.values().flatten().copied().collect();
    let (likely, labels) = judge(env, actor, &model, &all).await?;
    let of_cluster = |members: Vec<ObservableId>| {
        let known: Vec<ObservableId> = members.into_iter().filter(|id| likely.contains_key(id)).collect();
        let told = |id: &ObservableId| match labels.get(id) {
            Some(family) => sure(&likely[id], family),
            None => likely[id].clone(),
        };
        let families = together(&known.iter().map(told).collect::<Vec<_>>());
        let labelled = known.iter().filter(|id| labels.contains_key(id)).count();
        Attribution { version: row.version, looked: known.len(), labelled, families }
    };
    Ok(members.into_iter().map(|(id, members)| (id, of_cluster(members))).collect())
}

/// What a label says: that family and no other, for the reasons that the model has for it.
fn sure(likely: &[Likelihood], family: &str) -> Vec<Likelihood> {
    let known = likely.iter().find(|one| one.family == family);
    let evidence = known.map(|one| one.evidence.clone()).unwrap_or_default();
    vec![Likelihood { family: family.to_owned(), probability: 1.0, evidence }]
}

type Judged = (BTreeMap<ObservableId, Vec<Likelihood>>, BTreeMap<ObservableId, String>);

/// What the model says of each name, and what sources say.
async fn judge(env: &Env, actor: &Actor, model: &Model, ids: &[ObservableId]) -> Result<Judged, Error> {
    let ids: Vec<ObservableId> = ids.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let names = store::names(&env.db, actor, &ids).await?;
    let ids: Vec<ObservableId> = names.keys().copied().collect();
    let mut held = store::held(&env.db, actor, &ids).await?;
    let labels = store::labels(&env.db, actor, &ids).await?;
    let rare: BTreeSet<(String, String)> =
        held.values().flatten().filter(|value| kept(model, value).is_none()).cloned().collect();
    let holders = store::labelled_holders(&env.db, actor, &rare).await?;
    let number =
        |family: &str| model.families.iter().position(|(known, _)| known == family).unwrap_or(0) as u16;
    let mut likely = BTreeMap::new();
    for (id, name) in names {
        let mut had: Vec<Had> = shown(model, &name);
        for value in held.remove(&id).unwrap_or_default() {
            let tally = kept(model, &value).unwrap_or_else(|| {
                let mut tally = evidence::Tally::new();
                // A name is no evidence about itself.
                let others = holders.get(&value).into_iter().flatten().filter(|(of, _)| *of != id);
                others.for_each(|(_, family)| evidence::add(&mut tally, number(family)));
                tally
            });
            let (kind, value) = value;
            had.push((kind, value, tally));
        }
        likely.insert(id, attribute(model, &had));
    }
    Ok((likely, labels))
}

/// What the model keeps of a value that many have.
fn kept(model: &Model, (kind, value): &(String, String)) -> Option<evidence::Tally> {
    model.tallies.get(kind)?.get(value).cloned()
}

#[cfg(test)]
mod tests;
