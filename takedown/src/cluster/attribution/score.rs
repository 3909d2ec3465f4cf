//! What a model says of a name, and why. Pure.

use serde::Serialize;

use super::{
    evidence::{LOOKS, Tally, looks, shares, speak},
    fit::margins,
    learn::{Model, SHARE},
};

/// How likely a name, or the members of a cluster, are of a family. The machine labels nothing: a person decides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Likelihood {
    /// The family.
    pub family: String,
    /// How likely, from 0 to 1; of a cluster the share of its members that is expected to be of it.
    pub probability: f64,
    /// What speaks for it most.
    pub evidence: Vec<Said>,
}

/// A piece of evidence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Said {
    /// Of what kind: a kind of pivot, or `top_level_domain`, `name_shape`, `name_word`, `letters`.
    pub kind: String,
    /// The value.
    pub value: String,
    /// How many labelled names have it.
    pub labelled: u32,
    /// How many of those are of the family.
    pub of_family: u32,
    /// How much it speaks for the family, in nats, weighed as its kind is.
    pub weight: f64,
}

/// Pieces of evidence that are told.
const TOLD: usize = 5;
/// Families that are told.
const FAMILIES: usize = 3;
/// Less likely families are not told.
const LEAST: f64 = 0.01;

/// What a name has, and how many labelled names of each family have it.
pub type Had = (String, String, Tally);

/// What the name itself shows, with the model's tallies.
pub fn shown(model: &Model, name: &str) -> Vec<Had> {
    let tally = |kind: &str, value: &str| model.tallies.get(kind)?.get(value).cloned();
    let told = looks(name).into_iter();
    told.filter_map(|(kind, value)| Some((kind.to_owned(), value.clone(), tally(kind, &value)?))).collect()
}

/// How likely each family is, the likeliest first.
pub fn attribute(model: &Model, had: &[Had]) -> Vec<Likelihood> {
    let shares = shares(model.families.iter().map(|(_, count)| f64::from(*count)));
    let weight = |kind: &str| model.weights.get(kind).copied().unwrap_or_default();
    let mut scores: Vec<f64> = model.recent.iter().map(|share| weight(SHARE) * share.ln()).collect();
    let mut said: Vec<Vec<f64>> = Vec::with_capacity(had.len());
    for (kind, _, tally) in had {
        let mut sums = vec![0.0; shares.len()];
        speak(tally, &shares, &mut sums);
        sums.iter_mut().for_each(|sum| *sum *= weight(kind));
        scores.iter_mut().zip(&sums).for_each(|(score, sum)| *score += sum);
        said.push(sums);
    }
    let mut likely: Vec<(usize, f64)> = margins(&scores)
        .into_iter()
        .enumerate()
        .skip(1)
        .map(|(family, margin)| (family, model.calibration.probability(margin)))
        .filter(|(_, probability)| *probability >= LEAST)
        .collect();
    likely.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    likely.truncate(FAMILIES);
    likely
        .into_iter()
        .map(|(family, probability)| Likelihood {
            family: model.families[family].0.clone(),
            probability,
            evidence: evidence(had, &said, family),
        })
        .collect()
}

/// What speaks most for a family. Runs of letters are too many and too small to be told one by one.
fn evidence(had: &[Had], said: &[Vec<f64>], family: usize) -> Vec<Said> {
    let told = had.iter().zip(said).filter(|((kind, ..), sums)| kind != LOOKS[3] && sums[family] > 0.0);
    let mut told: Vec<Said> = told
        .map(|((kind, value, tally), sums)| Said {
            kind: kind.clone(),
            value: value.clone(),
            labelled: tally.iter().map(|(_, count)| count).sum(),
            of_family: tally.iter().find(|(of, _)| usize::from(*of) == family).map_or(0, |(_, count)| *count),
            weight: sums[family],
        })
        .collect();
    told.sort_by(|a, b| {
        b.weight.total_cmp(&a.weight).then_with(|| (&a.kind, &a.value).cmp(&(&b.kind, &b.value)))
    });
    told.truncate(TOLD);
    told
}

/// What members say together: the share of them that is expected to be of each family, and what speaks for it in most
/// of them.
pub fn together(members: &[Vec<Likelihood>]) -> Vec<Likelihood> {
    let mut all: Vec<Likelihood> = Vec::new();
    for likelihood in members.iter().flatten() {
        let share = likelihood.probability / members.len() as f64;
        let at = all.iter().position(|known| known.family == likelihood.family).unwrap_or_else(|| {
            all.push(Likelihood { probability: 0.0, evidence: Vec::new(), ..likelihood.clone() });
            all.len() - 1
        });
        let known = &mut all[at];
        known.probability += share;
        for said in &likelihood.evidence {
            let weight = said.weight / members.len() as f64;
            let same = |known: &&mut Said| (&known.kind, &known.value) == (&said.kind, &said.value);
            match known.evidence.iter_mut().find(same) {
                Some(known) => known.weight += weight,
                None => known.evidence.push(Said { weight, ..said.clone() }),
            }
        }
    }
    for likelihood in &mut all {
        likelihood.evidence.sort_by(|a, b| {
            b.weight.total_cmp(&a.weight).then_with(|| (&a.kind, &a.value).cmp(&(&b.kind, &b.value)))
        });
        likelihood.evidence.truncate(TOLD);
    }
    all.sort_by(|a, b| b.probability.total_cmp(&a.probability).then_with(|| a.family.cmp(&b.family)));
    all.truncate(FAMILIES);
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::cluster::attribution::{fit::Calibration, learn::Report};

    fn model() -> Model {
        let weights = ["share", "registrar", "top_level_domain"].map(|kind| (kind.to_owned(), 1.0));
        let tallies = BTreeMap::from([(
            "top_level_domain".to_owned(),
            BTreeMap::from([("example".to_owned(), vec![(1, 50), (2, 50)])]),
        )]);
        Model {
            families: [("", 10), ("Alpha", 50), ("Beta", 50)]
                .map(|(name, count)| (name.to_owned(), count))
                .into(),
            recent: vec![0.1, 0.45, 0.45],
            weights: weights.into(),
            calibration: Calibration::default(),
            tallies,
            report: Report::default(),
        }
    }

    #[test]
    fn a_likely_family_comes_with_what_speaks_for_it() {
        let model = model();
        let mut had = shown(&model, "one.example");
        assert_eq!(had.len(), 1);
        had.push(("registrar".into(), "iana:1".into(), vec![(2, 30), (1, 1)]));
        let likely = attribute(&model, &had);
        assert_eq!(likely[0].family, "Beta");
        assert!(likely[0].probability > 0.85 && likely[0].probability + likely[1].probability <= 1.0 + 1e-9);
        let said = &likely[0].evidence[0];
        assert_eq!((said.kind.as_str(), said.labelled, said.of_family), ("registrar", 31, 30));
        // A kind that the model does not know says nothing.
        assert_eq!(attribute(&model, &[("title".into(), "x".into(), vec![(2, 30)])])[0].evidence, []);
    }

    #[test]
    fn a_cluster_is_what_its_members_are_on_average() {
        let of = |family: &str, probability| Likelihood {
            family: family.into(),
            probability,
            evidence: Vec::new(),
        };
        let all = together(&[vec![of("Alpha", 0.9)], vec![of("Beta", 0.4), of("Alpha", 0.3)], Vec::new()]);
        let told: Vec<_> =
            all.iter().map(|one| (one.family.as_str(), (one.probability * 100.0).round())).collect();
        assert_eq!(told, [("Alpha", 40.0), ("Beta", 13.0)]);
    }
}
