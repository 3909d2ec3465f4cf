//! Communities by the Leiden algorithm (Traag, Waltman, van Eck 2019) with the constant Potts model: within a
//! community each pair costs `resolution`, each tie earns its points. What the evidence between two groups does not
//! pay for stays apart at any size of the graph, which modularity cannot promise.
//!
//! Deterministic for a seed: nodes are visited in an order that the seed gives, and equals are decided by order.

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
}

/// The community of each node, numbered by their first nodes. Each is connected.
///
/// `sizes` weighs the nodes; `start`, if given, holds communities to begin with.
pub fn communities(graph: &Graph, sizes: &[f64], search: Search, start: Option<Vec<u32>>) -> Vec<u32> {
    let nodes = graph.nodes();
    let mut community = start.unwrap_or_else(|| (0..nodes as u32).collect());
    let mut random = Random(search.seed);
    for _ in 0..search.passes {
        let before = community.clone();
        community = pass(graph, sizes, search.resolution, community, &mut random);
        if community == before {
            break;
        }
    }
    connected(graph, &community)
}

/// One pass: move, refine, aggregate, until nothing aggregates any more.
fn pass(graph: &Graph, sizes: &[f64], resolution: f64, start: Vec<u32>, random: &mut Random) -> Vec<u32> {
    let mut community = number(start).0;
    let mut order: Vec<u32> =
        (0..graph.nodes() as u32).filter(|node| graph.degree(*node as usize) > 0).collect();
    random.shuffle(&mut order);
    let mut state = Level::new(sizes, community, resolution);
    state.move_nodes(graph, &order);
    community = state.community;
    let mut refined = refine(graph, sizes, &community, resolution, &order);
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
        let next = aggregate(graph, &numbered, count);
        for at in &mut home {
            *at = numbered[*at as usize];
        }
        let mut order: Vec<u32> = (0..count as u32).filter(|node| next.degree(*node as usize) > 0).collect();
        random.shuffle(&mut order);
        let mut state = Level::new(&next_sizes, number(next_community).0, resolution);
        state.move_nodes(&next, &order);
        community = state.community;
        refined = refine(&next, &next_sizes, &community, resolution, &order);
        coarse = Some((next, next_sizes));
    }
    number(home.into_iter().map(|node| community[node as usize]).collect()).0
}

/// Communities of one level while nodes move.
struct Level<'a> {
    sizes: &'a [f64],
    community: Vec<u32>,
    /// Of each community, the weight of its nodes.
    weight: Vec<f64>,
    resolution: f64,
}

impl<'a> Level<'a> {
    fn new(sizes: &'a [f64], community: Vec<u32>, resolution: f64) -> Self {
        // As many communities as nodes can be needed.
        let mut weight = vec![0f64; sizes.len()];
        for (node, own) in community.iter().enumerate() {
            weight[*own as usize] += sizes[node];
        }
        Self { sizes, community, weight, resolution }
    }

    /// Moves nodes to the neighbouring community that gains most, until none gains.
    fn move_nodes(&mut self, graph: &Graph, order: &[u32]) {
        let nodes = graph.nodes();
        let mut earned = vec![0f64; nodes];
        let mut touched: Vec<u32> = Vec::new();
        let mut waiting = vec![true; nodes];
        let mut queue: std::collections::VecDeque<u32> = order.iter().copied().collect();
        let mut free: Vec<u32> =
            (0..nodes as u32).rev().filter(|at| self.weight[*at as usize] == 0.0).collect();
        while let Some(node) = queue.pop_front() {
            let at = node as usize;
            waiting[at] = false;
            let (size, own) = (self.sizes[at], self.community[at]);
            for (other, points) in graph.row(at) {
                let community = self.community[other as usize];
                if earned[community as usize] == 0.0 {
                    touched.push(community);
                }
                earned[community as usize] += f64::from(points);
            }
            let cost = self.resolution * size;
            let stay = earned[own as usize] - cost * (self.weight[own as usize] - size);
            let (mut best, mut gain) = (own, stay);
            for community in touched.drain(..) {
                let gained = earned[community as usize] - cost * self.weight[community as usize];
                earned[community as usize] = 0.0;
                if community != own && gained > gain + 1e-9 {
                    (best, gain) = (community, gained);
                }
            }
            if gain < -1e-9 {
                // Alone is better than any company.
                while free.last().is_some_and(|at| self.weight[*at as usize] != 0.0) {
                    free.pop();
                }
                if let Some(empty) = free.last() {
                    best = *empty;
                }
            }
            if best == own {
                continue;
            }
            self.weight[own as usize] -= size;
            if self.weight[own as usize].abs() < 1e-9 {
                self.weight[own as usize] = 0.0;
                free.push(own);
            }
            self.weight[best as usize] += size;
            self.community[at] = best;
            for (other, _) in graph.row(at) {
                if !waiting[other as usize] && self.community[other as usize] != best {
                    waiting[other as usize] = true;
                    queue.push_back(other);
                }
            }
        }
    }
}

/// Splits each community into parts that are well connected: a node joins a part only while both are tied well
/// enough to the rest of their community, and only if that gains.
fn refine(graph: &Graph, sizes: &[f64], community: &[u32], resolution: f64, order: &[u32]) -> Vec<u32> {
    let nodes = graph.nodes();
    let mut part: Vec<u32> = (0..nodes as u32).collect();
    let mut weight: Vec<f64> = sizes.to_vec();
    let mut whole = vec![0f64; nodes];
    for (node, own) in community.iter().enumerate() {
        whole[*own as usize] += sizes[node];
    }
    // What ties each part to the rest of its community; and which parts are single nodes still.
    let mut rest = vec![0f64; nodes];
    for node in 0..nodes {
        let own = community[node];
        rest[node] = graph
            .row(node)
            .filter(|(other, _)| community[*other as usize] == own && *other as usize != node)
            .map(|(_, points)| f64::from(points))
            .sum();
    }
    let inner = rest.clone();
    let mut single = vec![true; nodes];
    let mut earned = vec![0f64; nodes];
    let mut touched: Vec<u32> = Vec::new();
    for node in order {
        let at = *node as usize;
        let (own, size) = (community[at], sizes[at]);
        let total = whole[own as usize];
        if !single[at] || inner[at] < resolution * size * (total - size) {
            continue;
        }
        for (other, points) in graph.row(at) {
            if community[other as usize] == own && other != *node {
                let part = part[other as usize];
                if earned[part as usize] == 0.0 {
                    touched.push(part);
                }
                earned[part as usize] += f64::from(points);
            }
        }
        let (mut best, mut gain) = (*node, 0.0);
        for part in &touched {
            let to = *part as usize;
            let well = rest[to] >= resolution * weight[to] * (total - weight[to]);
            let gained = earned[to] - resolution * size * weight[to];
            if well && gained > gain + 1e-9 {
                (best, gain) = (*part, gained);
            }
        }
        if best != *node {
            let to = best as usize;
            single[to] = false;
            single[at] = false;
            rest[to] += inner[at] - 2.0 * earned[to];
            weight[to] += size;
            weight[at] = 0.0;
            part[at] = best;
        }
        for part in touched.drain(..) {
            earned[part as usize] = 0.0;
        }
    }
    part
}

/// The graph whose nodes are the groups of `graph`.
fn aggregate(graph: &Graph, group: &[u32], count: usize) -> Graph {
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
    let mut sum = vec![0f64; count];
    let mut touched: Vec<u32> = Vec::new();
    let mut coarse = Graph { at: Vec::with_capacity(count + 1), ..Graph::default() };
    coarse.at.push(0);
    for own in 0..count {
        for node in &members[start[own]..start[own + 1]] {
            for (other, points) in graph.row(*node as usize) {
                let to = group[other as usize];
                if to as usize != own {
                    if sum[to as usize] == 0.0 {
                        touched.push(to);
                    }
                    sum[to as usize] += f64::from(points);
                }
            }
        }
        for to in touched.drain(..) {
            coarse.to.push(to);
            coarse.points.push(sum[to as usize] as f32);
            sum[to as usize] = 0.0;
        }
        coarse.at.push(coarse.to.len());
    }
    coarse
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

    fn shuffle(&mut self, order: &mut [u32]) {
        for at in (1..order.len()).rev() {
            let other = ((u128::from(self.next()) * (at as u128 + 1)) >> 64) as usize;
            order.swap(at, other);
        }
    }
}
