//! Fleets: the coarse level. Names that share the habits of a campaign, with the values of every kind as nodes
//! beside the names, so that even what half of all names share costs one tie a name.

use std::collections::HashMap;

use super::{
    features::Features,
    graph::{Graph, Tie},
    kind::PivotKind,
    leiden::{self, Search},
    shape,
};

/// Below 1: fleets are few and large.
const RESOLUTION: f64 = 0.25;
/// The registrar is the habit that changes least within a campaign.
const REGISTRAR: f64 = 4.0;
/// A value that so large a part of the names hold tells nothing.
const EVERYBODY: f64 = 0.98;

/// The fleet of each name.
pub fn fleets(features: &Features, seed: u64, threads: usize) -> Vec<u32> {
    let names = features.names.len();
    let mut ties: Vec<Tie> = Vec::new();
    let mut nodes = names as u32;
    let mut habit = |holders: &[u32], weight: f64| {
        let share = holders.len() as f64 / names as f64;
        if holders.len() < 2 || share >= EVERYBODY {
            return;
        }
        let points = (weight * -share.ln() * 1_000.0).round() as u32;
        ties.extend(holders.iter().map(|name| Tie { a: *name, b: nodes, family: 0, points }));
        nodes += 1;
    };
    for pivot in &features.pivots {
        let registrar = features.pivot_kind(pivot.kind) == PivotKind::Registrar;
        habit(features.holders_of(pivot), if registrar { REGISTRAR } else { 1.0 });
    }
    for holders in told(features) {
        habit(&holders, 1.0);
    }
    ties.extend(features.links.iter().map(|(a, b, _)| Tie { a: *a, b: *b, family: 0, points: 1_000 }));
    let graph = Graph::of(nodes as usize, ties);
    // The configuration model: a node weighs what its ties weigh, so that modularity is a constant Potts model.
    let sizes: Vec<f64> =
        (0..graph.nodes()).map(|node| graph.row(node).map(|(_, points)| f64::from(points)).sum()).collect();
    let total: f64 = sizes.iter().sum();
    let resolution = if total > 0.0 { RESOLUTION / total } else { 1.0 };
    let search = Search { resolution, seed, passes: 3, threads };
    let mut fleet = leiden::communities(&graph, &sizes, search, None);
    fleet.truncate(names);
    fleet
}

/// Habits that names and dates tell: the top-level domain, the form, the words, the day of registration.
fn told(features: &Features) -> Vec<Vec<u32>> {
    let mut by: HashMap<(u8, String), Vec<u32>> = HashMap::new();
    for (at, name) in features.names.iter().enumerate() {
        let mut tell = |what: u8, value: String| by.entry((what, value)).or_default().push(at as u32);
        if let Some((_, tld)) = name.rsplit_once('.') {
            tell(0, tld.to_ascii_lowercase());
        }
        if let Some(Some((moment, _))) = features.registered.get(at) {
            tell(1, moment.day().to_string());
        }
        tell(2, shape::form(name));
        for word in shape::words(name) {
            tell(3, word);
        }
    }
    let mut by: Vec<_> = by.into_iter().filter(|(_, names)| names.len() > 1).collect();
    by.sort_unstable();
    by.into_iter().map(|(_, names)| names).collect()
}
