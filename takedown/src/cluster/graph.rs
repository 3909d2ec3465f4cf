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

#[cfg(test)]
mod tests {
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
}
