//! Evidence that a name is of a family: what names of known families hold or look like, and how many of them.
//!
//! A value that `n` labelled names have, `m` of them of family `f`, speaks for `f` with the logarithm of how much more
//! often `f` is among them than among all, each family counted [`SHRINK`] names too many in its share, so that what
//! few names have says little.

use std::collections::HashMap;

use crate::cluster::shape;

/// Labelled names that every value is counted to have besides, shared among the families as all names are.
const SHRINK: f64 = 2.0;

/// So many names ago a name counts a third of what it does now, for how common its family is.
const MEMORY: f64 = 200.0;

/// The kinds of evidence that the name itself gives; the others are kinds of pivots.
pub const LOOKS: [&str; 4] = ["top_level_domain", "name_shape", "name_word", "letters"];

/// How many labelled names of each family have a value: family, names. Short lists, so they are walked.
pub type Tally = Vec<(u16, u32)>;

/// Adds a name of a family to a tally.
pub fn add(tally: &mut Tally, family: u16) {
    match tally.iter_mut().find(|(known, _)| *known == family) {
        Some((_, count)) => *count += 1,
        None => tally.push((family, 1)),
    }
}

/// How much a value speaks for each family, in nats, added to `sums`. `shares` are the families' shares of all names.
pub fn speak(tally: &Tally, shares: &[f64], sums: &mut [f64]) {
    let all: f64 = tally.iter().map(|(_, count)| f64::from(*count)).sum();
    if all == 0.0 {
        return;
    }
    let absent = (SHRINK / (all + SHRINK)).ln();
    sums.iter_mut().for_each(|sum| *sum += absent);
    for (family, count) in tally {
        let (Some(sum), Some(share)) = (sums.get_mut(usize::from(*family)), shares.get(usize::from(*family)))
        else {
            continue;
        };
        *sum += ((f64::from(*count) + SHRINK * share) / ((all + SHRINK) * share)).ln() - absent;
    }
}

/// What a name looks like, by kind of evidence: its top-level domain, its form, its words, its runs of three letters.
pub fn looks(name: &str) -> Vec<(&'static str, String)> {
    let mut looks = Vec::new();
    let (rest, tld) = name.rsplit_once('.').unwrap_or((name, ""));
    looks.push((LOOKS[0], tld.to_owned()));
    looks.push((LOOKS[1], shape::form(name)));
    looks.extend(shape::words(name).into_iter().map(|word| (LOOKS[2], word)));
    let label = rest.rsplit('.').next().unwrap_or_default();
    let letters: Vec<char> = std::iter::once('^').chain(label.chars()).chain(['$']).collect();
    let mut runs: Vec<String> = letters.windows(3).map(|run| run.iter().collect()).collect();
    runs.sort_unstable();
    runs.dedup();
    looks.extend(runs.into_iter().map(|run| (LOOKS[3], run)));
    looks
}

/// Shares of counts, each raised by one, so that none is nothing.
pub fn shares(counts: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let all: f64 = counts.clone().map(|count| count + 1.0).sum();
    counts.map(|count| (count + 1.0) / all).collect()
}

/// The families and how many labelled names are of each.
#[derive(Clone, Debug, Default)]
pub struct Families {
    /// Names of families; the first is all that have too few names to be told apart.
    pub names: Vec<String>,
    /// How many labelled names each has.
    pub counts: Vec<u32>,
    /// The same, old names counting less.
    recent: Vec<f64>,
    numbers: HashMap<String, u16>,
}

impl Families {
    /// These families, with no names yet.
    pub fn of(names: impl IntoIterator<Item = String>) -> Self {
        let names: Vec<String> = std::iter::once(String::new()).chain(names).collect();
        let numbers = names.iter().cloned().zip(0..).collect();
        Self { counts: vec![0; names.len()], recent: vec![0.0; names.len()], names, numbers }
    }

    /// The number of a family; 0 for one that has too few names.
    pub fn number(&self, family: &str) -> u16 {
        self.numbers.get(family).copied().unwrap_or(0)
    }

    /// Counts one more name of a family.
    pub fn count(&mut self, family: u16) {
        self.recent.iter_mut().for_each(|count| *count *= 1.0 - 1.0 / MEMORY);
        self.recent[usize::from(family)] += 1.0;
        self.counts[usize::from(family)] += 1;
    }

    /// Each family's share of all names.
    pub fn shares(&self) -> Vec<f64> {
        shares(self.counts.iter().map(|count| f64::from(*count)))
    }

    /// Each family's share of the names of late: campaigns come and go.
    pub fn recent(&self) -> Vec<f64> {
        shares(self.recent.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_family_has_alone_speaks_for_it_and_the_more_the_more_have_it() {
        let shares = [0.5, 0.25, 0.25];
        let said = |tally: &Tally| {
            let mut sums = vec![0.0; 3];
            speak(tally, &shares, &mut sums);
            sums
        };
        let (one, ten) = (said(&vec![(1, 1)]), said(&vec![(1, 10)]));
        assert!(0.0 < one[1] && one[1] < ten[1] && ten[1] < 4.0_f64.ln(), "{one:?} {ten:?}");
        assert!(one[0] < 0.0 && one[0] == one[2], "{one:?}");
        // What the families have as all names do says nothing.
        assert!(said(&vec![(0, 50), (1, 25), (2, 25)]).iter().all(|said| said.abs() < 1e-9));
        assert_eq!(said(&Vec::new()), [0.0; 3]);
    }

    #[test]
    fn a_name_looks_like_its_parts() {
        let looks = looks("ulaayf210.top");
        for expected in
            [("top_level_domain", "top"), ("name_word", "ulaayf"), ("letters", "^ul"), ("letters", "10$")]
        {
            assert!(looks.iter().any(|(kind, value)| (*kind, value.as_str()) == expected), "{looks:?}");
        }
    }
}
