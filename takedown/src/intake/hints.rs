//! What the words around an indicator tell of it: tags, labels, headings and descriptions, read for its
//! role, its family, its markings and its grading.

use entities::{GradingScale, Pap, Role, Tlp};

use super::{context::Context, entry::Claim};

/// Words that are a family's name and everyday words too; alone they name no family.
const EVERYDAY: &[&str] = &[
    "acr", "album", "amos", "atomic", "aura", "aurora", "bandit", "banshee", "eternity", "fickle", "koi",
    "luca", "mars", "meta", "mystic", "nova", "odyssey", "oski", "poseidon", "snake", "taurus", "titan",
    "remus", "raccoon", "beacon", "clickfix", "glove", "katz", "pony", "predator", "sliver",
];

/// How many words of a text are looked at for a family.
const WORDS_MAX: usize = 64;

/// The role that a heading, label or description speaks of. The first rule that fits wins: what a thing
/// commands says more than what it shows.
pub fn role(text: &str) -> Option<Role> {
    let text = text.to_ascii_lowercase();
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric() && c != '&')
        .filter(|w| !w.is_empty())
        .take(4 * WORDS_MAX)
        .collect();
    let any = |list: &[&str]| words.iter().any(|w| list.contains(w));
    let starts = |stems: &[&str]| words.iter().any(|w| stems.iter().any(|s| w.starts_with(s)));
    let pair = |a: &str, b: &str| words.windows(2).any(|w| w[0] == a && w[1].starts_with(b));
    let triple =
        words.windows(3).any(|w| w[0] == "command" && (w[1] == "and" || w[1] == "&") && w[2] == "control");
    if pair("dead", "drop") || any(&["ddr", "deaddrop"]) {
        return Some(Role::DeadDrop);
    }
    if starts(&["exfil"]) {
        return Some(Role::Exfil);
    }
    if any(&["panel", "panels"]) {
        return Some(Role::Panel);
    }
    if any(&["c2", "c2s", "cnc", "c&c", "botnet"]) || triple || starts(&["beacon"]) {
        return Some(Role::C2);
    }
    if starts(&["redirect"]) || any(&["tds"]) {
        return Some(Role::Redirect);
    }
    if starts(&["payload", "dropper", "staging"])
        || any(&["download", "downloads", "downloader", "opendir", "delivery", "distribution", "msi", "dll"])
        || pair("hosting", "malware")
        || pair("hosting", "malicious")
        || pair("hosting", "content")
    {
        return Some(Role::Payload);
    }
    if starts(&[
        "landing",
        "phish",
        "smish",
        "scam",
        "lure",
        "captcha",
        "clickfix",
        "typosquat",
        "impersonat",
    ]) || any(&["fake", "popup"])
    {
        return Some(Role::Landing);
    }
    None
}

/// The malware family that a text names, in the text's own spelling; none when it names several.
pub fn family(text: &str, context: &Context) -> Option<String> {
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric() && c != '-')
        .filter(|w| !w.is_empty())
        .take(WORDS_MAX)
        .collect();
    let mut seen: Option<(&str, String)> = None;
    let mut at = 0;
    while at < words.len() {
        let longest = (1..=3usize).rev().filter(|n| at + n <= words.len()).find_map(|n| {
            let name = words[at..at + n].join(" ");
            let alone = n == 1 && (name.len() < 4 || EVERYDAY.contains(&name.to_ascii_lowercase().as_str()));
            context.families.known(&name).filter(|_| !alone).map(|slug| (slug, name, n))
        });
        let Some((slug, name, used)) = longest else {
            at += 1;
            continue;
        };
        match &seen {
            Some((first, _)) if *first != slug => return None,
            Some(_) => {}
            None => seen = Some((slug, name)),
        }
        at += used;
    }
    seen.map(|(_, name)| name)
}

/// Gathers tags into a claim: of several markings the strictest counts, of everything else the first.
#[derive(Debug, Default)]
pub struct Tags {
    /// What the tags say so far.
    pub claim: Claim,
    reliability: Option<char>,
    credibility: Option<char>,
}

impl Tags {
    /// Takes one tag: `tlp:amber+strict`, `PAP:RED`, `admiralty-scale:source-reliability="b"`,
    /// `misp-galaxy:stealer="Lumma"`, or a plain word such as `C2` or `Vidar`.
    pub fn add(&mut self, tag: &str, context: &Context) {
        let tag = tag.trim();
        if let Some(tlp) = tlp(tag) {
            self.mark(tlp);
            return;
        }
        if let Some(pap) = pap(tag) {
            self.claim.pap = self.claim.pap.max(Some(pap));
            return;
        }
        let Some((space, predicate, value)) = machine_tag(tag) else {
            self.plain(tag, context);
            return;
        };
        match (space.as_str(), predicate.as_str()) {
            ("admiralty-scale", "source-reliability") => self.reliability = letter(value, 'A'..='F'),
            ("admiralty-scale", "information-credibility") => self.credibility = letter(value, '1'..='6'),
            ("estimative-language", "confidence-in-analytic-judgment") => {
                self.claim.confidence = self.claim.confidence.or(match value.to_ascii_lowercase().as_str() {
                    "low" => Some(15),
                    "moderate" => Some(50),
                    "high" => Some(85),
                    _ => None,
                });
            }
            ("misp", "confidence-level") => {
                self.claim.confidence = self.claim.confidence.or(match value {
                    "completely-confident" => Some(100),
                    "usually-confident" => Some(75),
                    "fairly-confident" => Some(50),
                    "rarely-confident" => Some(25),
                    "unconfident" => Some(0),
                    _ => None,
                });
            }
            (
                "misp-galaxy",
                "stealer" | "malpedia" | "botnet" | "rat" | "banker" | "ransomware" | "backdoor"
                | "mitre-malware" | "tool",
            )
            | ("malware", _) => self.family(value),
            ("kill-chain", _) => self.claim.role = self.claim.role.or_else(|| role(value)),
            _ => {}
        }
    }

    /// Takes a marking; the strictest counts.
    pub fn mark(&mut self, tlp: Tlp) {
        self.claim.tlp = self.claim.tlp.max(Some(tlp));
    }

    /// Takes a family's name, if none is known yet.
    pub fn family(&mut self, name: &str) {
        // MITRE writes `Vidar - S1234`.
        let name = name
            .rsplit_once(" - S")
            .filter(|(_, id)| id.bytes().all(|b| b.is_ascii_digit()))
            .map_or(name, |(n, _)| n);
        let name: String = name.trim().chars().take(64).collect();
        if self.claim.family.is_none() && !name.is_empty() {
            self.claim.family = Some(name);
        }
    }

    /// The claim. A grading half given is completed with "cannot be judged".
    pub fn claim(self) -> Claim {
        let grading = match (self.reliability, self.credibility) {
            (None, None) => None,
            (source, info) => {
                Some((GradingScale::Admiralty, format!("{}{}", source.unwrap_or('F'), info.unwrap_or('6'))))
            }
        };
        Claim { grading: self.claim.grading.clone().or(grading), ..self.claim }
    }

    fn plain(&mut self, tag: &str, context: &Context) {
        if self.claim.family.is_none() && context.families.known(tag).is_some() {
            self.family(tag.trim_start_matches('#'));
        } else if self.claim.role.is_none() && !tag.contains(':') {
            self.claim.role = role(tag);
        }
    }
}

/// A TLP label of version 1 or 2, with or without `TLP:`.
pub fn tlp(text: &str) -> Option<Tlp> {
    let text = text.trim();
    let label = text.get(..4).filter(|p| p.eq_ignore_ascii_case("tlp:")).map(|_| &text[4..])?;
    match label.trim().to_ascii_lowercase().as_str() {
        "clear" | "white" => Some(Tlp::Clear),
        "green" => Some(Tlp::Green),
        "amber" => Some(Tlp::Amber),
        "amber+strict" | "amber-strict" | "amber_strict" => Some(Tlp::AmberStrict),
        "red" => Some(Tlp::Red),
        _ => None,
    }
}

/// A PAP label.
pub fn pap(text: &str) -> Option<Pap> {
    let text = text.trim();
    let label = text.get(..4).filter(|p| p.eq_ignore_ascii_case("pap:")).map(|_| &text[4..])?;
    match label.trim().to_ascii_lowercase().as_str() {
        "clear" | "white" => Some(Pap::Clear),
        "green" => Some(Pap::Green),
        "amber" => Some(Pap::Amber),
        "red" => Some(Pap::Red),
        _ => None,
    }
}

/// `namespace:predicate="value"`.
fn machine_tag(tag: &str) -> Option<(String, String, &str)> {
    let (space, rest) = tag.split_once(':')?;
    let (predicate, value) = rest.split_once('=')?;
    Some((space.to_ascii_lowercase(), predicate.to_ascii_lowercase(), value.trim().trim_matches('"')))
}

fn letter(value: &str, range: std::ops::RangeInclusive<char>) -> Option<char> {
    let first = value.chars().next()?.to_ascii_uppercase();
    (value.chars().count() == 1 && range.contains(&first)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_roles_from_headings() {
        for (text, expected) in [
            ("LUMMA STEALER C2:", Some(Role::C2)),
            ("command-and-control", Some(Role::C2)),
            ("Exfiltration over Telegram", Some(Role::Exfil)),
            ("Steam profiles used as dead drops", Some(Role::DeadDrop)),
            ("admin panel of the C2", Some(Role::Panel)),
            ("REDIRECTS TO FAKE AZURE WEB PAGE:", Some(Role::Redirect)),
            ("phishing", Some(Role::Landing)),
            ("hosting-malware", Some(Role::Payload)),
            ("malicious-activity", None),
            ("NOTES:", None),
        ] {
            assert_eq!(role(text), expected, "{text}");
        }
    }

    #[test]
    fn names_a_family_only_when_the_text_names_one() {
        let context = Context::default();
        let named = |text: &str| family(text, &context);
        assert_eq!(
            named("2024-06-24: CLICKFIX POPUP PUSHING LUMMA STEALER").as_deref(),
            Some("LUMMA STEALER")
        );
        assert_eq!(named("the Aurora of the north"), None);
        assert_eq!(named("Aurora Stealer C2").as_deref(), Some("Aurora Stealer"));
        assert_eq!(named("Danabot, later Lumma"), None);
        assert_eq!(named("Lumma and LummaC2").as_deref(), Some("Lumma"));
    }

    #[test]
    fn reads_tags_and_keeps_the_strictest_marking() {
        let context = Context::default();
        let mut tags = Tags::default();
        for tag in [
            "tlp:green",
            "TLP:AMBER+STRICT",
            "tlp:white",
            "PAP:RED",
            "admiralty-scale:source-reliability=\"b\"",
            "misp-galaxy:stealer=\"Lumma Stealer\"",
            "Vidar",
            "C2",
            "estimative-language:confidence-in-analytic-judgment=\"moderate\"",
        ] {
            tags.add(tag, &context);
        }
        let claim = tags.claim();
        assert_eq!(claim.tlp, Some(Tlp::AmberStrict));
        assert_eq!(claim.pap, Some(Pap::Red));
        assert_eq!(claim.grading, Some((GradingScale::Admiralty, "B6".to_owned())));
        assert_eq!(claim.family.as_deref(), Some("Lumma Stealer"));
        assert_eq!(claim.role, Some(Role::C2));
        assert_eq!(claim.confidence, Some(50));
    }
}
