//! The graph whose nodes are groups of another's.

use std::ops::Range;

use super::{members, shares};
use crate::cluster::graph::Graph;

/// The graph whose nodes are the groups of `graph`; what ties members of one group is left out.
pub fn aggregate(graph: &Graph, group: &[u32], count: usize, threads: usize) -> Graph {
    let (members, start) = members(group, count);
    let shares = shares(&start, threads);
    let parts: Vec<Rows> = if shares.len() == 1 {
        vec![rows(graph, group, &members, &start, 0..count, count)]
    } else {
        std::thread::scope(|scope| {
            let (members, start) = (&members, &start);
            let threads: Vec<_> = shares
                .into_iter()
                .map(|share| scope.spawn(move || rows(graph, group, members, start, share, count)))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or_default()).collect()
        })
    };
    let mut coarse = Graph { at: Vec::with_capacity(count + 1), ..Graph::default() };
    coarse.at.push(0);
    for part in parts {
        let before = coarse.to.len();
        coarse.at.extend(part.ends.iter().map(|end| before + end));
        coarse.to.extend_from_slice(&part.to);
        coarse.points.extend_from_slice(&part.points);
    }
    coarse
}

/// Some rows of the graph of groups.
#[derive(Default)]
struct Rows {
    ends: Vec<usize>,
    to: Vec<u32>,
    points: Vec<f32>,
}

fn rows(
    graph: &Graph,
    group: &[u32],
    members: &[u32],
    start: &[usize],
    share: Range<usize>,
    count: usize,
) -> Rows {
    let mut sum = vec![0f64; count];
    let mut touched: Vec<u32> = Vec::new();
    let mut rows = Rows::default();
    for own in share {
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
            rows.to.push(to);
            rows.points.push(sum[to as usize] as f32);
            sum[to as usize] = 0.0;
        }
        rows.ends.push(rows.to.len());
    }
    rows
}
