//! From features to clusters: the pure whole.

use std::collections::HashMap;

use serde::Serialize;

use super::{
    burst,
    features::Features,
    fleet,
    graph::{Graph, POINTS, Tie},
    kind::PivotKind,
    leiden::{self, Search},
    project,
};

/// How finely to group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// One hand: names that one person or account worked with.
    #[default]
    Cluster,
    /// One fleet: names that share the habits of a campaign.
    Fleet,
}

/// How to group. Set once, from public fleets (docs/CLUSTERS.md).
#[derive(Clone, Copy, Debug)]
pub struct Tuning {
    /// What more names share is parked as a hub.
    pub hub_limit: usize,
    /// The evidence that a pair in a cluster must bring on average, in thousandths.
    pub resolution: u32,
    /// How finely.
    pub level: Level,
    /// Decides the order of visits.
    pub seed: u64,
    /// Threads to use; the outcome does not depend on it.
    pub threads: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { hub_limit: 50, resolution: 250, level: Level::Cluster, seed: 1, threads: 2 }
    }
}

/// A plain link is worth so many pairs that lack one: in a large graph of asserted relations a missing one says
/// next to nothing.
const LINK_WORTH: u32 = 1_000;

/// What too many share to say anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hub {
    /// Of what kind.
    pub kind: PivotKind,
    /// Which.
    pub value: String,
    /// How many names share it.
    pub shared_by: usize,
}

/// What grouping found.
#[derive(Debug)]
pub struct Found {
    /// The cluster of each name, numbered by their first names; names alone have their own.
    pub cluster: Vec<u32>,
    /// How many clusters, those of one name too.
    pub clusters: usize,
    /// What was parked, the most shared first.
    pub hubs: Vec<Hub>,
    /// The ties, for reasons.
    pub graph: Graph,
    /// The ties of bursts, for reasons.
    pub bursts: Vec<burst::Pair>,
}

/// Groups names anew that are in groups already, which change only as the evidence asks: numbers of communities
/// below the number of names.
pub fn regroup(features: &Features, tuning: Tuning, groups: Vec<u32>) -> Found {
    let (graph, bursts, hubs) = weigh(features, tuning);
    let sizes = vec![1.0; features.names.len()];
    let cluster = leiden::communities(&graph, &sizes, search(tuning), Some(groups));
    let (cluster, clusters) = leiden::number(cluster);
    Found { cluster, clusters, hubs, graph, bursts }
}

/// Groups the names.
pub fn find(features: &Features, tuning: Tuning) -> Found {
    let (graph, bursts, hubs) = weigh(features, tuning);
    let cluster = match tuning.level {
        Level::Cluster => {
            let sizes = vec![1.0; features.names.len()];
            leiden::communities(&graph, &sizes, search(tuning), None)
        }
        Level::Fleet => fleet::fleets(features, tuning.seed, tuning.threads),
    };
    let (cluster, clusters) = leiden::number(cluster);
    Found { cluster, clusters, hubs, graph, bursts }
}

/// The search that a tuning asks for.
pub const fn search(tuning: Tuning) -> Search {
    let resolution = tuning.resolution as f64 * (POINTS / 1_000.0);
    Search { resolution, seed: tuning.seed, passes: PASSES, threads: tuning.threads }
}

/// Passes over the whole graph; a third changed nothing that was measured.
const PASSES: usize = 2;

/// The evidence for each pair of names; and what was parked.
pub fn weigh(features: &Features, tuning: Tuning) -> (Graph, Vec<burst::Pair>, Vec<Hub>) {
    let mut ties: Vec<Tie> = Vec::new();
    let (kept, parked): (Vec<_>, Vec<_>) =
        features.pivots.iter().partition(|pivot| pivot.trusted || pivot.shared_by <= tuning.hub_limit);
    project::project(features, kept.into_iter(), &mut ties);
    let mut bursts = burst::pairs(features, tuning.hub_limit);
    ties.extend(bursts.iter().map(|pair| pair.tie));
    days(features, &mut ties);
    let worth = tuning.resolution.saturating_mul(LINK_WORTH);
    let crowded = project::links(features, worth, &mut ties);
    if !features.beside.is_empty() {
        let within = |tie: &Tie| !features.is_beside(tie.a) && !features.is_beside(tie.b);
        ties.retain(within);
        bursts.retain(|pair| within(&pair.tie));
    }
    let mut hubs: Vec<Hub> = parked
        .into_iter()
        .map(|pivot| Hub {
            kind: features.pivot_kind(pivot.kind),
            value: pivot.value.to_string(),
            shared_by: pivot.shared_by,
        })
        .chain(crowded.into_iter().map(|(name, links)| Hub {
            kind: PivotKind::Link,
            value: features.names[name as usize].to_string(),
            shared_by: links,
        }))
        .collect();
    hubs.sort_by(|a, b| {
        b.shared_by.cmp(&a.shared_by).then_with(|| (a.kind, &a.value).cmp(&(b.kind, &b.value)))
    });
    (Graph::of(features.names.len(), ties), bursts, hubs)
}

/// The day and registrar of registration, where they are few: weaker than a burst, of one family with it.
fn days(features: &Features, ties: &mut Vec<Tie>) {
    let mut days: HashMap<(i64, u32), Vec<u32>> = HashMap::new();
    for (name, registered) in features.registered.iter().enumerate() {
        if let Some((moment, registrar)) = registered
            && *registrar != 0
        {
            days.entry((moment.day(), *registrar)).or_default().push(name as u32);
        }
    }
    for names in days.into_values().filter(|names| (2..=MOST_OF_A_DAY).contains(&names.len())) {
        let points = project::points(PivotKind::Day, names.len());
        for (at, one) in names.iter().enumerate() {
            for other in &names[at + 1..] {
                ties.push(Tie { a: *one, b: *other, family: PivotKind::Day.family(), points });
            }
        }
    }
}

/// With more names of one registrar the day says nothing.
pub const MOST_OF_A_DAY: usize = 40;
