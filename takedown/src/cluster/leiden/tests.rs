//! What communities promise, on random graphs.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::cluster::graph::Tie;

fn search(resolution: f64) -> Search {
    Search { resolution, seed: 7, passes: 2, threads: 1 }
}

fn graph(nodes: usize, ties: &[(u32, u32, u32)]) -> Graph {
    let ties = ties
        .iter()
        .filter(|(a, b, _)| a != b)
        .map(|(a, b, points)| Tie { a: *a.min(b), b: *a.max(b), family: 0, points: *points })
        .collect();
    Graph::of(nodes, ties)
}

/// What the communities earn: ties within, less the resolution for each pair within.
fn earned(graph: &Graph, community: &[u32], resolution: f64) -> f64 {
    let mut sum = 0.0;
    for node in 0..graph.nodes() {
        for (other, points) in graph.row(node).filter(|(other, _)| *other as usize > node) {
            sum += if community[other as usize] == community[node] { f64::from(points) } else { 0.0 };
        }
        let pairs = (node + 1..graph.nodes()).filter(|other| community[*other] == community[node]).count();
        sum -= resolution * pairs as f64;
    }
    sum
}

#[test]
fn cliques_on_a_ring_stay_apart_at_any_number() {
    // The case in which modularity merges neighbours: many small cliques, one tie between each two.
    let (cliques, of) = (400u32, 5u32);
    let mut ties = Vec::new();
    for clique in 0..cliques {
        for a in 0..of {
            ties.extend((a + 1..of).map(|b| (clique * of + a, clique * of + b, 1_000)));
        }
        ties.push((clique * of, (clique + 1) % cliques * of + 1, 1_000));
    }
    let nodes = (cliques * of) as usize;
    let found = communities(&graph(nodes, &ties), &vec![1.0; nodes], search(250.0), None);
    let expected: Vec<u32> = (0..cliques * of).map(|node| node / of).collect();
    assert_eq!(found, expected);
}

#[test]
fn threads_do_not_show() {
    let mut random = Random(3);
    let nodes = 60_000u64;
    let ties: Vec<(u32, u32, u32)> = (0..200_000)
        .map(|_| {
            let a = random.next() % nodes;
            let near = a / 50 * 50 + random.next() % 50;
            let b = if random.next().is_multiple_of(4) { random.next() % nodes } else { near % nodes };
            (a as u32, b as u32, 1_000)
        })
        .collect();
    let graph = graph(nodes as usize, &ties);
    let sizes = vec![1.0; nodes as usize];
    let one = communities(&graph, &sizes, search(20.0), None);
    let four = communities(&graph, &sizes, Search { threads: 4, ..search(20.0) }, None);
    assert_eq!(one, four);
}

/// Planted groups of ten, tied within at random; and the groups.
fn planted(random: &mut Random, groups: u32) -> Vec<(u32, u32, u32)> {
    let mut ties = Vec::new();
    for group in 0..groups {
        for a in 0..10 {
            for b in a + 1..10 {
                if random.next() % 10 < 7 {
                    ties.push((group * 10 + a, group * 10 + b, 1_000));
                }
            }
        }
    }
    ties
}

/// The part of pairs on which two partitions agree, of the pairs that either holds together.
fn agreement(one: &[u32], two: &[u32]) -> f64 {
    let (mut both, mut either) = (0u32, 0u32);
    for a in 0..one.len() {
        for b in a + 1..one.len() {
            let (one, two) = (one[a] == one[b], two[a] == two[b]);
            both += u32::from(one && two);
            either += u32::from(one || two);
        }
    }
    f64::from(both) / f64::from(either.max(1))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn an_update_equals_a_full_run_nearly(seed in 0u64..1_000, newcomers in 1u32..12, cut in 0usize..20) {
        let mut random = Random(seed);
        let old = planted(&mut random, 20);
        let nodes = 200 + newcomers as usize;
        let before = communities(&graph(nodes, &old), &vec![1.0; nodes], search(250.0), None);
        // Newcomers join a group each, some ties go, some ties between groups come.
        let mut new = old;
        let mut changed = Vec::new();
        for at in 0..newcomers {
            let group = (random.next() % 20) as u32;
            new.extend((0..6).map(|member| (group * 10 + member, 200 + at, 1_000)));
            changed.push(200 + at);
        }
        for _ in 0..cut {
            let gone = new.swap_remove((random.next() % new.len() as u64) as usize);
            changed.extend([gone.0, gone.1]);
            let across = ((random.next() % 200) as u32, (random.next() % 200) as u32, 200);
            new.push(across);
            changed.extend([across.0, across.1]);
        }
        let graph = graph(nodes, &new);
        let sizes = vec![1.0; nodes];
        let updated = update(&graph, &sizes, search(250.0), before, &changed);
        let full = communities(&graph, &sizes, search(250.0), None);
        prop_assert!(agreement(&updated, &full) >= 0.9, "{}", agreement(&updated, &full));
        prop_assert!(earned(&graph, &updated, 250.0) >= 0.97 * earned(&graph, &full, 250.0));
    }
}

proptest! {
    #[test]
    fn communities_are_connected_and_no_node_would_rather_leave(
        ties in prop::collection::vec((0u32..40, 0u32..40, 1u32..2_000), 0..160),
        resolution in 10u32..900,
    ) {
        let graph = graph(40, &ties);
        let resolution = f64::from(resolution);
        let found = communities(&graph, &[1.0; 40], search(resolution), None);
        for own in found.iter().collect::<BTreeSet<_>>() {
            let members: Vec<usize> = (0..40).filter(|node| found[*node] == *own).collect();
            let mut reached = BTreeSet::from([members[0]]);
            let mut stack = vec![members[0]];
            while let Some(node) = stack.pop() {
                for (other, _) in graph.row(node).filter(|(other, _)| found[*other as usize] == *own) {
                    if reached.insert(other as usize) {
                        stack.push(other as usize);
                    }
                }
            }
            prop_assert_eq!(reached.len(), members.len());
        }
        let all = earned(&graph, &found, resolution);
        prop_assert!(all >= -1e-6);
        for node in 0..40 {
            let mut alone = found.clone();
            alone[node] = 99;
            prop_assert!(earned(&graph, &alone, resolution) <= all + 1e-6);
        }
    }
}
