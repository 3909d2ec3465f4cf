//! From who holds what to who is tied to whom, without the quadratic blow-up: what too many hold is parked as a
//! hub, what many hold ties each holder to a bounded number of others.

use super::{
    features::{Features, Pivot},
    graph::{POINTS, Tie},
    kind::PivotKind,
};

/// Up to so many holders, all pairs are tied.
const ALL_PAIRS: usize = 32;
/// Above, each holder is tied to so many others on either side of a ring, at evenly spread distances.
const STRIDES: usize = 16;
/// Evidence below so many points is not worth a tie.
const LEAST: u32 = 15;
/// A name that more than so many plain links end at is a hub of them.
pub const LINK_HUB: usize = 250;

/// What a pivot that `shared_by` names hold weighs for two of them, in points: the evidence that they belong
/// together, `-ln(1 - p)`, so that independent evidence adds up.
pub fn points(kind: PivotKind, shared_by: usize) -> u32 {
    let strength = kind.strength();
    let others = shared_by.saturating_sub(2) as f64;
    let probability = strength.pair * strength.spread / (strength.spread + others);
    (-(1.0 - probability).ln() * POINTS).round() as u32
}

/// What a pivot weighs: a trusted one as much as a registrant's token that two names hold.
pub fn weight(kind: PivotKind, pivot: &Pivot) -> u32 {
    if pivot.trusted { points(PivotKind::Registrant, 2) } else { points(kind, pivot.shared_by) }
}

/// The family of a kind; kinds that we do not know have one each.
pub fn family(features: &Features, kind: u16) -> u8 {
    let family = features.pivot_kind(kind).family();
    if features.pivot_kind(kind) == PivotKind::Other { family.saturating_add(kind as u8) } else { family }
}

/// Ties the holders of each pivot in `kept`.
pub fn project<'a>(features: &Features, kept: impl Iterator<Item = &'a Pivot>, ties: &mut Vec<Tie>) {
    for pivot in kept {
        let holders = features.holders_of(pivot);
        let points = weight(features.pivot_kind(pivot.kind), pivot);
        if points < LEAST {
            continue;
        }
        let family = family(features, pivot.kind);
        let mut tie = |one: u32, other: u32, points: u32| {
            ties.push(Tie { a: one.min(other), b: one.max(other), family, points });
        };
        if holders.len() <= ALL_PAIRS {
            for (at, one) in holders.iter().enumerate() {
                for other in &holders[at + 1..] {
                    tie(*one, *other, points);
                }
            }
        } else {
            // Together the fewer ties weigh what all pairs would.
            let scaled = (u64::from(points) * (holders.len() as u64 - 1) / (2 * STRIDES as u64)) as u32;
            let half = (holders.len() - 1) / 2;
            for (at, one) in holders.iter().enumerate() {
                for stride in 1..=STRIDES {
                    let far = (at + (stride * half).div_ceil(STRIDES)) % holders.len();
                    tie(*one, holders[far], scaled);
                }
            }
        }
    }
}

/// The plain links between names, each worth `points`, but for those of hubs; and the hubs with their links.
pub fn links(features: &Features, points: u32, ties: &mut Vec<Tie>) -> Vec<(u32, usize)> {
    let mut degree = vec![0usize; features.names.len()];
    for (a, b, _) in &features.links {
        degree[*a as usize] += 1;
        degree[*b as usize] += 1;
    }
    let family = PivotKind::Link.family();
    let plain = |node: u32| degree[node as usize] <= LINK_HUB;
    let kept = features.links.iter().filter(|(a, b, _)| plain(*a) && plain(*b));
    ties.extend(kept.map(|(a, b, _)| Tie { a: *a, b: *b, family, points }));
    (0..features.names.len() as u32)
        .filter(|node| !plain(*node))
        .map(|node| (node, degree[node as usize]))
        .collect()
}
