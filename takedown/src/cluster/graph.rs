//! The weighted graph that communities are found in. Weights are whole points, so that sums do not depend on the
//! order in which they are taken.

/// Points of one unit of weight of evidence (one nat).
pub const POINTS: f64 = 1_000.0;

/// Evidence for one pair: the smaller node, the larger, the family, the points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tie {
    /// The smaller node.
    pub a: u32,
    /// The larger node.
    pub b: u32,
    /// Kinds of one family say the same thing.
    pub family: u8,
    /// What it weighs.
    pub points: u32,
}

/// An undirected weighted graph, rows of neighbours in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// Where each node's row starts, and one more.
    pub at: Vec<usize>,
    /// Neighbours.
    pub to: Vec<u32>,
    /// What the tie weighs; whole numbers up to 2^24 are exact.
    pub points: Vec<f32>,
}

impl Graph {
    /// How many nodes.
    pub fn nodes(&self) -> usize {
        self.at.len().saturating_sub(1)
    }

    /// A node's neighbours and what the ties weigh.
    pub fn row(&self, node: usize) -> impl Iterator<Item = (u32, f32)> + '_ {
        let range = self.at[node]..self.at[node + 1];
        self.to[range.clone()].iter().copied().zip(self.points[range].iter().copied())
    }

    /// How many neighbours a node has.
    pub fn degree(&self, node: usize) -> usize {
        self.at[node + 1] - self.at[node]
    }

    /// Puts ties together: of one pair and family the strongest counts, families add up.
    pub fn of(nodes: usize, ties: Vec<Tie>) -> Self {
        // A counting sort by the smaller node; its few ties are then sorted where they lie.
        let mut start = vec![0usize; nodes + 1];
        for tie in &ties {
            start[tie.a as usize + 1] += 1;
        }
        for node in 0..nodes {
            start[node + 1] += start[node];
        }
        let mut bucket: Vec<(u32, u32)> = vec![(0, 0); ties.len()];
        let mut next = start.clone();
        for tie in &ties {
            let slot = &mut next[tie.a as usize];
            // 24 bits of points are enough: evidence is capped far below.
            bucket[*slot] = (tie.b, u32::from(tie.family) << 24 | tie.points.min((1 << 24) - 1));
            *slot += 1;
        }
        drop(ties);
        let mut count = vec![0usize; nodes + 1];
        let mut kept = 0;
        let mut ends = Vec::with_capacity(nodes);
        for node in 0..nodes {
            let (from, to) = (start[node], start[node + 1]);
            bucket[from..to].sort_unstable();
            let mut at = from;
            while at < to {
                let other = bucket[at].0;
                let mut sum = 0u32;
                while at < to && bucket[at].0 == other {
                    let family = bucket[at].1 >> 24;
                    let mut strongest = 0;
                    while at < to && bucket[at].0 == other && bucket[at].1 >> 24 == family {
                        strongest = bucket[at].1 & 0x00ff_ffff;
                        at += 1;
                    }
                    sum += strongest;
                }
                bucket[kept] = (other, sum);
                kept += 1;
                count[node + 1] += 1;
                count[other as usize + 1] += 1;
            }
            ends.push(kept);
        }
        bucket.truncate(kept);
        for node in 0..nodes {
            count[node + 1] += count[node];
        }
        let at = count;
        let mut next = at.clone();
        let (mut to, mut points) = (vec![0u32; kept * 2], vec![0f32; kept * 2]);
        let mut from = 0;
        for (node, end) in ends.into_iter().enumerate() {
            for (other, sum) in &bucket[from..end] {
                for (near, far) in [(node, *other as usize), (*other as usize, node)] {
                    to[next[near]] = far as u32;
                    points[next[near]] = *sum as f32;
                    next[near] += 1;
                }
            }
            from = end;
        }
        Self { at, to, points }
    }
}

impl Graph {
    /// The graph with some ties set anew: `points` of 0 takes a tie away. Rows without a change are copied whole.
    /// There may be more nodes than before.
    pub fn with(&self, nodes: usize, ties: &[(u32, u32, f32)]) -> Self {
        let mut changes: Vec<(u32, u32, f32)> =
            ties.iter().flat_map(|(a, b, points)| [(*a, *b, *points), (*b, *a, *points)]).collect();
        // Stable, so that of one tie the last change counts.
        changes.sort_by_key(|(a, b, _)| (*a, *b));
        let room = self.to.len() + changes.len();
        let mut graph = Self {
            at: Vec::with_capacity(nodes + 1),
            to: Vec::with_capacity(room),
            points: Vec::with_capacity(room),
        };
        graph.at.push(0);
        let mut done = 0;
        for rows in changes.chunk_by(|a, b| a.0 == b.0) {
            let node = rows[0].0 as usize;
            graph.copy(self, done..node.min(self.nodes()));
            graph.empty(node);
            done = node + 1;
            let mut old = if node < self.nodes() { self.at[node]..self.at[node + 1] } else { 0..0 };
            for (at, (_, other, points)) in rows.iter().enumerate() {
                while old.start < old.end && self.to[old.start] < *other {
                    graph.push(self.to[old.start], self.points[old.start]);
                    old.start += 1;
                }
                if old.start < old.end && self.to[old.start] == *other {
                    old.start += 1;
                }
                let last = rows.get(at + 1).is_none_or(|next| next.1 != *other);
                if last && *points > 0.0 {
                    graph.push(*other, *points);
                }
            }
            for at in old {
                graph.push(self.to[at], self.points[at]);
            }
            graph.at.push(graph.to.len());
        }
        graph.copy(self, done..self.nodes());
        graph.empty(nodes);
        graph
    }

    fn push(&mut self, other: u32, points: f32) {
        self.to.push(other);
        self.points.push(points);
    }

    /// Appends rows of another graph as they are.
    fn copy(&mut self, other: &Self, rows: std::ops::Range<usize>) {
        if rows.start >= rows.end {
            return;
        }
        let (from, to) = (other.at[rows.start], other.at[rows.end]);
        let before = self.to.len();
        self.to.extend_from_slice(&other.to[from..to]);
        self.points.extend_from_slice(&other.points[from..to]);
        self.at.extend(other.at[rows.start + 1..=rows.end].iter().map(|end| end - from + before));
    }

    /// Appends empty rows until there are so many.
    fn empty(&mut self, nodes: usize) {
        while self.nodes() < nodes {
            self.at.push(self.to.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tie(a: u32, b: u32, family: u8, points: u32) -> Tie {
        Tie { a, b, family, points }
    }

    #[test]
    fn of_a_family_the_strongest_counts_and_families_add_up() {
        let graph = Graph::of(4, vec![tie(2, 3, 0, 7), tie(0, 2, 1, 5), tie(2, 3, 0, 9), tie(2, 3, 4, 1)]);
        assert_eq!(graph.row(2).collect::<Vec<_>>(), [(0, 5.0), (3, 10.0)]);
        assert_eq!(graph.row(3).collect::<Vec<_>>(), [(2, 10.0)]);
        assert_eq!(graph.degree(1), 0);
    }

    proptest! {
        #[test]
        fn a_changed_graph_is_the_one_built_anew(
            old in prop::collection::btree_map((0u32..12, 12u32..20), 1u32..9, 0..40),
            new in prop::collection::btree_map((0u32..12, 12u32..24), 0u32..9, 0..40),
        ) {
            let of = |ties: &std::collections::BTreeMap<(u32, u32), u32>| {
                let ties = ties.iter().filter(|(_, points)| **points > 0);
                ties.map(|((a, b), points)| tie(*a, *b, 0, *points)).collect::<Vec<_>>()
            };
            let changes: Vec<_> = new.iter().map(|((a, b), points)| (*a, *b, *points as f32)).collect();
            let mut all = old.clone();
            all.extend(new);
            prop_assert_eq!(Graph::of(20, of(&old)).with(24, &changes), Graph::of(24, of(&all)));
        }
    }
}
