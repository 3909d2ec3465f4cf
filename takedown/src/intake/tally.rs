//! The figures of an import while it runs.

use std::collections::HashMap;

use entities::LineVerdict;
use sha2::{Digest, Sha256};

use super::{
    entry::Entry,
    import::{ImportReport, ImportRequest, Input},
    store::{Known, New, Outcome},
};

/// Different reasons that are counted one by one; hostile input can make up any number.
const REASONS_MAX: usize = 1_000;
/// Reasons that a report names.
const REASONS_SHOWN: usize = 20;

/// Counts verdicts and reasons, and digests the verdicts in order.
#[derive(Debug, Default)]
pub(super) struct Tally {
    accepted: u64,
    duplicate: u64,
    rejected: u64,
    reasons: HashMap<String, u64>,
    digest: Sha256,
    pub(super) new: New,
}

impl Tally {
    /// Counts one entry and returns why it was not accepted, empty if it was.
    ///
    /// The digest takes, for each entry, its number (8 bytes, big-endian), its verdict's word, the length of its
    /// text in bytes (8 bytes, big-endian) and its text.
    pub(super) fn count(&mut self, entry: &Entry, outcome: Outcome) -> String {
        self.digest.update(entry.number.to_be_bytes());
        self.digest.update(outcome.verdict().as_str());
        self.digest.update((entry.text.len() as u64).to_be_bytes());
        self.digest.update(&entry.text);
        match outcome.verdict() {
            LineVerdict::Accepted => self.accepted += 1,
            LineVerdict::Duplicate => self.duplicate += 1,
            LineVerdict::Rejected => self.rejected += 1,
        }
        let (class, reason) = match (outcome, &entry.parsed) {
            (Outcome::Accepted, _) => return String::new(),
            (Outcome::Rejected, Err(reason)) => (reason.as_str(), reason.clone()),
            (Outcome::Duplicate(Known::Line(line)), _) => {
                ("the same as an earlier line", format!("the same as line {line}"))
            }
            (Outcome::Duplicate(Known::Import(id, line)), _) => {
                ("known already", format!("known from {id}, line {line}"))
            }
            (Outcome::Duplicate(Known::Before) | Outcome::Rejected, _) => {
                ("known already", "known already".to_owned())
            }
        };
        if let Some(count) = self.reasons.get_mut(class) {
            *count += 1;
        } else {
            let class = if self.reasons.len() < REASONS_MAX { class } else { "another reason" };
            *self.reasons.entry(class.to_owned()).or_default() += 1;
        }
        reason
    }

    /// Entries so far.
    pub(super) const fn total(&self) -> u64 {
        self.accepted + self.duplicate + self.rejected
    }

    /// The report, still without an id.
    pub(super) fn report(
        self,
        request: &ImportRequest,
        name: String,
        source: String,
        input: Input,
    ) -> ImportReport {
        let total = self.total();
        let mut reasons: Vec<(String, u64)> = self.reasons.into_iter().collect();
        reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let other: u64 = reasons.iter().skip(REASONS_SHOWN).map(|(_, count)| count).sum();
        reasons.truncate(REASONS_SHOWN);
        if other > 0 {
            reasons.push(("other reasons".to_owned(), other));
        }
        ImportReport {
            id: None,
            name,
            source,
            dry_run: request.dry_run,
            format: input.format,
            sha256: input.sha256,
            lines_digest: crate::hex(&self.digest.finalize()),
            total,
            accepted: self.accepted,
            duplicate: self.duplicate,
            rejected: self.rejected,
            reasons,
            observables: self.new.observables,
            sightings: self.new.sightings,
            links: self.new.links,
            facts: self.new.facts,
        }
    }
}
