//! Deterministic chance: named random streams, exact shares.

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// The random stream called `name` of a seed.
///
/// Every purpose has a stream of its own, so that a new campaign does not change the others.
pub(crate) fn stream(seed: u64, name: &str) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(name.as_bytes());
    ChaCha8Rng::from_seed(hash.finalize().into())
}

/// A number below `below` that depends on nothing but the seed and the name; 0 when `below` is 0.
pub(crate) fn pick(seed: u64, name: &str, below: u64) -> u64 {
    if below == 0 { 0 } else { stream(seed, name).random_range(0..below) }
}

/// Hands out `n` things in proportion to their weights, exactly (largest remainder), in the order given.
pub(crate) fn apportion<K: Clone>(weights: &[(K, f64)], n: usize) -> Vec<K> {
    let total: f64 = weights.iter().map(|(_, w)| w).sum();
    if total <= 0.0 {
        return Vec::new();
    }
    let shares: Vec<f64> = weights.iter().map(|(_, w)| w / total * as_f64(n)).collect();
    let mut counts: Vec<usize> = shares.iter().map(|s| floor(*s)).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|a, b| shares[*b].fract().total_cmp(&shares[*a].fract()).then(a.cmp(b)));
    let missing = n.saturating_sub(counts.iter().sum());
    for i in order.iter().cycle().take(missing) {
        counts[*i] += 1;
    }
    let pairs = weights.iter().zip(counts);
    pairs.flat_map(|((k, _), c)| std::iter::repeat_n(k.clone(), c)).collect()
}

/// As [`apportion`], in random order.
pub(crate) fn deal<K: Clone>(rng: &mut ChaCha8Rng, weights: &[(K, f64)], n: usize) -> Vec<K> {
    let mut dealt = apportion(weights, n);
    dealt.shuffle(rng);
    dealt
}

/// Group sizes that sum to `n`, in proportion to their weights, in random order.
pub(crate) fn group_sizes(rng: &mut ChaCha8Rng, weights: &[(usize, f64)], n: usize) -> Vec<usize> {
    let members: f64 = weights.iter().map(|(size, w)| as_f64(*size) * w).sum();
    let scale = as_f64(n) / members;
    let mut sizes: Vec<usize> = Vec::new();
    for (size, w) in weights {
        // The small number keeps 143.0 × 1.0 from being rounded down to 142.
        let count = floor(w * scale + 1e-9);
        sizes.extend(std::iter::repeat_n(*size, count));
    }
    let mut left = n.saturating_sub(sizes.iter().sum());
    let mut known: Vec<usize> = weights.iter().map(|(s, _)| *s).collect();
    known.sort_unstable();
    while left > 0 {
        let next = known.iter().rev().copied().find(|s| *s <= left).unwrap_or(left);
        sizes.push(next);
        left -= next;
    }
    sizes.shuffle(rng);
    sizes
}

/// A positive number of seconds with the given median and a long tail (at most six times the median).
///
/// Plain arithmetic instead of a logarithm, so that every platform comes to the same second.
pub(crate) fn gap(rng: &mut ChaCha8Rng, median: u32) -> u32 {
    let low = median / 8 + 1;
    let part: u32 = rng.random_range(0..2_000);
    if part < 1_000 {
        low + (median.saturating_sub(low)) * part / 1_000
    } else {
        let tail = u64::from(part - 1_000);
        let cubed = tail * tail * tail * u64::from(median) * 5 / 1_000_000_000;
        median + u32::try_from(cubed).unwrap_or(median)
    }
}

/// `n` as a floating number; exact, the counts of a scenario are small.
#[expect(clippy::cast_precision_loss, reason = "counts are bounded by MAX_DOMAINS")]
pub(crate) fn as_f64(n: usize) -> f64 {
    n as f64
}

/// The whole part of a non-negative number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "never negative, bounded by MAX_DOMAINS"
)]
pub(crate) fn floor(x: f64) -> usize {
    x as usize
}

/// The given part of `n`, rounded.
pub(crate) fn part_of(n: usize, part: f64) -> usize {
    floor(as_f64(n) * part + 0.5)
}
