//! Real files, where they are at hand (`../shared/data` beside the project): free text against the truth
//! that was read by hand, and every bundle and event read without a panic.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use entities::ObservableKind;
use sha2::{Digest, Sha256};

use super::{context::Context, entry::Entry, json, misp, report_text, stix};

fn data(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("SKIPPED: {} is not here, nothing was measured", path.display());
    None
}

fn hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
}

fn kind(kind: ObservableKind) -> &'static str {
    match kind {
        ObservableKind::DomainName | ObservableKind::HostName => "name",
        ObservableKind::Ipv4Address => "ipv4",
        ObservableKind::Ipv6Address => "ipv6",
        ObservableKind::Endpoint => "endpoint",
        ObservableKind::Url => "url",
        ObservableKind::FileHash => "hash",
        other => other.as_str(),
    }
}

#[derive(Default)]
struct Score {
    right: usize,
    wrong: usize,
    missed: usize,
}

impl Score {
    fn f1(&self) -> f64 {
        2.0 * self.right as f64 / (2 * self.right + self.wrong + self.missed).max(1) as f64
    }

    fn line(&self) -> String {
        let share = |n: usize| self.right as f64 / n.max(1) as f64;
        format!(
            "recall {:.3} precision {:.3} F1 {:.3} ({} right, {} wrong, {} missed)",
            share(self.right + self.missed),
            share(self.right + self.wrong),
            self.f1(),
            self.right,
            self.wrong,
            self.missed
        )
    }
}

/// Scores the reader on the reports of a truth file; `None` when the reports are not at hand.
fn score(truth: &str) -> Option<Score> {
    let reports = data("ioc-unit42")?;
    let mut wanted: BTreeMap<&str, BTreeSet<(&str, &str)>> = BTreeMap::new();
    for line in truth.lines().filter(|l| !l.starts_with('#') && !l.is_empty()) {
        let mut cells = line.split('\t');
        let (report, kind, hash) = (cells.next()?, cells.next()?, cells.next()?);
        wanted.entry(report).or_default().insert((kind, hash));
    }
    let mut total = Score::default();
    for (report, rows) in wanted {
        let text = fs::read_to_string(reports.join(report)).expect("a report of the truth");
        assert!(truth.contains(&hex(&text)), "{report} has changed: its truth must be read again");
        let entries = report_text::read(&text, report, &Context::default());
        assert_eq!(entries.len(), text.lines().count());
        let mut found = BTreeMap::new();
        for (named, _) in entries.iter().filter_map(|e| e.parsed.as_ref().ok()).flat_map(|p| &p.sightings) {
            found.insert((kind(named.kind), hex(&named.value)), &named.value);
        }
        let mut here = Score::default();
        for ((kind, hash), value) in &found {
            if rows.contains(&(*kind, hash.as_str())) {
                here.right += 1;
            } else if !rows.contains(&("neutral", hash.as_str())) {
                here.wrong += 1;
                eprintln!("  wrong in {report}: {kind} {}", super::refang::defang(value));
            }
        }
        for (kind, hash) in rows.iter().filter(|(kind, _)| *kind != "neutral") {
            if !found.contains_key(&(*kind, (*hash).to_owned())) {
                here.missed += 1;
                eprintln!("  missed in {report}: {kind} {hash}");
            }
        }
        eprintln!("{report}: {}", here.line());
        total.right += here.right;
        total.wrong += here.wrong;
        total.missed += here.missed;
    }
    Some(total)
}

#[test]
fn reads_the_ten_reports_as_a_person_does() {
    let Some(total) = score(include_str!("../../../tests/truth/unit42.tsv")) else {
        return;
    };
    eprintln!("ten reports: {}", total.line());
    assert!(total.f1() >= 0.95, "{}", total.line());
}

#[test]
fn reads_the_held_out_reports_too() {
    let Some(total) = score(include_str!("../../../tests/truth/unit42_held_out.tsv")) else {
        return;
    };
    eprintln!("three held-out reports: {}", total.line());
    assert!(total.f1() >= 0.95, "{}", total.line());
}

/// Every file below a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()) {
            if entry.is_dir() { open.push(entry) } else { found.push(entry) }
        }
    }
    found.sort();
    found
}

/// Reads a file as the format that its folder and ending promise.
fn read(path: &Path, context: &Context) -> Result<Vec<Entry>, String> {
    let text = String::from_utf8_lossy(&fs::read(path).expect("a file")).into_owned();
    let title = path.file_name().unwrap_or_default().to_string_lossy();
    if stix::is_version_1_xml(&text) {
        return Err(stix::REFUSED_1X.to_owned());
    }
    if misp::is_hash_list(text.lines().next().unwrap_or_default()) {
        return Err(misp::REFUSED_HASHES.to_owned());
    }
    if title.ends_with(".json") {
        return json::read(&text, context).map(|(_, entries)| entries);
    }
    let entries = report_text::read(&text, &title, context);
    assert_eq!(entries.len(), text.lines().count(), "{}", path.display());
    Ok(entries)
}

#[test]
fn every_bundle_event_and_report_is_read_or_refused() {
    let context = Context::default();
    for folder in [
        "ioc-unit42",
        "stix20-unit42",
        "stix21-misp-stix",
        "stix21-oasis",
        "stix21-tweetfeed",
        "stix-talos",
        "misp-events-core",
        "misp-events-eset",
        "misp-feed-tweetfeed",
    ] {
        let Some(path) = data(folder) else { return };
        let (mut refused, mut total, mut accepted, mut indicators, mut links) = (0, 0, 0, 0, 0);
        let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
        let files = files(&path);
        for file in &files {
            match read(file, &context) {
                Err(why) => {
                    refused += 1;
                    *reasons.entry(format!("FILE {why}")).or_default() += 1;
                }
                Ok(entries) => {
                    assert!(entries.iter().zip(1..).all(|(e, n)| e.number == n), "{}", file.display());
                    total += entries.len();
                    for entry in entries {
                        assert!(entry.text.chars().count() <= Entry::TEXT_MAX);
                        match entry.parsed {
                            Ok(parsed) => {
                                assert!(!parsed.sightings.is_empty() || !parsed.links.is_empty());
                                accepted += 1;
                                indicators += parsed.sightings.len();
                                links += parsed.links.len();
                            }
                            Err(why) => *reasons.entry(why).or_default() += 1,
                        }
                    }
                }
            }
        }
        let mut reasons: Vec<_> = reasons.into_iter().collect();
        reasons.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        eprintln!(
            "{folder}: {} files, {refused} refused whole; {total} entries = {accepted} read + {} rejected; {indicators} indicators, {links} links",
            files.len(),
            total - accepted
        );
        for (why, n) in reasons.iter().take(12) {
            eprintln!("    {n} × {why}");
        }
    }
}
