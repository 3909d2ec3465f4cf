//! What became of clusters in a run.

use std::collections::{BTreeMap, HashMap};

use entities::{ClusterChangeKind, ClusterId, ObservableId, cluster_change, cluster_member};
use sea_orm::ActiveValue::Set;

use super::Wanted;
use crate::env::Env;

/// What became of each cluster whose members changed: who joined and departed, from where and where to.
pub(super) fn history(
    env: &Env,
    present: &[cluster_member::Model],
    wanted: &Wanted,
    fresh: &BTreeMap<ClusterId, String>,
) -> Vec<cluster_change::ActiveModel> {
    let before: HashMap<ObservableId, ClusterId> =
        present.iter().map(|row| (row.observable_id, row.cluster_id)).collect();
    let mut flows: BTreeMap<ClusterId, Flow> = BTreeMap::new();
    for (observable, (cluster, _)) in wanted {
        let flow = flows.entry(*cluster).or_default();
        flow.size += 1;
        let from = before.get(observable);
        if from != Some(cluster) {
            flow.joined += 1;
            if let Some(from) = from {
                *flow.from.entry(*from).or_default() += 1;
            }
        }
    }
    for row in present {
        let flow = flows.entry(row.cluster_id).or_default();
        let to = wanted.get(&row.observable_id).map(|(cluster, _)| *cluster);
        if to != Some(row.cluster_id) {
            flow.departed += 1;
            if let Some(to) = to {
                *flow.to.entry(to).or_default() += 1;
            }
        }
    }
    let mut changes = Vec::new();
    for (id, flow) in flows {
        let largest = |flows: &BTreeMap<ClusterId, usize>| {
            flows.iter().max_by_key(|(_, count)| **count).map(|(id, _)| *id)
        };
        let (kind, other) = match (flow.joined, flow.departed, flow.size) {
            (0, 0, _) => continue,
            (_, _, 0) => match largest(&flow.to).filter(|to| flow.to[to] * 2 > flow.departed) {
                Some(to) => (ClusterChangeKind::Merged, Some(to)),
                None => (ClusterChangeKind::Dissolved, None),
            },
            _ if fresh.contains_key(&id) => {
                match largest(&flow.from).filter(|from| flow.from[from] * 2 > flow.size) {
                    Some(from) => (ClusterChangeKind::Split, Some(from)),
                    None => (ClusterChangeKind::Appeared, None),
                }
            }
            (_, 0, _) => (ClusterChangeKind::Grew, largest(&flow.from)),
            (0, ..) => (ClusterChangeKind::Shrank, largest(&flow.to)),
            _ => (ClusterChangeKind::Shifted, None),
        };
        let count = |count: usize| Set(i64::try_from(count).unwrap_or(i64::MAX));
        changes.push(cluster_change::ActiveModel {
            id: Set(env.id()),
            cluster_id: Set(id),
            kind: Set(kind),
            other_id: Set(other),
            joined: count(flow.joined),
            departed: count(flow.departed),
            size: count(flow.size),
            changed_at: Set(env.now()),
        });
    }
    changes
}

#[derive(Default)]
struct Flow {
    size: usize,
    joined: usize,
    departed: usize,
    from: BTreeMap<ClusterId, usize>,
    to: BTreeMap<ClusterId, usize>,
}
