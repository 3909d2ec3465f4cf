//! Why a name is where it is: its strongest pivots, the path to its cluster's core, and what would leave if a pivot
//! said nothing. Pure.

use std::collections::{BTreeMap, BinaryHeap, HashMap};

use entities::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    engine::{self, Found, Tuning},
    features::Features,
    graph::Graph,
    kind::PivotKind,
    leiden, project,
};

/// Why a name is in its cluster: what it shares with other members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Of what kind.
    pub kind: PivotKind,
    /// Which value; for a burst and a link, the other name.
    pub value: String,
    /// How many names share it, in the whole population; of a burst, how many the registrar took around it.
    pub shared_by: usize,
    /// What it weighs: the evidence that two holders belong together, in thousandths of a nat.
    pub weight: u32,
    /// Of a burst, the seconds between the two registrations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<i64>,
    /// From when to when it was seen of those who are told about; none of what is worked out of other things.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
}

/// From when to when something was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// First.
    pub first: Timestamp,
    /// Last.
    pub last: Timestamp,
}

/// Reasons that a member keeps.
const REASONS: usize = 3;

/// The strongest reasons of each name that is not alone.
pub fn reasons(features: &Features, found: &Found, tuning: Tuning) -> Vec<Vec<Reason>> {
    let mut best: Vec<Vec<Reason>> = vec![Vec::new(); features.names.len()];
    for pivot in &features.pivots {
        if pivot.shared_by > tuning.hub_limit && !pivot.trusted {
            continue;
        }
        let holders = features.holders_of(pivot);
        let mut of_cluster: HashMap<u32, usize> = HashMap::new();
        for holder in holders {
            *of_cluster.entry(found.cluster[*holder as usize]).or_default() += 1;
        }
        let kind = features.pivot_kind(pivot.kind);
        let weight = project::weight(kind, pivot);
        for holder in holders {
            let at = *holder as usize;
            if of_cluster.get(&found.cluster[at]).is_some_and(|count| *count > 1) {
                keep(&mut best[at], (kind, weight), || Reason {
                    kind,
                    value: pivot.value.to_string(),
                    shared_by: pivot.shared_by,
                    weight,
                    gap: None,
                    seen: None,
                });
            }
        }
    }
    for pair in &found.bursts {
        let (a, b) = (pair.tie.a as usize, pair.tie.b as usize);
        if found.cluster[a] != found.cluster[b] {
            continue;
        }
        for (own, other) in [(a, b), (b, a)] {
            // One burst is one reason, however many pairs are in it.
            if best[own]
                .iter()
                .any(|reason| reason.kind == PivotKind::Burst && reason.weight >= pair.tie.points)
            {
                continue;
            }
            best[own].retain(|reason| reason.kind != PivotKind::Burst);
            keep(&mut best[own], (PivotKind::Burst, pair.tie.points), || Reason {
                kind: PivotKind::Burst,
                value: features.names[other].to_string(),
                shared_by: pair.busy,
                weight: pair.tie.points,
                gap: Some(pair.gap),
                seen: None,
            });
        }
    }
    for (a, b, _) in &features.links {
        if found.cluster[*a as usize] == found.cluster[*b as usize] {
            for (own, other) in [(*a, *b), (*b, *a)] {
                let weight = project::points(PivotKind::Link, 2);
                keep(&mut best[own as usize], (PivotKind::Link, weight), || Reason {
                    kind: PivotKind::Link,
                    value: features.names[other as usize].to_string(),
                    shared_by: 2,
                    weight,
                    gap: None,
                    seen: None,
                });
            }
        }
    }
    best
}

/// Keeps a reason if it is among the strongest.
fn keep(best: &mut Vec<Reason>, of: (PivotKind, u32), reason: impl FnOnce() -> Reason) {
    if best.len() >= REASONS && best.last().is_some_and(|last| last.weight >= of.1) {
        return;
    }
    let reason = reason();
    let order = |a: &Reason, b: &Reason| {
        b.weight.cmp(&a.weight).then_with(|| (a.kind, &a.value).cmp(&(b.kind, &b.value)))
    };
    let at = best.partition_point(|other| order(other, &reason).is_lt());
    best.insert(at, reason);
    best.truncate(REASONS);
}

/// The member that is tied most strongly to the others.
pub fn core(graph: &Graph, members: &[u32]) -> Option<u32> {
    let strength = |node: u32| -> u64 {
        let within = graph.row(node as usize).filter(|(other, _)| members.binary_search(other).is_ok());
        within.map(|(_, points)| points as u64).sum()
    };
    members.iter().copied().max_by_key(|node| (strength(*node), std::cmp::Reverse(*node)))
}

/// From a member to the core over the strongest ties: the path whose weakest tie is as strong as can be. `members`
/// are in order; empty if there is no path.
pub fn path(graph: &Graph, members: &[u32], from: u32, core: u32) -> Vec<u32> {
    // A maximum spanning tree from the core (Prim): its paths are the widest ones.
    let mut parent: BTreeMap<u32, u32> = BTreeMap::new();
    let mut heap = BinaryHeap::from([(u32::MAX, std::cmp::Reverse(core), core)]);
    while let Some((_, std::cmp::Reverse(node), by)) = heap.pop() {
        if parent.contains_key(&node) {
            continue;
        }
        parent.insert(node, by);
        for (other, points) in graph.row(node as usize) {
            if !parent.contains_key(&other) && members.binary_search(&other).is_ok() {
                heap.push((points as u32, std::cmp::Reverse(other), node));
            }
        }
    }
    let mut path = vec![from];
    let mut at = from;
    while at != core {
        let Some(next) = parent.get(&at) else { return Vec::new() };
        at = *next;
        path.push(at);
    }
    path
}

/// The strongest thing that two names share.
pub fn strongest(features: &Features, bursts: &[super::burst::Pair], a: u32, b: u32) -> Option<Reason> {
    let held = features.pivots.iter().filter(|pivot| {
        let holders = features.holders_of(pivot);
        holders.binary_search(&a).is_ok() && holders.binary_search(&b).is_ok()
    });
    let shared = held.map(|pivot| {
        let kind = features.pivot_kind(pivot.kind);
        let weight = project::weight(kind, pivot);
        let (value, shared_by) = (pivot.value.to_string(), pivot.shared_by);
        Reason { kind, value, shared_by, weight, gap: None, seen: None }
    });
    let pair = (a.min(b), a.max(b));
    let burst = bursts.iter().find(|burst| (burst.tie.a, burst.tie.b) == pair).map(|burst| Reason {
        kind: PivotKind::Burst,
        value: features.names[b as usize].to_string(),
        shared_by: burst.busy,
        weight: burst.tie.points,
        gap: Some(burst.gap),
        seen: None,
    });
    shared.chain(burst).max_by(|a, b| a.weight.cmp(&b.weight).then_with(|| b.value.cmp(&a.value)))
}

/// The names of `features`, all of one cluster, that would not stay with its core if the pivot said nothing.
pub fn would_leave(features: &Features, tuning: Tuning, kind: PivotKind, value: &str) -> Vec<u32> {
    let (graph, ..) = engine::weigh(features, tuning);
    let all: Vec<u32> = (0..features.names.len() as u32).collect();
    let Some(core) = core(&graph, &all) else { return Vec::new() };
    let mut less = features.clone();
    let named =
        |pivot: &super::features::Pivot| features.pivot_kind(pivot.kind) == kind && *pivot.value == *value;
    if let Some(at) = features.pivots.iter().position(named) {
        less.silence(at);
    }
    let (graph, ..) = engine::weigh(&less, tuning);
    let sizes = vec![1.0; all.len()];
    let found = leiden::communities(&graph, &sizes, engine::search(tuning), None);
    all.into_iter().filter(|node| found[*node as usize] != found[core as usize]).collect()
}

#[cfg(test)]
mod tests {
    use super::super::edge_list;
    use super::*;

    fn fleet() -> (Features, Found, Tuning) {
        let rows = "domain\tedge\tvalue\n\
            a.example\tregistrant\tone@inbox.example\nb.example\tregistrant\tone@inbox.example\n\
            b.example\tcert\tdead\nc.example\tcert\tdead\nd.example\tip\t192.0.2.9\n";
        let features = edge_list::read(rows.as_bytes()).unwrap();
        let tuning = Tuning { resolution: 100, ..Tuning::default() };
        let found = engine::find(&features, tuning);
        (features, found, tuning)
    }

    #[test]
    fn a_member_tells_what_it_shares_and_how_it_reaches_the_core() {
        let (features, found, tuning) = fleet();
        assert_eq!(found.cluster, [0, 0, 0, 1]);
        let reasons = reasons(&features, &found, tuning);
        let told: Vec<_> = reasons[1].iter().map(|reason| (reason.kind, reason.value.as_str())).collect();
        assert_eq!(told, [(PivotKind::Registrant, "one@inbox.example"), (PivotKind::Certificate, "dead")]);
        assert!(reasons[3].is_empty());
        let members = [0, 1, 2];
        let core = core(&found.graph, &members).unwrap();
        assert_eq!(core, 1);
        assert_eq!(path(&found.graph, &members, 2, core), [2, 1]);
        assert_eq!(strongest(&features, &found.bursts, 2, 1).unwrap().kind, PivotKind::Certificate);
    }

    #[test]
    fn who_hangs_on_one_pivot_would_leave_without_it() {
        let (features, _, tuning) = fleet();
        assert_eq!(would_leave(&features, tuning, PivotKind::Certificate, "dead"), [2, 3]);
    }
}
