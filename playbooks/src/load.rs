//! Reads and validates playbooks. Every mistake is told with its file, line and field.

use std::{fmt, sync::LazyLock};

use entities::{Approval, Evidence, FactKind};

use crate::Playbook;

/// The playbooks that come with this release: file name and text.
const LIBRARY: &[(&str, &str)] =
    &[("registrar-suspension.yaml", include_str!("../library/registrar-suspension.yaml"))];

/// Longer files are refused unread.
const LONGEST_FILE: usize = 64 * 1024;

/// Where a playbook file is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1; 0 when it concerns the file as a whole.
    pub line: u64,
    /// The field; empty when the text is no YAML.
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for LoadError {}

/// The playbooks that come with this release, by name.
///
/// # Errors
/// One of them is wrong; a test holds that none is.
pub fn library() -> Result<Vec<Playbook>, LoadError> {
    LIBRARY.iter().map(|(file, text)| load(file, text)).collect()
}

/// The library's playbook with this name, or with this name and version (`registrar-suspension@1`). A reference
/// to a version that is no longer there finds the present one: its rules hold for old tasks too.
pub fn find(reference: &str) -> Option<&'static Playbook> {
    static BOOKS: LazyLock<Vec<Playbook>> = LazyLock::new(|| library().unwrap_or_default());
    let name = reference.split('@').next().unwrap_or(reference);
    BOOKS.iter().find(|book| book.name == name)
}

/// Reads one playbook from a file's text.
///
/// # Errors
/// The first mistake, with its file, line and field.
pub fn load(file: &str, text: &str) -> Result<Playbook, LoadError> {
    if text.len() > LONGEST_FILE {
        return Err(LoadError {
            file: file.into(),
            line: 0,
            field: String::new(),
            message: format!("is {} bytes long; a playbook has at most {LONGEST_FILE}", text.len()),
        });
    }
    let playbook: Playbook = serde_saphyr::from_str(text).map_err(|error| unreadable(file, text, &error))?;
    match mistake(file, &playbook) {
        None => Ok(playbook),
        Some((field, message)) => {
            Err(LoadError { file: file.into(), line: line_of(text, field), field: field.into(), message })
        }
    }
}

/// What the YAML reader or a closed list refused.
fn unreadable(file: &str, text: &str, error: &serde_saphyr::Error) -> LoadError {
    let line = error.location().map_or(0, |location| location.line());
    let rendered = error.without_snippet().to_string();
    let told = rendered.lines().next().unwrap_or_default();
    // The place is in `line` already.
    let message = told.rsplit_once(" at line ").map_or(told, |(message, _)| message).to_owned();
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split_once('`'));
    let field = missing.map_or_else(|| field_at(text, line), |(field, _)| field.to_owned());
    LoadError { file: file.into(), line, field, message }
}

/// The dotted path of the key on line `line`, by indentation: `verification.rounds`.
fn field_at(text: &str, line: u64) -> String {
    let mut path: Vec<(usize, &str)> = Vec::new();
    for row in text.lines().take(usize::try_from(line).unwrap_or(0)) {
        let content = row.trim_start();
        let Some((key, _)) = content.split_once(':') else { continue };
        if content.starts_with('#') || key.is_empty() || key.contains([' ', '"', '\'', '[', '{']) {
            continue;
        }
        let indent = row.len() - content.len();
        path.retain(|(outer, _)| *outer < indent);
        path.push((indent, key));
    }
    path.into_iter().map(|(_, key)| key).collect::<Vec<_>>().join(".")
}

/// The line on which the field with this dotted path stands; 0 if it is nowhere.
fn line_of(text: &str, field: &str) -> u64 {
    (1..=text.lines().count() as u64).find(|line| field_at(text, *line) == field).unwrap_or(0)
}

/// The first rule that a readable playbook breaks: the field and what is wrong with it.
fn mistake(file: &str, playbook: &Playbook) -> Option<(&'static str, String)> {
    let verification = playbook.verification;
    let stem = file.rsplit(['/', '\\']).next().unwrap_or(file).trim_end_matches(".yaml");
    let name_ok = !playbook.name.is_empty()
        && playbook.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let guarded = |fact| playbook.guard.contains(&fact) || playbook.stop.contains(&fact);
    let rules: [(bool, &'static str, String); 13] = [
        (name_ok, "name", "write lower-case letters, digits and hyphens".into()),
        (playbook.name == stem, "name", format!("must be the file's name, `{stem}`")),
        (playbook.version > 0, "version", "counts from 1".into()),
        (!playbook.title.trim().is_empty(), "title", "say in one line what it does".into()),
        (!playbook.target.kinds.is_empty(), "target.kinds", "name at least one kind".into()),
        (!playbook.target.states.is_empty(), "target.states", "name at least one state".into()),
        (!playbook.target.roles.is_empty(), "target.roles", "name at least one role".into()),
        (
            [FactKind::Listed, FactKind::PrivateSuffix, FactKind::Parked].into_iter().all(guarded)
                && guarded(FactKind::Sinkholed),
            "guard",
            "listed, private_suffix, parked and sinkholed must each be under `guard` or `stop`".into(),
        ),
        (playbook.evidence.contains(&Evidence::Sighting), "evidence", "must contain `sighting`".into()),
        (
            playbook.approvals.contains(&Approval::Task) && playbook.approvals.contains(&Approval::Notice),
            "approvals",
            "must contain `task` and `notice`: nothing leaves without a second person".into(),
        ),
        (
            (1..=10).contains(&verification.rounds),
            "verification.rounds",
            format!("is {}; it must be 1 to 10", verification.rounds),
        ),
        (
            verification.agreeing <= verification.rounds
                && u16::from(verification.agreeing) * 2 > u16::from(verification.rounds),
            "verification.agreeing",
            format!(
                "is {} of {}; it must be more than half and no more than all",
                verification.agreeing, verification.rounds
            ),
        ),
        (playbook.reminders.is_sorted(), "reminders", "must rise".into()),
    ];
    rules.into_iter().find(|(holds, ..)| !holds).map(|(_, field, message)| (field, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = LIBRARY[0].1;

    #[test]
    fn the_library_loads() {
        let names: Vec<String> = library().expect("a good library").iter().map(Playbook::reference).collect();
        assert_eq!(names, ["registrar-suspension@1"]);
        assert!(find("registrar-suspension").is_some() && find("registrar-suspension@1").is_some());
        assert!(find("registrar").is_none());
    }

    #[test]
    fn every_mistake_is_told_with_file_line_and_field() {
        let cases = [
            ("channel: registrar", "channel: registrer"),
            ("version: 1", "version: none"),
            ("ask: client_hold", "ask: client_hold\nurgency: high"),
            ("  rounds: 3", "  rounds: 30"),
            ("  agreeing: 2", "  agreeing: 1"),
            ("  first_check: 30m", "  first_check: soon"),
            ("evidence: [sighting, registrar,", "evidence: [sighting, rumour,"),
            ("approvals: [task, notice]", "approvals: [task]"),
            ("guard: [listed,", "guard: ["),
            ("name: registrar-suspension", "name: something-else"),
            ("reminders: [48h, 120h]", "reminders: [120h, 48h]"),
            ("authority: abuse_policy\n", ""),
            ("  kinds: [domain_name]", "  kinds: [domain_name"),
        ];
        let told: Vec<String> = cases
            .iter()
            .map(|(from, to)| {
                assert!(GOOD.contains(from), "{from}");
                let error = load("registrar-suspension.yaml", &GOOD.replacen(from, to, 1)).expect_err(to);
                error.to_string()
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn a_giant_file_is_refused_unread() {
        assert!(load("x.yaml", &"# \n".repeat(40_000)).is_err());
    }
}
