//! Grouping, pure: names and what they share in, clusters with reasons out. The outcome depends on what is
//! shared, not on the order in which it is told.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::settings::ClusterSettings;

/// What kind of thing names share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PivotKind {
    /// An address.
    Address,
    /// The whole set of name servers.
    NameServers,
    /// The SOA's responsible mailbox.
    SoaMailbox,
    /// A mail host.
    MailHost,
    /// A certificate.
    Certificate,
    /// A registrant's token.
    Registrant,
    /// The registrar and the ten minutes of registration.
    Burst,
}

impl PivotKind {
    /// How much sharing one says, if hardly anybody else does: 0 to 1. Who holds a certificate or a registrant's
    /// mailbox is one person; an address or a name server may have many tenants.
    const fn strength(self) -> f64 {
        match self {
            Self::Certificate | Self::Registrant => 1.0,
            Self::NameServers => 0.6,
            Self::Address | Self::SoaMailbox | Self::Burst => 0.5,
            Self::MailHost => 0.4,
        }
    }
}

/// A thing, and the names (by index) that share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pivot {
    /// Of what kind.
    pub kind: PivotKind,
    /// Which.
    pub value: String,
    /// Who shares it.
    pub names: BTreeSet<usize>,
}

/// A pivot that too many share to say anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hub {
    /// Of what kind.
    pub kind: PivotKind,
    /// Which.
    pub value: String,
    /// How many names share it.
    pub shared_by: usize,
}

/// Why a name is in its cluster: a pivot that it shares with another member.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reason {
    /// Of what kind.
    pub kind: PivotKind,
    /// Which.
    pub value: String,
    /// How many names share it, in the whole population.
    pub shared_by: usize,
    /// What it weighs, 0 to 1, in thousandths so that it is stored exactly.
    pub weight: u32,
}

/// A name in a cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The name's index.
    pub name: usize,
    /// Its strongest reasons, at most three.
    pub reasons: Vec<Reason>,
}

/// What grouping found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grouping {
    /// Clusters of two or more, by their first member; members in order.
    pub clusters: Vec<Vec<Member>>,
    /// What was left out, largest first.
    pub hubs: Vec<Hub>,
}

/// Reasons that a member keeps.
const REASONS: usize = 3;

/// Groups `population` names by the pivots that they share.
pub fn group(population: usize, pivots: &[Pivot], settings: &ClusterSettings) -> Grouping {
    let (rare, hubs): (Vec<&Pivot>, Vec<&Pivot>) = pivots
        .iter()
        .filter(|pivot| pivot.names.len() > 1)
        .partition(|pivot| pivot.names.len() <= settings.hub_limit);
    let mut ties: BTreeMap<(usize, usize), u32> = BTreeMap::new();
    for pivot in &rare {
        let weight = weight(pivot, population);
        for (at, a) in pivot.names.iter().enumerate() {
            for b in pivot.names.iter().skip(at + 1) {
                *ties.entry((*a, *b)).or_default() += weight;
            }
        }
    }
    let mut joined = Joined::new(population);
    for ((a, b), _) in ties.iter().filter(|(_, weight)| **weight >= settings.threshold) {
        joined.join(*a, *b);
    }
    let clusters = clusters(population, &mut joined, &rare);
    let mut hubs: Vec<Hub> = hubs
        .into_iter()
        .map(|pivot| Hub { kind: pivot.kind, value: pivot.value.clone(), shared_by: pivot.names.len() })
        .collect();
    hubs.sort_by(|a, b| {
        b.shared_by.cmp(&a.shared_by).then_with(|| (a.kind, &a.value).cmp(&(b.kind, &b.value)))
    });
    Grouping { clusters, hubs }
}

/// Strength times rarity (inverse document frequency, 1 for a pair in a large population), in thousandths.
fn weight(pivot: &Pivot, population: usize) -> u32 {
    let (shared_by, population) = (pivot.names.len() as f64, (population as f64).max(3.0));
    let rarity = ((population / shared_by).ln() / (population / 2.0).ln()).clamp(0.0, 1.0);
    (pivot.kind.strength() * rarity * 1_000.0).round() as u32
}

fn clusters(population: usize, joined: &mut Joined, rare: &[&Pivot]) -> Vec<Vec<Member>> {
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for name in 0..population {
        groups.entry(joined.first(name)).or_default().push(name);
    }
    let mut reasons: BTreeMap<usize, Vec<Reason>> = BTreeMap::new();
    for pivot in rare {
        for name in &pivot.names {
            let first = joined.first(*name);
            if pivot.names.iter().any(|other| other != name && joined.first(*other) == first) {
                reasons.entry(*name).or_default().push(Reason {
                    kind: pivot.kind,
                    value: pivot.value.clone(),
                    shared_by: pivot.names.len(),
                    weight: weight(pivot, population),
                });
            }
        }
    }
    let member = |name: usize| {
        let mut reasons = reasons.get(&name).cloned().unwrap_or_default();
        reasons.sort_by(|a, b| {
            b.weight.cmp(&a.weight).then_with(|| (a.kind, &a.value).cmp(&(b.kind, &b.value)))
        });
        reasons.truncate(REASONS);
        Member { name, reasons }
    };
    groups
        .into_values()
        .filter(|names| names.len() > 1)
        .map(|names| names.into_iter().map(member).collect())
        .collect()
}

/// Union-find whose representative is the smallest index, so that the outcome does not depend on order.
struct Joined(Vec<usize>);

impl Joined {
    fn new(count: usize) -> Self {
        Self((0..count).collect())
    }

    fn first(&mut self, name: usize) -> usize {
        let mut at = name;
        while self.0[at] != at {
            self.0[at] = self.0[self.0[at]];
            at = self.0[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.first(a), self.first(b));
        let (low, high) = (a.min(b), a.max(b));
        self.0[high] = low;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pivot(kind: PivotKind, value: &str, names: impl IntoIterator<Item = usize>) -> Pivot {
        Pivot { kind, value: value.to_owned(), names: names.into_iter().collect() }
    }

    fn names(grouping: &Grouping) -> Vec<Vec<usize>> {
        grouping.clusters.iter().map(|members| members.iter().map(|member| member.name).collect()).collect()
    }

    #[test]
    fn one_strong_rare_pivot_joins_and_one_weak_does_not() {
        let settings = ClusterSettings::default();
        let registrant = [pivot(PivotKind::Registrant, "a@inbox.example", [1, 2])];
        assert_eq!(names(&group(100, &registrant, &settings)), [vec![1, 2]]);
        let address = [pivot(PivotKind::Address, "192.0.2.1", [1, 2])];
        assert!(group(100, &address, &settings).clusters.is_empty());
        let both = [address[0].clone(), pivot(PivotKind::NameServers, "ada ezra", [1, 2, 3])];
        let grouping = group(100, &both, &settings);
        assert_eq!(names(&grouping), [vec![1, 2]]);
        assert_eq!(grouping.clusters[0][0].reasons.len(), 2);
    }

    #[test]
    fn a_hub_joins_nobody_and_is_told() {
        let settings = ClusterSettings { hub_limit: 10, ..ClusterSettings::default() };
        let grouping = group(100, &[pivot(PivotKind::Registrant, "REDACTED", 0..40)], &settings);
        assert!(grouping.clusters.is_empty());
        assert_eq!(grouping.hubs[0].shared_by, 40);
    }

    proptest! {
        #[test]
        fn the_order_of_pivots_does_not_matter(
            shared in prop::collection::vec((0u8..3, prop::collection::btree_set(0usize..30, 2..8)), 0..20),
            seed in 0u64..100,
        ) {
            let kinds = [PivotKind::Registrant, PivotKind::Address, PivotKind::NameServers];
            let pivots: Vec<Pivot> = shared
                .into_iter()
                .enumerate()
                .map(|(at, (kind, names))| Pivot { kind: kinds[kind as usize], value: at.to_string(), names })
                .collect();
            let mut other = pivots.clone();
            other.sort_by_key(|pivot| pivot.value.parse::<u64>().unwrap_or(0).wrapping_mul(2_654_435_761 + seed) % 97);
            let settings = ClusterSettings::default();
            prop_assert_eq!(group(30, &pivots, &settings), group(30, &other, &settings));
        }
    }
}
