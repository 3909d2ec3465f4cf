//! Communities by the Leiden algorithm (Traag, Waltman, van Eck 2019) with the constant Potts model: within a
//! community each pair costs `resolution`, each tie earns its points. What the evidence between two groups does not
//! pay for stays apart at any size of the graph, which modularity cannot promise.
//!
//! Deterministic: nodes are visited in sweeps in their own order (shuffled in blocks by the seed above the first level), and
//! equals are decided by order. Own code rather than a crate because it starts from given communities, touches
//! only what is told to have changed, and beats the crates in `benches`.

mod aggregate;
mod refine;

use std::{collections::VecDeque, ops::Range};

use self::{aggregate::aggregate, refine::refine};
use super::graph::Graph;

/// How to look for communities.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    /// What a pair within a community costs, in points per unit of node weight.
    pub resolution: f64,
    /// Decides the order of visits.
    pub seed: u64,
    /// Passes over the whole graph, each from the last one's communities.
    pub passes: usize,
    /// Threads for the steps that can be divided; the outcome does not depend on it.
    pub threads: usize,
}

/// The community of each node, numbered by their first nodes. Each is connected.
///
/// `sizes` weighs the nodes; `start`, if given, holds communities to begin with.
pub fn communities(graph: &Graph, sizes: &[f64], search: Search, start: Option<Vec<u32>>) -> Vec<u32> {
    let mut community = start.unwrap_or_else(|| (0..graph.nodes() as u32).collect());
    let mut random = Random(search.seed);
    for _ in 0..search.passes {
        let before = community.clone();
        community = pass(graph, sizes, search, community, &mut random);
        if community == before {
            break;
        }
    }
    // Above the first level whole groups moved, and who joins a community makes it dearer for all its members: each
    // node may say again that it is better off elsewhere, until none does.
    for _ in 0..SETTLE {
        let order: Vec<u32> =
            (0..graph.nodes() as u32).filter(|node| graph.degree(*node as usize) > 0).collect();
        let before = community.clone();
        community = move_nodes(graph, sizes, community, search.resolution, &order);
        if community == before {
            break;
        }
    }
    connected(graph, &community)
}

/// Rounds after which nodes that still move are left where they are; three were the most that was seen.
const SETTLE: usize = 16;

/// One pass: move, refine, aggregate, until nothing aggregates any more.
fn pass(graph: &Graph, sizes: &[f64], search: Search, start: Vec<u32>, random: &mut Random) -> Vec<u32> {
    let mut community = number(start).0;
    let order: Vec<u32> = (0..graph.nodes() as u32).filter(|node| graph.degree(*node as usize) > 0).collect();
    community = move_nodes(graph, sizes, community, search.resolution, &order);
    let mut refined = refine(graph, sizes, &community, search);
    let mut coarse: Option<(Graph, Vec<f64>)> = None;
    // Of each node of the first level, the node of the present level.
    let mut home: Vec<u32> = (0..graph.nodes() as u32).collect();
    loop {
        let (graph, sizes) =
            coarse.as_ref().map_or((graph, sizes), |(graph, sizes)| (graph, sizes.as_slice()));
        let (numbered, count) = number(refined);
        if count == graph.nodes() {
            break;
        }
        let mut next_community = vec![0u32; count];
        let mut next_sizes = vec![0f64; count];
        for (node, group) in numbered.iter().enumerate() {
            next_community[*group as usize] = community[node];
            next_sizes[*group as usize] += sizes[node];
        }
        let next = aggregate(graph, &numbered, count, search.threads);
        for at in &mut home {
            *at = numbered[*at as usize];
        }
        let order = (0..count as u32).filter(|node| next.degree(*node as usize) > 0).collect();
        let order = random.shuffled(order);
        community = move_nodes(&next, &next_sizes, number(next_community).0, search.resolution, &order);
        refined = refine(&next, &next_sizes, &community, search);
        coarse = Some((next, next_sizes));
    }
    number(home.into_iter().map(|node| community[node as usize]).collect()).0
}

/// Moves nodes to the neighbouring community that gains most, until none gains. Nodes are visited in sweeps in the
/// order given, which holds every node that is tied to any; after the first sweep only those that a neighbour's
/// move concerns.
fn move_nodes(graph: &Graph, sizes: &[f64], community: Vec<u32>, resolution: f64, order: &[u32]) -> Vec<u32> {
    let mut moving = Moving::new(sizes, community, resolution);
    let mut waiting = vec![false; graph.nodes()];
    for node in order {
        waiting[*node as usize] = true;
    }
    let mut left = order.len();
    while left > 0 {
        for node in order {
            let at = *node as usize;
            if !waiting[at] {
                continue;
            }
            waiting[at] = false;
            left -= 1;
            let Some(best) = moving.visit(graph, at) else { continue };
            for (other, _) in graph.row(at) {
                if moving.community[other as usize] != best && !waiting[other as usize] {
                    waiting[other as usize] = true;
                    left += 1;
                }
            }
        }
    }
    moving.community
}

/// Brings communities to a graph of which only some nodes' ties changed: those nodes are visited, and whom their
/// moves concern. What does not touch them stays as it is.
pub fn update(
    graph: &Graph,
    sizes: &[f64],
    search: Search,
    community: Vec<u32>,
    changed: &[u32],
) -> Vec<u32> {
    let mut moving = Moving::new(sizes, number(community).0, search.resolution);
    let mut waiting = vec![false; graph.nodes()];
    let mut queue: VecDeque<u32> = VecDeque::with_capacity(changed.len());
    let mut touched: Vec<u32> = Vec::new();
    for node in changed {
        if !std::mem::replace(&mut waiting[*node as usize], true) {
            queue.push_back(*node);
            touched.push(moving.community[*node as usize]);
        }
    }
    while let Some(node) = queue.pop_front() {
        let at = node as usize;
        waiting[at] = false;
        let before = moving.community[at];
        let Some(best) = moving.visit(graph, at) else { continue };
        touched.extend([before, best]);
        for (other, _) in graph.row(at) {
            if moving.community[other as usize] != best && !waiting[other as usize] {
                waiting[other as usize] = true;
                queue.push_back(other);
            }
        }
    }
    touched.sort_unstable();
    touched.dedup();
    split(graph, moving.community, &touched)
}

/// Splits those of some communities that are no longer connected; the others are as they were.
fn split(graph: &Graph, mut community: Vec<u32>, some: &[u32]) -> Vec<u32> {
    let nodes = graph.nodes();
    let mut of = vec![false; nodes];
    for own in some {
        of[*own as usize] = true;
    }
    let mut next = community.iter().copied().max().map_or(0, |most| most + 1);
    let mut first = vec![true; nodes];
    let mut seen = vec![false; nodes];
    let mut stack: Vec<u32> = Vec::new();
    for node in 0..nodes {
        let own = community[node];
        if seen[node] || own as usize >= nodes || !of[own as usize] {
            continue;
        }
        // The part with the first node keeps the number.
        let number = if std::mem::replace(&mut first[own as usize], false) { own } else { next };
        next += u32::from(number != own);
        seen[node] = true;
        stack.push(node as u32);
        while let Some(node) = stack.pop() {
            for (other, _) in graph.row(node as usize) {
                if !seen[other as usize] && community[other as usize] == own {
                    seen[other as usize] = true;
                    stack.push(other);
                }
            }
            community[node as usize] = number;
        }
    }
    number(community).0
}

/// What is known of a community while nodes move; together, so that one look at memory serves both.
#[derive(Clone, Copy, Default)]
struct Tally {
    /// The weight of its nodes.
    weight: f64,
    /// What the node at hand would earn there.
    earned: f64,
}

/// Communities while nodes move.
struct Moving<'a> {
    sizes: &'a [f64],
    resolution: f64,
    community: Vec<u32>,
    /// As many communities as nodes can be needed.
    tally: Vec<Tally>,
    touched: Vec<u32>,
    /// Communities without nodes.
    free: Vec<u32>,
}

impl<'a> Moving<'a> {
    fn new(sizes: &'a [f64], community: Vec<u32>, resolution: f64) -> Self {
        let mut tally = vec![Tally::default(); sizes.len()];
        for (node, own) in community.iter().enumerate() {
            tally[*own as usize].weight += sizes[node];
        }
        let free = (0..sizes.len() as u32).rev().filter(|at| tally[*at as usize].weight == 0.0).collect();
        Self { sizes, resolution, community, tally, touched: Vec::new(), free }
    }

    /// Moves a node to the community that gains most; none if it is there.
    fn visit(&mut self, graph: &Graph, at: usize) -> Option<u32> {
        let (size, own) = (self.sizes[at], self.community[at]);
        for (other, points) in graph.row(at) {
            let community = self.community[other as usize];
            let tally = &mut self.tally[community as usize];
            if tally.earned == 0.0 {
                self.touched.push(community);
            }
            tally.earned += f64::from(points);
        }
        let cost = self.resolution * size;
        let home = self.tally[own as usize];
        let (mut best, mut gain) = (own, home.earned - cost * (home.weight - size));
        for community in self.touched.drain(..) {
            let tally = &mut self.tally[community as usize];
            let gained = tally.earned - cost * tally.weight;
            tally.earned = 0.0;
            if community != own && gained > gain + 1e-9 {
                (best, gain) = (community, gained);
            }
        }
        if gain < -1e-9 {
            // Alone is better than any company.
            while self.free.last().is_some_and(|at| self.tally[*at as usize].weight != 0.0) {
                self.free.pop();
            }
            best = self.free.last().copied().unwrap_or(best);
        }
        if best == own {
            return None;
        }
        let weight = &mut self.tally[own as usize].weight;
        *weight -= size;
        if weight.abs() < 1e-9 {
            *weight = 0.0;
            self.free.push(own);
        }
        self.tally[best as usize].weight += size;
        self.community[at] = best;
        Some(best)
    }
}

/// Numbers communities by their first nodes; how many there are.
pub fn number(mut community: Vec<u32>) -> (Vec<u32>, usize) {
    let most = community.iter().copied().max().map_or(0, |most| most as usize + 1);
    let mut numbers = vec![u32::MAX; most];
    let mut count = 0;
    for own in &mut community {
        let number = &mut numbers[*own as usize];
        if *number == u32::MAX {
            *number = count;
            count += 1;
        }
        *own = *number;
    }
    (community, count as usize)
}

/// The members of each group, in order, and where each group's members start.
fn members(group: &[u32], count: usize) -> (Vec<u32>, Vec<usize>) {
    let mut start = vec![0usize; count + 1];
    for own in group {
        start[*own as usize + 1] += 1;
    }
    for at in 0..count {
        start[at + 1] += start[at];
    }
    let mut members = vec![0u32; group.len()];
    let mut next = start.clone();
    for (node, own) in group.iter().enumerate() {
        members[next[*own as usize]] = node as u32;
        next[*own as usize] += 1;
    }
    (members, start)
}

/// Divides groups among threads so that each has about as many members.
fn shares(start: &[usize], threads: usize) -> Vec<Range<usize>> {
    let (groups, all) = (start.len() - 1, start[start.len() - 1]);
    let threads = if all < 50_000 { 1 } else { threads.max(1) };
    let mut cuts = vec![0];
    for thread in 1..threads {
        cuts.push(start.partition_point(|from| from * threads < all * thread).min(groups));
    }
    cuts.push(groups);
    cuts.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

/// Splits what is not connected. The passes do not leave such a thing behind; this holds them to it.
fn connected(graph: &Graph, community: &[u32]) -> Vec<u32> {
    let nodes = graph.nodes();
    let mut part = vec![u32::MAX; nodes];
    let mut count = 0;
    let mut stack: Vec<u32> = Vec::new();
    for first in 0..nodes {
        if part[first] != u32::MAX {
            continue;
        }
        part[first] = count;
        stack.push(first as u32);
        while let Some(node) = stack.pop() {
            for (other, _) in graph.row(node as usize) {
                if part[other as usize] == u32::MAX && community[other as usize] == community[first] {
                    part[other as usize] = count;
                    stack.push(other);
                }
            }
        }
        count += 1;
    }
    part
}

/// Nodes that are shuffled among themselves: what is known of so many fits into a processor's cache.
const BLOCK: usize = 1_024;

/// SplitMix64 (Steele, Lea, Flood 2014): a seed in, an order out.
struct Random(u64);

impl Random {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Shuffles neighbours in the order among themselves, and then the blocks of them: visits all over a large graph would
    /// each wait for memory.
    fn shuffled(&mut self, mut order: Vec<u32>) -> Vec<u32> {
        let mut blocks: Vec<&mut [u32]> = order.chunks_mut(BLOCK).collect();
        for block in &mut blocks {
            self.shuffle(block);
        }
        self.shuffle(&mut blocks);
        blocks.concat()
    }

    fn shuffle<T>(&mut self, order: &mut [T]) {
        for at in (1..order.len()).rev() {
            let other = ((u128::from(self.next()) * (at as u128 + 1)) >> 64) as usize;
            order.swap(at, other);
        }
    }
}

#[cfg(test)]
mod tests;
