//! Malware families and the names they go by: LummaC2 = Lumma Stealer = LummaC.

use std::collections::HashMap;

/// The built-in table.
const BUILT_IN: &str = include_str!("families.txt");

/// Canonical family names by their synonyms.
#[derive(Clone, Debug)]
pub struct Families {
    slugs: HashMap<String, String>,
}

/// Why an operator's table of families was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct FamilyError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

impl Default for Families {
    fn default() -> Self {
        let mut families = Self { slugs: HashMap::new() };
        let built_in = families.extend(BUILT_IN);
        debug_assert_eq!(built_in, Ok(()));
        families
    }
}

impl Families {
    /// Adds a table: lines `slug = name, name`; `#` starts a comment. Later lines win.
    ///
    /// # Errors
    /// A line that is not of that form; the message names the line. What came before it was added.
    pub fn extend(&mut self, table: &str) -> Result<(), FamilyError> {
        for (at, line) in table.lines().enumerate() {
            let line_text = line.split('#').next().unwrap_or_default().trim();
            if line_text.is_empty() {
                continue;
            }
            let wrong = |message: &str| FamilyError { line: at + 1, message: message.to_owned() };
            let (slug, names) =
                line_text.split_once('=').ok_or_else(|| wrong("`slug = name, name` is expected"))?;
            let slug = slugify(slug);
            if slug.is_empty() {
                return Err(wrong("the slug before `=` has no letters"));
            }
            for name in names.split(',').chain([slug.as_str()]) {
                let key = key(name);
                if !key.is_empty() {
                    self.slugs.insert(key, slug.clone());
                }
            }
        }
        Ok(())
    }

    /// The canonical name of a family: its slug where the table knows it, else the name made a slug.
    pub fn canonical(&self, name: &str) -> String {
        self.known(name).map_or_else(|| slugify(bare(name)), str::to_owned)
    }

    /// The slug of a family that the table knows.
    pub fn known(&self, name: &str) -> Option<&str> {
        let key = key(bare(name));
        let short = key.strip_suffix("stealer").or_else(|| key.strip_suffix("infostealer"));
        self.slugs.get(&key).or_else(|| self.slugs.get(short?)).map(String::as_str)
    }
}

/// The name without what lists put around it: `#Lumma`, Malpedia's `win.lumma`.
fn bare(name: &str) -> &str {
    let name = name.trim().trim_start_matches('#');
    let platform = ["win.", "elf.", "osx.", "apk.", "js.", "py.", "ps1.", "jar."];
    platform.iter().find_map(|p| name.strip_prefix(p)).unwrap_or(name)
}

/// What counts of a name: its letters and digits, lower-case.
fn key(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).take(64).collect()
}

/// Lower-case words with hyphens between them, at most 64 characters.
fn slugify(name: &str) -> String {
    let mut slug = String::new();
    for c in name.trim().chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let cut: String = slug.chars().take(64).collect();
    cut.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_are_one_family() {
        let families = Families::default();
        for (name, slug) in [
            ("LummaC2", "lumma"),
            ("Lumma Stealer", "lumma"),
            ("LummaC", "lumma"),
            ("lummac2", "lumma"),
            ("#LummaStealer", "lumma"),
            ("win.lumma", "lumma"),
            ("RedLine", "redline"),
            ("redline_stealer", "redline"),
            ("AmosStealer", "amos"),
            ("osx_atomic", "amos"),
            ("Racoon", "raccoon"),
            ("Some New  Thing!", "some-new-thing"),
            ("", ""),
        ] {
            assert_eq!(families.canonical(name), slug, "{name}");
        }
        assert_eq!(families.known("#stealer"), None);
        assert_eq!(families.known("malware"), None);
    }

    #[test]
    fn an_operators_table_adds_and_overrides() {
        let mut families = Families::default();
        families.extend("# ours\nours = New Thing\nredline = Vidar # a test\n").expect("a table");
        assert_eq!(families.canonical("new-thing"), "ours");
        assert_eq!(families.canonical("vidar"), "redline");
        let error = families.extend("a = b\n\nnonsense").expect_err("no `=`");
        assert_eq!(error.to_string(), "line 3: `slug = name, name` is expected");
    }

    #[test]
    fn the_built_in_table_gives_no_name_twice() {
        let mut owners: HashMap<String, String> = HashMap::new();
        for line in BUILT_IN.lines().filter(|l| !l.starts_with('#') && !l.is_empty()) {
            let (slug, names) = line.split_once('=').expect("a slug and names");
            for name in names.split(',') {
                if let Some(other) = owners.insert(key(name), slug.trim().to_owned()) {
                    assert_eq!(other, slug.trim(), "`{}` stands in two families", name.trim());
                }
            }
        }
    }
}
