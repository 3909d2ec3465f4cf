//! How much each kind of evidence counts: a conditional logit over the families whose starting point is naive Bayes
//! (every weight 1), and a curve that makes its margins probabilities. Both are a few numbers that anybody can read.

/// A labelled name as the families' evidence saw it before its label was known.
#[derive(Clone, Debug)]
pub struct Case {
    /// The family that it turned out to be of.
    pub family: u16,
    /// What speaks for each family: kinds of evidence side by side, for one family after the other. The first of
    /// each family is the logarithm of its share of all names.
    pub evidence: Vec<f32>,
}

/// What ties a weight to 1, in cases: where the data say little, naive Bayes stands.
const TIED: f64 = 4.0;
/// Steps of Newton's method; it settles in less than ten.
const STEPS: usize = 25;

/// What each family scores with these weights.
pub fn scores(evidence: &[f32], weights: &[f64]) -> Vec<f64> {
    evidence
        .chunks_exact(weights.len())
        .map(|row| row.iter().zip(weights).map(|(said, weight)| f64::from(*said) * weight).sum())
        .collect()
}

/// The logarithm of the sum of exponentials.
fn pooled(scores: impl Iterator<Item = f64> + Clone) -> f64 {
    let most = scores.clone().fold(f64::NEG_INFINITY, f64::max);
    if most == f64::NEG_INFINITY {
        most
    } else {
        most + scores.map(|score| (score - most).exp()).sum::<f64>().ln()
    }
}

/// By how much each family's score exceeds all others' together.
pub fn margins(scores: &[f64]) -> Vec<f64> {
    let margin = |at: usize| {
        let others =
            scores.iter().enumerate().filter(move |(other, _)| *other != at).map(|(_, score)| *score);
        (scores[at] - pooled(others)).clamp(-FARTHEST, FARTHEST)
    };
    (0..scores.len()).map(margin).collect()
}

/// Margins beyond this are all alike.
const FARTHEST: f64 = 50.0;

/// The weights under which the cases are most likely, tied to 1. Newton's method on a convex function.
pub fn weights(cases: &[Case], kinds: usize) -> Vec<f64> {
    let mut weights = vec![1.0; kinds];
    let mut cost = costs(cases, &weights);
    for _ in 0..STEPS {
        let (slope, curve) = slopes(cases, &weights);
        let Some(step) = solve(curve, slope) else { break };
        // The step is halved until it gains: far from the end Newton's step may be too long.
        let mut part = 1.0;
        let next = loop {
            let next: Vec<f64> =
                weights.iter().zip(&step).map(|(weight, step)| (weight - part * step).max(0.0)).collect();
            let dearer = costs(cases, &next);
            if dearer < cost {
                break Some((next, dearer));
            }
            part /= 2.0;
            if part < 1e-3 {
                break None;
            }
        };
        let Some((next, cheaper)) = next else { break };
        let gained = cost - cheaper;
        (weights, cost) = (next, cheaper);
        if gained < 1e-6 * cost.max(1.0) {
            break;
        }
    }
    weights
}

fn costs(cases: &[Case], weights: &[f64]) -> f64 {
    let tied: f64 = weights.iter().map(|weight| (weight - 1.0).powi(2)).sum::<f64>() * TIED / 2.0;
    let missed = cases.iter().map(|case| {
        let scores = scores(&case.evidence, weights);
        pooled(scores.iter().copied()) - scores.get(usize::from(case.family)).copied().unwrap_or_default()
    });
    tied + missed.sum::<f64>()
}

/// The slope of the cost, and its curvature, row by row.
fn slopes(cases: &[Case], weights: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let kinds = weights.len();
    let mut slope: Vec<f64> = weights.iter().map(|weight| TIED * (weight - 1.0)).collect();
    let mut curve = vec![0.0; kinds * kinds];
    for at in 0..kinds {
        curve[at * kinds + at] = TIED;
    }
    for case in cases {
        let scores = scores(&case.evidence, weights);
        let all = pooled(scores.iter().copied());
        let mut mean = vec![0.0; kinds];
        for (family, (score, row)) in scores.iter().zip(case.evidence.chunks_exact(kinds)).enumerate() {
            let likely = (score - all).exp();
            let own = f64::from(u8::from(family == usize::from(case.family)));
            for (a, said) in row.iter().enumerate() {
                let said = f64::from(*said);
                slope[a] += (likely - own) * said;
                mean[a] += likely * said;
                if likely > 1e-6 && said != 0.0 {
                    for (b, other) in row.iter().enumerate().skip(a) {
                        curve[a * kinds + b] += likely * said * f64::from(*other);
                    }
                }
            }
        }
        for (a, one) in mean.iter().enumerate() {
            for (b, other) in mean.iter().enumerate().skip(a) {
                curve[a * kinds + b] -= one * other;
            }
        }
    }
    for a in 0..kinds {
        for b in 0..a {
            curve[a * kinds + b] = curve[b * kinds + a];
        }
    }
    (slope, curve)
}

/// Solves `matrix * x = right` for a symmetric positive definite matrix (Cholesky); none if it is not.
fn solve(mut matrix: Vec<f64>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let n = right.len();
    for a in 0..n {
        for b in 0..=a {
            let sum: f64 = (0..b).map(|c| matrix[a * n + c] * matrix[b * n + c]).sum();
            let left = matrix[a * n + b] - sum;
            if a == b {
                if left <= 0.0 {
                    return None;
                }
                matrix[a * n + a] = left.sqrt();
            } else {
                matrix[a * n + b] = left / matrix[b * n + b];
            }
        }
    }
    for a in 0..n {
        let sum: f64 = (0..a).map(|b| matrix[a * n + b] * right[b]).sum();
        right[a] = (right[a] - sum) / matrix[a * n + a];
    }
    for a in (0..n).rev() {
        let sum: f64 = (a + 1..n).map(|b| matrix[b * n + a] * right[b]).sum();
        right[a] = (right[a] - sum) / matrix[a * n + a];
    }
    Some(right)
}

/// From margins to probabilities (Platt 1999): `1 / (1 + exp(-(slope * margin + shift)))`. Two numbers, so that a store
/// with a few hundred labelled names has enough for them, and always rising; an isotonic fit needs thousands.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Calibration {
    /// How much a unit of margin counts.
    pub slope: f64,
    /// What a margin of nothing is worth.
    pub shift: f64,
}

impl Default for Calibration {
    fn default() -> Self {
        Self { slope: 1.0, shift: 0.0 }
    }
}

impl Calibration {
    /// The probability of a margin.
    pub fn probability(self, margin: f64) -> f64 {
        1.0 / (1.0 + (-(self.slope * margin + self.shift)).exp())
    }

    /// The curve under which it is most likely that a margin was right as often as told. The targets are drawn in as
    /// Platt has it, so that a curve over few cases stays short of certainty.
    pub fn fit(told: &[(f64, bool)]) -> Self {
        let right = told.iter().filter(|(_, right)| *right).count() as f64;
        let wrong = told.len() as f64 - right;
        if right == 0.0 || wrong == 0.0 {
            return Self::default();
        }
        let (high, low) = ((right + 1.0) / (right + 2.0), 1.0 / (wrong + 2.0));
        let mut curve = Self::default();
        for _ in 0..100 {
            let (mut g, mut h) = ([0.0; 2], vec![1e-9, 0.0, 0.0, 1e-9]);
            for (margin, right) in told {
                let likely = curve.probability(*margin);
                let error = likely - if *right { high } else { low };
                let spread = likely * (1.0 - likely);
                g[0] += error * margin;
                g[1] += error;
                h[0] += spread * margin * margin;
                h[1] += spread * margin;
                h[3] += spread;
            }
            h[2] = h[1];
            let Some(step) = solve(h, g.to_vec()) else { break };
            // A bounded step: the curve is flat where all margins are large.
            let part = 1.0_f64.min(1.0 / step[0].abs().max(step[1].abs()).max(1e-12));
            curve.slope = (curve.slope - part * step[0]).max(1e-3);
            curve.shift -= part * step[1];
            if step[0].abs().max(step[1].abs()) < 1e-9 {
                break;
            }
        }
        curve
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two families; the first kind of evidence is right seven times of ten, the second tells nothing.
    fn cases() -> Vec<Case> {
        let case = |at: usize| {
            let family = u16::from(at % 2 == 1);
            let right = at % 10 < 7;
            let says = if right == (family == 1) { 1.0f32 } else { -1.0 };
            let noise = if at % 4 < 2 { 1.0f32 } else { -1.0 };
            Case { family, evidence: vec![0.0, -says, -noise, 0.0, says, noise] }
        };
        (0..1_000).map(case).collect()
    }

    #[test]
    fn what_is_right_counts_and_what_tells_nothing_does_not() {
        let cases = cases();
        let weights = weights(&cases, 3);
        // Right seven times of ten at a distance of two: the weight is ln(7/3) / 2.
        assert!((weights[1] - (7.0_f64 / 3.0).ln() / 2.0).abs() < 0.02, "{weights:?}");
        assert!(weights[2] < 0.05, "{weights:?}");
    }

    #[test]
    fn a_margin_becomes_how_often_it_is_right() {
        // Margins of 4 that are right eight times of ten, of 0 that are right five times of ten.
        let told: Vec<(f64, bool)> =
            (0..1_000).map(|at| if at % 2 == 0 { (4.0, at % 20 < 16) } else { (0.0, at % 4 == 1) }).collect();
        let curve = Calibration::fit(&told);
        assert!((curve.probability(4.0) - 0.8).abs() < 0.01, "{curve:?}");
        assert!((curve.probability(0.0) - 0.5).abs() < 0.01, "{curve:?}");
        assert_eq!(Calibration::fit(&[(1.0, true)]), Calibration::default());
    }

    #[test]
    fn margins_are_against_all_others_together() {
        let told = margins(&[2.0_f64.ln(), 0.0, 0.0]);
        assert!(told[0].abs() < 1e-9 && (told[1] + 3.0_f64.ln()).abs() < 1e-9, "{told:?}");
    }
}
