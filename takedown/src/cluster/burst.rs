//! Registrations in a burst: one registrar's names within minutes, weighed by how busy it was just then.
//!
//! Measured on a public fleet: pairs of one registrant were registered a median 194 s apart, other pairs of that
//! day 2,100 s. Two things tell more than the gap alone: how many others the same registrar took in those minutes,
//! and whether the two names' name-server sets were used side by side before (accounts that one hand works with).

use std::collections::HashMap;

use super::{
    features::Features,
    graph::{POINTS, Tie},
    kind::PivotKind,
};

/// How fast a gap stops to say anything, in seconds.
const REACH: f64 = 400.0;
/// Registrations further apart say nothing, in seconds.
pub const FARTHEST_APART: i64 = 4 * REACH as i64;
/// Around a pair, how far others are counted, in seconds.
const AROUND: i64 = 300;
/// How fast a busy registrar stops to say anything.
const BUSY_POWER: f64 = 1.5;
/// How much side-by-side use of name-server sets adds.
const SIDE_BY_SIDE: f64 = 0.3;
/// How far apart registrations are side by side, in seconds; and the furthest that counts.
const BESIDE: f64 = 600.0;
const FURTHEST: i64 = 3_600;
/// The next so many registrations that a name is compared with.
const NEXT: usize = 64;
/// Evidence below so many points is not worth a tie.
const LEAST: u32 = 15;

/// A name's registration.
#[derive(Clone, Copy)]
struct Registration {
    registrar: u32,
    second: i64,
    name: u32,
    servers: u32,
    exact: bool,
}

/// A pair that a burst ties.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The tie.
    pub tie: Tie,
    /// Seconds between the two.
    pub gap: i64,
    /// How many the registrar took around them.
    pub busy: usize,
}

/// The ties of bursts.
pub fn pairs(features: &Features, hub_limit: usize) -> Vec<Pair> {
    let all = registrations(features, hub_limit);
    let beside = side_by_side(&all);
    let uses = uses(&all);
    let strength = PivotKind::Burst.strength();
    let mut found = Vec::new();
    let exact: Vec<Registration> = all.into_iter().filter(|one| one.exact).collect();
    for run in exact.chunk_by(|a, b| a.registrar == b.registrar) {
        let (mut low, mut high) = (0, 0);
        let around: Vec<(usize, usize)> = run
            .iter()
            .map(|one| {
                while run[low].second < one.second - AROUND {
                    low += 1;
                }
                while high < run.len() && run[high].second <= one.second + AROUND {
                    high += 1;
                }
                (low, high)
            })
            .collect();
        for (at, one) in run.iter().enumerate() {
            for (other, far) in run.iter().enumerate().skip(at + 1).take(NEXT) {
                let gap = far.second - one.second;
                if gap > FARTHEST_APART {
                    break;
                }
                let busy = around[other].1 - around[at].0;
                let quiet = 1.0 / (1.0 + (busy as f64 / strength.spread).powf(BUSY_POWER));
                let own = (-(gap as f64) / BESIDE).exp();
                let affinity = 1.0 + SIDE_BY_SIDE * affinity(one, far, &beside, &uses, own);
                let probability = (strength.pair * (-(gap as f64) / REACH).exp() * quiet * affinity).min(0.9);
                let points = (-(1.0 - probability).ln() * POINTS).round() as u32;
                if points >= LEAST {
                    let (a, b) = (one.name.min(far.name), one.name.max(far.name));
                    let tie = Tie { a, b, family: PivotKind::Burst.family(), points };
                    found.push(Pair { tie, gap, busy });
                }
            }
        }
    }
    found
}

/// All registrations with a time of day, by registrar and time. A name-server set that many share is a provider's
/// default and no account.
fn registrations(features: &Features, hub_limit: usize) -> Vec<Registration> {
    let mut all: Vec<Registration> = features
        .registered
        .iter()
        .enumerate()
        .filter_map(|(name, registered)| {
            // Names whose registrar nobody told are not of one registrar.
            let (moment, registrar) = (*registered).filter(|(_, registrar)| *registrar != 0)?;
            let set = features.servers.get(name).copied().unwrap_or(u32::MAX);
            let known = features.pivots.get(set as usize).is_some_and(|set| set.shared_by <= hub_limit);
            Some(Registration {
                registrar,
                second: moment.second,
                name: name as u32,
                servers: if known { set } else { u32::MAX },
                exact: moment.exact,
            })
        })
        .collect();
    all.sort_unstable_by_key(|one| (one.registrar, one.second, one.name));
    all
}

/// How often two name-server sets were used side by side.
fn side_by_side(all: &[Registration]) -> HashMap<(u32, u32), f64> {
    let mut beside: HashMap<(u32, u32), f64> = HashMap::new();
    for run in all.chunk_by(|a, b| a.registrar == b.registrar) {
        for (at, one) in run.iter().enumerate().filter(|(_, one)| one.exact && one.servers != u32::MAX) {
            for far in
                run.iter().skip(at + 1).take(NEXT).take_while(|far| far.second - one.second <= FURTHEST)
            {
                if far.exact && far.servers != u32::MAX {
                    let pair = (one.servers.min(far.servers), one.servers.max(far.servers));
                    *beside.entry(pair).or_default() += (-((far.second - one.second) as f64) / BESIDE).exp();
                }
            }
        }
    }
    beside
}

fn uses(all: &[Registration]) -> HashMap<u32, f64> {
    let mut uses: HashMap<u32, f64> = HashMap::new();
    for one in all.iter().filter(|one| one.servers != u32::MAX) {
        *uses.entry(one.servers).or_default() += 1.0;
    }
    uses
}

/// How much two registrations' name-server sets belong together, but for these two themselves.
fn affinity(
    one: &Registration,
    far: &Registration,
    beside: &HashMap<(u32, u32), f64>,
    uses: &HashMap<u32, f64>,
    own: f64,
) -> f64 {
    let pair = (one.servers.min(far.servers), one.servers.max(far.servers));
    let (Some(together), Some(a), Some(b)) = (beside.get(&pair), uses.get(&pair.0), uses.get(&pair.1)) else {
        return 0.0;
    };
    // A pair of one set counts from both of its ends.
    let together = if pair.0 == pair.1 { together * 2.0 - own } else { together - own };
    (together / (a * b).sqrt()).clamp(0.0, 10.0)
}

#[cfg(test)]
mod tests {
    use super::super::edge_list;
    use super::*;

    fn read(rows: &[(&str, &str)]) -> Features {
        let mut text = String::from("domain\tedge\tvalue\n");
        for (name, first_seen) in rows {
            text += &format!(
                "{name}\tregistrar\tR\n{name}\tcreated\t2025-05-07\n{name}\tfirst_seen\t{first_seen}\n"
            );
        }
        edge_list::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn seconds_apart_at_a_quiet_registrar_says_much_and_a_later_day_nothing() {
        let features = read(&[
            ("a.example", "2025-05-07T10:00:00Z"),
            ("b.example", "2025-05-07T10:00:40Z"),
            ("c.example", "2025-05-07T19:00:00Z"),
            // Seen a day later: nobody knows when it was registered.
            ("d.example", "2025-05-08T10:00:20Z"),
        ]);
        let found = pairs(&features, 50);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].tie.a, found[0].tie.b, found[0].gap), (0, 1, 40));
        assert!(found[0].tie.points > 400, "{found:?}");
    }

    #[test]
    fn a_busy_registrar_says_little() {
        let names: Vec<String> = (0..60).map(|at| format!("n{at:02}.example")).collect();
        let times: Vec<String> =
            (0..60).map(|at| format!("2025-05-07T10:{:02}:{:02}Z", at / 12, at % 12 * 5)).collect();
        let rows: Vec<(&str, &str)> =
            names.iter().zip(&times).map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert!(pairs(&read(&rows), 50).iter().all(|pair| pair.tie.points < 60));
    }
}
