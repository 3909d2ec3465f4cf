//! Trails of maltrail: a file a family, `# Reference:` and `# Aliases:` comments, names, addresses,
//! endpoints, URLs and paths mixed.

use entities::FactKind;

use super::{
    context::Context,
    entry::{Claim, Parsed, Stated},
    family::Families,
    lines::no_content,
};

/// Reads the lines of one trail file.
#[derive(Debug, Default)]
pub struct Maltrail {
    family: Option<String>,
    family_is_known: bool,
    /// The operator, for the lists of sinkholes.
    sinkhole: Option<String>,
}

impl Maltrail {
    /// A reader for the trail file of that name: the name is the family's.
    pub fn new(file: &str, families: &Families) -> Self {
        let stem = super::read::stem(file);
        let lower = stem.to_ascii_lowercase();
        if let Some(operator) = lower.strip_prefix("sinkhole_") {
            return Self { sinkhole: Some(operator.to_owned()), ..Self::default() };
        }
        let known = families.known(stem).is_some();
        // Only a file that is named as trails are says what family it is of.
        let is_trail = !lower.is_empty() && lower.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let general = lower.starts_with("generic")
            || [
                "bad_history",
                "dynamic_domain",
                "free_web_hosting",
                "parking_site",
                "stdin",
                "paste",
                "list",
                "trails",
            ]
            .contains(&lower.as_str());
        Self {
            family: (known || (is_trail && !general)).then(|| stem.to_owned()),
            family_is_known: known,
            sinkhole: None,
        }
    }

    /// Reads one line.
    ///
    /// # Errors
    /// Why it holds no indicator.
    pub fn line(&mut self, text: &str, context: &Context) -> Result<Parsed, String> {
        if let Some(reason) = no_content(text) {
            self.aliases(text, context);
            return Err(reason.to_owned());
        }
        // A remark stands behind blanks: fragments of URLs may hold `#` themselves.
        let end = [" #", "\t#"].iter().filter_map(|mark| text.find(mark)).min();
        let token = text[..end.unwrap_or(text.len())].trim();
        if token.starts_with('/') {
            return Err("a path without a host".to_owned());
        }
        if token.contains(['*', '(', '\\', '|', '^', '$']) && !token.starts_with("*.") {
            return Err("a pattern, not an indicator".to_owned());
        }
        let claim = Claim { family: self.family.clone(), ..Claim::default() };
        let mut parsed = super::classify::parsed(token, claim, context)?;
        if let (Some(operator), Some((named, _))) = (&self.sinkhole, parsed.sightings.first()) {
            let of = named.clone();
            parsed.facts.push(Stated {
                of,
                kind: FactKind::Sinkholed,
                list: operator.clone(),
                detail: "maltrail".to_owned(),
            });
        }
        Ok(parsed)
    }

    /// `# Aliases: a, b`: the first that is a known family, where the file's name is none.
    fn aliases(&mut self, text: &str, context: &Context) {
        let Some(names) = text.trim_start_matches(['#', ' ']).strip_prefix("Aliases:") else { return };
        if self.family_is_known || self.sinkhole.is_some() {
            return;
        }
        if let Some(known) = names.split(',').map(str::trim).find(|n| context.families.known(n).is_some()) {
            self.family = Some(known.to_owned());
            self.family_is_known = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn families(file: &str, lines: &[&str]) -> Vec<Result<(String, Option<String>), String>> {
        let context = Context::default();
        let mut trail = Maltrail::new(file, &context.families);
        let one = |line: &&str| {
            let parsed = trail.line(line, &context)?;
            let (named, claim) = parsed.sightings.into_iter().next().expect("a sighting");
            Ok((named.value, claim.family))
        };
        lines.iter().map(one).collect()
    }

    #[test]
    fn the_file_names_the_family() {
        let lummac2 = Some("lummac2".to_owned());
        assert_eq!(
            families(
                "trails/lummac2.txt",
                &[
                    "# Reference: https://x.example",
                    "",
                    "http://192.0.2.1",
                    "192.0.2.1:443 # seen",
                    "/a/b.php",
                    "evil*.example"
                ]
            ),
            [
                Err("comment".to_owned()),
                Err("blank line".to_owned()),
                Ok(("http://192.0.2.1/".to_owned(), lummac2.clone())),
                Ok(("192.0.2.1:443".to_owned(), lummac2)),
                Err("a path without a host".to_owned()),
                Err("a pattern, not an indicator".to_owned()),
            ]
        );
        assert_eq!(
            families("generic_stealer.txt", &["evil.example"]),
            [Ok(("evil.example".to_owned(), None))]
        );
        let got = families("some_new.txt", &["# Aliases: acrstealer, storm-2477", "evil.example"]);
        assert_eq!(got[1], Ok(("evil.example".to_owned(), Some("acrstealer".to_owned()))));
    }

    #[test]
    fn lists_of_sinkholes_say_so() {
        let context = Context::default();
        let parsed = Maltrail::new("sinkhole_abuse.txt", &context.families)
            .line("192.0.2.1", &context)
            .expect("a line");
        assert_eq!((parsed.facts[0].kind, parsed.facts[0].list.as_str()), (FactKind::Sinkholed, "abuse"));
    }
}
