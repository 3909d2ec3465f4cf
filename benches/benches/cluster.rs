//! Communities of a large graph found anew, beside the same graph after 100,000 of its links changed, brought up to
//! date, in one run.
//!
//! `make bench ARGS="--bench cluster"` draws 1,000,000 nodes in communities of 20 to 1,000 with some 5,000,000 links,
//! three of ten of them between communities; `ARGS="--bench cluster -- 100000"` asks for another number of nodes, of
//! which a tenth is the number of changed links. Half of the changes take a link away, half bring one. The goals are 8 s
//! for a full run, in at most 2 GiB, and a twentieth of it for the changes.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use benches::{Dice, peak_mib, words};
use takedown::cluster::{
    engine::{self, Tuning},
    graph::{Graph, Tie},
    leiden::{self, Search},
};

const NODES: u64 = 1_000_000;
/// Links a node, on average, from either end.
const DEGREE: u64 = 10;
/// Points of a link, as the engine gives plain links.
const POINTS: u32 = 250_000;
/// Each measurement is made so often, and the fastest is told.
const ROUNDS: usize = 3;

fn main() -> Result<()> {
    let nodes = match words().as_slice() {
        [] => NODES,
        [number] => number.parse().context("the argument is a number of nodes")?,
        _ => bail!("usage: cluster [NODES]"),
    };
    ensure!(nodes >= 1_000, "at least 1,000 nodes, or there are no communities");
    let mut dice = Dice(1);
    let groups = groups(&mut dice, nodes);
    let links = links(&mut dice, &groups, nodes);
    let search = engine::search(Tuning::default());
    let sizes = vec![1.0; usize::try_from(nodes)?];
    println!("{nodes} nodes, {} links", links.len());

    let (full, (graph, before)) = fastest(|| run(&links, &sizes, search));
    println!("a full run: {:.2} s, {} MiB at most", full.as_secs_f64(), peak_mib()?);

    let (changes, after) = changes(&mut dice, &groups, &links);
    let mut ends: Vec<u32> = changes.iter().flat_map(|(a, b, _)| [*a, *b]).collect();
    ends.sort_unstable();
    ends.dedup();
    let (update, updated) = fastest(|| {
        let graph = graph.with(sizes.len(), &changes);
        leiden::update(&graph, &sizes, search, before.clone(), &ends)
    });
    let (_, anew) = run(&after, &sizes, search);
    println!(
        "{} changed links, at {} nodes: {:.3} s, 1/{:.0} of a full run; {:.4} of the pairs are as a full run has them",
        changes.len(),
        ends.len(),
        update.as_secs_f64(),
        full.as_secs_f64() / update.as_secs_f64(),
        agreement(&updated, &anew),
    );
    Ok(())
}

fn run(links: &[(u32, u32)], sizes: &[f64], search: Search) -> (Graph, Vec<u32>) {
    let ties = links.iter().map(|(a, b)| Tie { a: *a, b: *b, family: 0, points: POINTS }).collect();
    let graph = Graph::of(sizes.len(), ties);
    let found = leiden::communities(&graph, sizes, search, None);
    (graph, found)
}

/// The fastest of some rounds, and what the last gave.
fn fastest<T>(mut what: impl FnMut() -> T) -> (Duration, T) {
    let mut timed = || {
        let begun = Instant::now();
        let outcome = what();
        (begun.elapsed(), outcome)
    };
    let (mut best, mut outcome) = timed();
    for _ in 1..ROUNDS {
        let (took, next) = timed();
        (best, outcome) = (best.min(took), next);
    }
    (best, outcome)
}

/// Where communities begin: small ones are many, large ones few.
fn groups(dice: &mut Dice, nodes: u64) -> Vec<u64> {
    let mut starts = vec![0];
    let mut end = 0;
    while end < nodes {
        // The inverse of a share that falls with the square of the size.
        end += 20_000 / (20 + dice.roll(981));
        starts.push(end.min(nodes));
    }
    starts
}

/// Links, each once, the smaller end first.
fn links(dice: &mut Dice, groups: &[u64], nodes: u64) -> Vec<(u32, u32)> {
    let mut links = Vec::new();
    for group in groups.windows(2) {
        for node in group[0]..group[1] {
            for _ in 0..DEGREE / 2 {
                let other = other(dice, group, nodes);
                if other != node {
                    links.push((node.min(other) as u32, node.max(other) as u32));
                }
            }
        }
    }
    links.sort_unstable();
    links.dedup();
    links
}

fn other(dice: &mut Dice, group: &[u64], nodes: u64) -> u64 {
    if dice.roll(10) < 3 { dice.roll(nodes) } else { group[0] + dice.roll(group[1] - group[0]) }
}

/// Changes, and the links after them.
#[expect(clippy::type_complexity, reason = "two lists that nobody else needs a name for")]
fn changes(dice: &mut Dice, groups: &[u64], links: &[(u32, u32)]) -> (Vec<(u32, u32, f32)>, Vec<(u32, u32)>) {
    let nodes = groups[groups.len() - 1];
    let mut after: HashMap<(u32, u32), f32> = HashMap::new();
    for _ in 0..nodes / 20 {
        after.insert(links[dice.roll(links.len() as u64) as usize], 0.0);
        let node = dice.roll(nodes);
        let group = groups.partition_point(|start| *start <= node);
        let other = other(dice, &groups[group - 1..=group], nodes);
        if other != node {
            after.insert((node.min(other) as u32, node.max(other) as u32), POINTS as f32);
        }
    }
    let mut all: Vec<(u32, u32)> = links.iter().copied().filter(|link| !after.contains_key(link)).collect();
    all.extend(after.iter().filter(|(_, points)| **points > 0.0).map(|(link, _)| *link));
    let mut changes: Vec<(u32, u32, f32)> =
        after.into_iter().map(|((a, b), points)| (a, b, points)).collect();
    changes.sort_unstable_by_key(|(a, b, _)| (*a, *b));
    (changes, all)
}

/// The part of pairs on which two groupings agree, of the pairs that either holds together.
fn agreement(one: &[u32], two: &[u32]) -> f64 {
    let pairs =
        |sizes: HashMap<(u32, u32), u64>| sizes.into_values().map(|size| size * (size - 1) / 2).sum::<u64>();
    let count = |key: &dyn Fn(usize) -> (u32, u32)| {
        let mut sizes: HashMap<(u32, u32), u64> = HashMap::new();
        (0..one.len()).for_each(|at| *sizes.entry(key(at)).or_default() += 1);
        pairs(sizes)
    };
    let both = count(&|at| (one[at], two[at]));
    let (ours, theirs) = (count(&|at| (one[at], 0)), count(&|at| (0, two[at])));
    both as f64 / (ours + theirs - both) as f64
}
