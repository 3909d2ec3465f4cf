//! Learning from labelled names in the order of time: each is judged by what was known before it, so that no figure
//! looks ahead, and then becomes what the next ones are judged by.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::{
    evidence::{Families, LOOKS, Tally, add, looks, speak},
    fit::{Calibration, Case, margins, scores, weights},
};
use crate::cluster::kind::PivotKind;

/// A family with fewer labelled names is not told apart.
pub const FEWEST: usize = 20;
/// The most names that weights are fitted to, evenly drawn over time.
const CASES: usize = 12_000;
/// Parts of equal size that time is cut into; each after the first is predicted by those before it.
const FOLDS: usize = 5;
/// From so many labelled names on a value's tally is kept with the model; of fewer it is counted when it is asked for.
pub const OFTEN: u32 = 200;
/// Looks that fewer labelled names have are not kept.
const RARE: u32 = 3;
/// Families that a margin is judged of, for the curve that makes margins probabilities.
const JUDGED: usize = 3;

/// The kinds of evidence from what names hold. That a document names two names is none: the document's label is
/// mostly where theirs comes from.
pub const PIVOTS: [PivotKind; 14] = [
    PivotKind::Address,
    PivotKind::Prefix,
    PivotKind::AutonomousSystem,
    PivotKind::NameServers,
    PivotKind::SoaMailbox,
    PivotKind::MailHost,
    PivotKind::Certificate,
    PivotKind::Registrant,
    PivotKind::Registrar,
    PivotKind::Day,
    PivotKind::Redirect,
    PivotKind::DeadDrop,
    PivotKind::PayloadHost,
    PivotKind::RecordShape,
];

/// How common families are, before anything else is known.
pub const SHARE: &str = "share";

/// Every kind of evidence, as weights are numbered.
pub fn kinds() -> Vec<&'static str> {
    [SHARE].into_iter().chain(LOOKS).chain(PIVOTS.map(PivotKind::as_str)).collect()
}

/// A labelled name.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// The name.
    pub name: String,
    /// Its family.
    pub family: String,
    /// What it holds: kind and value.
    pub held: Vec<(String, String)>,
}

/// What was learned, as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Model {
    /// The families and how many labelled names each has; the first stands for all that have too few.
    pub families: Vec<(String, u32)>,
    /// Each family's share of the names of late.
    pub recent: Vec<f64>,
    /// How much each kind of evidence counts; naive Bayes is 1.
    pub weights: BTreeMap<String, f64>,
    /// From margins to probabilities.
    pub calibration: Calibration,
    /// What many labelled names have, by kind and value.
    pub tallies: BTreeMap<String, BTreeMap<String, Tally>>,
    /// How well it does.
    pub report: Report,
}

/// How well names were attributed by what was known before them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Labelled names.
    pub examples: usize,
    /// Families that are told apart.
    pub families: usize,
    /// Names that were attributed: the last of the parts of time.
    pub tested: usize,
    /// The part of them that is of the family found most likely.
    pub accuracy: f64,
    /// The same, if always the family most common of late were said.
    pub baseline: f64,
    /// The mean squared error of the probability; 0 is best.
    pub brier: f64,
    /// How far probabilities are from how often they are right, on average over ten equal ranges.
    pub calibration_error: f64,
    /// The part of them attributed with 0.9 or more.
    pub sure: f64,
    /// The part of those that is right.
    pub sure_right: f64,
}

/// Learns from names in the order of time; none if fewer than two families have enough of them.
pub fn learn(examples: &[Labelled]) -> Option<Model> {
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for example in examples {
        *sizes.entry(&example.family).or_default() += 1;
    }
    let known = sizes.iter().filter(|(_, size)| **size >= FEWEST).map(|(family, _)| (*family).to_owned());
    let mut walk = Walk { families: Families::of(known), kinds: kinds(), tallies: HashMap::new() };
    if walk.families.names.len() < 3 {
        return None;
    }
    let every = examples.len().div_ceil(CASES).max(1);
    let mut cases: Vec<(Case, u16)> = Vec::with_capacity(examples.len() / every + 1);
    for (at, example) in examples.iter().enumerate() {
        if at % every == 0 {
            let case = Case { family: walk.families.number(&example.family), evidence: walk.judge(example) };
            cases.push((case, walk.most_common()));
        }
        walk.take(example);
    }
    let (calibration, report) = evaluate(&cases, walk.kinds.len());
    let all: Vec<Case> = cases.into_iter().map(|(case, _)| case).collect();
    let weights = weights(&all, walk.kinds.len());
    let report = Report { examples: examples.len(), families: walk.families.names.len() - 1, ..report };
    Some(walk.model(weights, calibration, report))
}

/// What is known so far.
struct Walk {
    families: Families,
    kinds: Vec<&'static str>,
    tallies: HashMap<(usize, String), Tally>,
}

impl Walk {
    /// A name's evidence with the number of its kind.
    fn told<'a>(&'a self, example: &'a Labelled) -> impl Iterator<Item = (usize, String)> + 'a {
        let number = |kind: &str| self.kinds.iter().position(|known| *known == kind);
        let looks = looks(&example.name).into_iter().map(|(kind, value)| (kind.to_owned(), value));
        let all = looks.chain(example.held.iter().cloned());
        all.filter_map(move |(kind, value)| Some((number(&kind)?, value)))
    }

    /// What speaks for each family now.
    fn judge(&self, example: &Labelled) -> Vec<f32> {
        let shares = self.families.shares();
        let mut said = vec![vec![0.0; shares.len()]; self.kinds.len()];
        said[0] = self.families.recent().into_iter().map(f64::ln).collect();
        for key in self.told(example) {
            if let Some(tally) = self.tallies.get(&key) {
                speak(tally, &shares, &mut said[key.0]);
            }
        }
        (0..shares.len()).flat_map(|family| said.iter().map(move |kind| kind[family] as f32)).collect()
    }

    /// The named family with the largest share of late.
    fn most_common(&self) -> u16 {
        let named = self.families.recent().into_iter().zip(0u16..).skip(1);
        named.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1))).map_or(0, |(_, family)| family)
    }

    fn take(&mut self, example: &Labelled) {
        let family = self.families.number(&example.family);
        let told: Vec<_> = self.told(example).collect();
        for key in told {
            add(self.tallies.entry(key).or_default(), family);
        }
        self.families.count(family);
    }

    fn model(self, weights: Vec<f64>, calibration: Calibration, report: Report) -> Model {
        let mut tallies: BTreeMap<String, BTreeMap<String, Tally>> = BTreeMap::new();
        for ((kind, value), mut tally) in self.tallies {
            let least = if kind <= LOOKS.len() { RARE } else { OFTEN };
            if tally.iter().map(|(_, count)| count).sum::<u32>() >= least {
                tally.sort_unstable();
                tallies.entry(self.kinds[kind].to_owned()).or_default().insert(value, tally);
            }
        }
        let recent = self.families.recent();
        let names = self.families.names.into_iter().zip(self.families.counts).collect();
        let weights = self.kinds.iter().map(|kind| (*kind).to_owned()).zip(weights).collect();
        Model { families: names, recent, weights, calibration, tallies, report }
    }
}

/// What was predicted of a name: margins with whether each was right, the likeliest first.
struct Predicted {
    judged: Vec<(f64, bool)>,
    /// Whether the family most common of late would have been right.
    common: bool,
}

/// Each part of time after the first, predicted by weights from those before it; the curve for probabilities from all of
/// that, and the figures from the parts for which there was a curve before them.
fn evaluate(cases: &[(Case, u16)], kinds: usize) -> (Calibration, Report) {
    let bound = |fold: usize| cases.len() * fold / FOLDS;
    let mut told: Vec<(f64, bool)> = Vec::new();
    let mut tested: Vec<(f64, bool)> = Vec::new();
    let mut common = 0usize;
    for fold in 1..FOLDS {
        let before: Vec<Case> = cases[..bound(fold)].iter().map(|(case, _)| case.clone()).collect();
        let weights = weights(&before, kinds);
        let predicted: Vec<Predicted> =
            cases[bound(fold)..bound(fold + 1)].iter().map(|case| predict(case, &weights)).collect();
        if fold > 1 {
            let curve = Calibration::fit(&told);
            for one in &predicted {
                tested.extend(one.judged.first().map(|(margin, right)| (curve.probability(*margin), *right)));
                common += usize::from(one.common);
            }
        }
        told.extend(predicted.into_iter().flat_map(|one| one.judged));
    }
    (Calibration::fit(&told), figures(&tested, common))
}

fn predict((case, common): &(Case, u16), weights: &[f64]) -> Predicted {
    let margins = margins(&scores(&case.evidence, weights));
    let mut judged: Vec<(f64, bool)> = margins
        .iter()
        .enumerate()
        .skip(1)
        .map(|(family, margin)| (*margin, family == usize::from(case.family)))
        .collect();
    judged.sort_by(|a, b| b.0.total_cmp(&a.0));
    judged.truncate(JUDGED);
    Predicted { judged, common: *common == case.family }
}

fn figures(tested: &[(f64, bool)], common: usize) -> Report {
    let all = tested.len().max(1) as f64;
    let rate = |right: &bool| f64::from(u8::from(*right));
    let mut ranges = [(0.0, 0.0, 0.0); 10];
    for (probability, right) in tested {
        let range = &mut ranges[((probability * 10.0) as usize).min(9)];
        *range = (range.0 + 1.0, range.1 + probability, range.2 + rate(right));
    }
    let sure: Vec<_> = tested.iter().filter(|(probability, _)| *probability >= 0.9).collect();
    Report {
        tested: tested.len(),
        accuracy: tested.iter().map(|(_, right)| rate(right)).sum::<f64>() / all,
        baseline: common as f64 / all,
        brier: tested.iter().map(|(p, right)| (p - rate(right)).powi(2)).sum::<f64>() / all,
        calibration_error: ranges.iter().map(|(_, told, right)| (told - right).abs()).sum::<f64>() / all,
        sure: sure.len() as f64 / all,
        sure_right: sure.iter().map(|(_, right)| rate(right)).sum::<f64>() / sure.len().max(1) as f64,
        ..Report::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three families in turn: one by its registrar, one by its names, one by nothing.
    fn examples(count: usize) -> Vec<Labelled> {
        let example = |at: usize| {
            let (name, family, registrar) = match at % 3 {
                0 => (format!("n{at}x.example"), "Alpha", "iana:1".to_owned()),
                1 => (format!("secure-beta{at}.example"), "Beta", format!("iana:{}", 10 + at % 7)),
                _ => (format!("{}q.example", at * 7_919 % 10_007), "Gamma", format!("iana:{}", 10 + at % 7)),
            };
            Labelled { name, family: family.into(), held: vec![("registrar".into(), registrar)] }
        };
        (0..count).map(example).collect()
    }

    #[test]
    fn families_are_told_by_what_they_share_and_the_figures_say_so() {
        let model = learn(&examples(600)).unwrap();
        let report = model.report;
        assert_eq!((report.examples, report.families, report.tested), (600, 3, 360));
        assert!(report.accuracy > 0.95 && report.baseline < 0.4, "{report:?}");
        assert!(report.brier < 0.05 && report.calibration_error < 0.1, "{report:?}");
        assert!(model.tallies["registrar"].contains_key("iana:1"), "{:?}", model.tallies.keys());
        // The same again gives the same.
        let again = learn(&examples(600)).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), serde_json::to_string(&model).unwrap());
    }

    #[test]
    fn labels_without_a_pattern_are_told_with_no_confidence() {
        let mut examples = examples(600);
        let families: Vec<String> = examples.iter().map(|example| example.family.clone()).collect();
        for (at, example) in examples.iter_mut().enumerate() {
            example.family.clone_from(&families[at * 7_919 % 601 % 600]);
        }
        let report = learn(&examples).unwrap().report;
        assert!(report.accuracy < 0.5 && report.sure < 0.05, "{report:?}");
    }

    #[test]
    fn one_family_alone_teaches_nothing() {
        let mut examples = examples(600);
        examples.retain(|example| example.family == "Alpha");
        assert!(learn(&examples).is_none());
    }
}
