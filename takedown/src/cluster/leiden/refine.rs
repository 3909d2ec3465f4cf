//! The refinement: each community is split into parts that are well connected, so that what is aggregated holds
//! together. Communities do not concern each other here, so they are divided among threads.

use super::{Search, members, number, shares};
use crate::cluster::graph::Graph;

/// The part of each node, by some number. A node joins a part only while both are tied well enough to the rest of
/// their community, and only if that gains.
pub fn refine(graph: &Graph, sizes: &[f64], community: &[u32], search: Search) -> Vec<u32> {
    let (numbered, count) = number(community.to_vec());
    let (members, start) = members(&numbered, count);
    // Where a node stands among the members: neighbours of its community are at hand there.
    let mut place = vec![0u32; members.len()];
    for (at, node) in members.iter().enumerate() {
        place[*node as usize] = at as u32;
    }
    let whole = Whole { graph, sizes, members: &members, start: &start, place: &place, search };
    let shares = shares(&start, search.threads);
    let parts: Vec<Vec<u32>> = if shares.len() == 1 {
        vec![whole.share(0..count)]
    } else {
        std::thread::scope(|scope| {
            let whole = &whole;
            let threads: Vec<_> =
                shares.into_iter().map(|share| scope.spawn(move || whole.share(share))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or_default()).collect()
        })
    };
    let mut part = vec![0u32; members.len()];
    for (node, at) in members.iter().zip(parts.into_iter().flatten()) {
        part[*node as usize] = at;
    }
    part
}

/// What every thread reads.
struct Whole<'a> {
    graph: &'a Graph,
    sizes: &'a [f64],
    members: &'a [u32],
    start: &'a [usize],
    place: &'a [u32],
    search: Search,
}

impl Whole<'_> {
    /// The parts of the members of some communities, by the place of a member.
    fn share(&self, communities: std::ops::Range<usize>) -> Vec<u32> {
        let (from, to) = (self.start[communities.start], self.start[communities.end]);
        let mut part: Vec<u32> = (from as u32..to as u32).collect();
        let mut slots: Vec<Slot> = Vec::new();
        let mut touched: Vec<u32> = Vec::new();
        for own in communities {
            self.community(self.start[own]..self.start[own + 1], from, &mut part, &mut slots, &mut touched);
        }
        part
    }

    fn community(
        &self,
        range: std::ops::Range<usize>,
        from: usize,
        part: &mut [u32],
        slots: &mut Vec<Slot>,
        touched: &mut Vec<u32>,
    ) {
        if range.len() < 2 {
            return;
        }
        let inside = |other: u32| {
            let at = self.place[other as usize] as usize;
            range.contains(&at).then(|| at - range.start)
        };
        slots.clear();
        let mut total = 0.0;
        for node in &self.members[range.clone()] {
            let size = self.sizes[*node as usize];
            total += size;
            let rest: f64 = self
                .graph
                .row(*node as usize)
                .filter(|(other, _)| other != node && inside(*other).is_some())
                .map(|(_, points)| f64::from(points))
                .sum();
            slots.push(Slot { weight: size, rest, inner: rest, earned: 0.0, single: true });
        }
        let cost = self.search.resolution;
        for at in 0..range.len() {
            let node = self.members[range.start + at];
            let size = self.sizes[node as usize];
            if !slots[at].single || slots[at].inner < cost * size * (total - size) {
                continue;
            }
            for (other, points) in self.graph.row(node as usize) {
                if let Some(other) = inside(other).filter(|other| *other != at) {
                    let to = part[range.start + other - from] - range.start as u32;
                    let slot = &mut slots[to as usize];
                    if slot.earned == 0.0 {
                        touched.push(to);
                    }
                    slot.earned += f64::from(points);
                }
            }
            let (mut best, mut gain, mut earned) = (at, 0.0, 0.0);
            for to in touched.drain(..) {
                let slot = &mut slots[to as usize];
                let well = slot.rest >= cost * slot.weight * (total - slot.weight);
                let gained = slot.earned - cost * size * slot.weight;
                if well && gained > gain + 1e-9 {
                    (best, gain, earned) = (to as usize, gained, slot.earned);
                }
                slot.earned = 0.0;
            }
            if best != at {
                let inner = slots[at].inner;
                let slot = &mut slots[best];
                slot.single = false;
                slot.rest += inner - 2.0 * earned;
                slot.weight += size;
                slots[at].single = false;
                slots[at].weight = 0.0;
                part[range.start + at - from] = (range.start + best) as u32;
            }
        }
    }
}

/// A part, by the member that it began with.
struct Slot {
    /// The weight of its members.
    weight: f64,
    /// What ties it to the rest of the community.
    rest: f64,
    /// What ties the member itself to the community.
    inner: f64,
    /// What the member at hand would earn in it.
    earned: f64,
    /// Whether it is one member still, and the member in it.
    single: bool,
}
