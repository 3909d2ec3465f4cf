//! Free text: reports in paragraphs, lists and tables, in whatever style of defanging.
//!
//! The rule is the analyst's own habit. What is defanged is meant as an indicator. In a report that defangs,
//! a link that is left clickable is the report's own, and a bare name in a sentence is a remark; a bare name
//! that heads an item of a list of indicators is one all the same. In a report that defangs no name at all,
//! bare names count where the line or its heading speaks of hosts. File names, paths, script code and
//! placeholders are told apart by their form and by what the report says of them elsewhere.

mod section;
mod token;
mod wrap;

use std::{collections::HashSet, fmt::Write as _};

use entities::{LinkKind, ObservableKind, Timestamp};

use self::{
    section::{About, Section},
    token::{Form, Token},
};
use super::{
    classify,
    context::Context,
    entry::{Claim, Entry, Linked, Named, Parsed},
    hints,
    json::{absorb, cut},
    name,
    refang::refang,
};

/// The most indicators that one line may hold; a longer list in one line is refused, not cut.
const LINE_MOST: usize = 2_000;

/// Reads a report into one entry a line. `title` is the file's name or another title, or empty: it may
/// name the family and the day.
pub fn read(text: &str, title: &str, context: &Context) -> Vec<Entry> {
    let lines: Vec<&str> = text.lines().collect();
    let wrapped = wrap::join(&lines);
    let report = Report::survey(&lines, &wrapped, title, context);
    let mut section = Section::default();
    let mut entries = Vec::with_capacity(lines.len());
    for ((number, raw), line) in (1u64..).zip(&lines).zip(&wrapped) {
        let parsed = if raw.trim().is_empty() {
            section.blank();
            Err("blank line".to_owned())
        } else {
            if line.joined_from.is_none() {
                section.see(raw);
            }
            report.line(line, &section)
        };
        entries.push(Entry { number, text: cut(raw), parsed });
    }
    entries
}

/// What the whole report tells before its lines are read.
struct Report<'a> {
    context: &'a Context,
    /// It defangs: links left clickable are its own.
    defangs: bool,
    /// It defangs names: bare ones are remarks.
    defangs_names: bool,
    /// Hosts that stand defanged somewhere in it.
    hosts: HashSet<String>,
    /// Lower-case names of files that it speaks of.
    files: HashSet<String>,
    family: Option<String>,
    day: Option<Timestamp>,
}

/// One token's fate.
enum Judged {
    Indicator(Parsed),
    Refused(String),
    Nothing,
}

impl<'a> Report<'a> {
    fn survey(lines: &[&str], wrapped: &[wrap::Line], title: &str, context: &'a Context) -> Self {
        let first = lines.iter().find(|l| !l.trim().is_empty()).copied().unwrap_or_default();
        let family = hints::family(first, context).or_else(|| hints::family(title, context));
        let mut report = Self {
            context,
            defangs: false,
            defangs_names: false,
            hosts: HashSet::new(),
            files: HashSet::new(),
            family,
            day: section::day(first).or_else(|| section::day(title)),
        };
        for line in wrapped {
            let tokens = token::split(&line.text);
            for (at, token) in tokens.iter().enumerate() {
                report.survey_token(token, at.checked_sub(1).map(|b| &tokens[b]));
            }
            report.files.extend(section::named_file(&line.text));
        }
        report
    }

    fn survey_token(&mut self, token: &Token<'_>, before: Option<&Token<'_>>) {
        let live = token.live();
        match token.form() {
            Form::Url => {
                let (_, rest) = live.split_once("://").unwrap_or(("", &live));
                let path = rest.split(['?', '#']).next().unwrap_or_default();
                if let Some((_, last)) = path.rsplit_once('/').filter(|(_, l)| l.contains('.')) {
                    self.files.insert(last.to_ascii_lowercase());
                }
                if token.is_defanged() {
                    self.defangs = true;
                    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
                    self.hosts.insert(host.to_ascii_lowercase());
                    self.defangs_names |= token.text.contains(['[', '(', '{']) && has_letter(host);
                }
            }
            Form::Path => {
                if let Some(last) = token.text.rsplit('\\').next().filter(|l| l.contains('.')) {
                    self.files.insert(last.to_ascii_lowercase());
                }
            }
            Form::Dotted if token.is_defanged() => {
                self.defangs = true;
                self.hosts.insert(live.split(['/', ':']).next().unwrap_or_default().to_ascii_lowercase());
                self.defangs_names |= has_letter(&live);
            }
            // `evil[.]zip (~6.7 MB)` is seen from its size.
            Form::Other if token.text.starts_with('~') => {
                if let Some(file) = before.filter(|b| b.form() == Form::Dotted) {
                    self.files.insert(file.live().to_ascii_lowercase());
                }
            }
            _ => {}
        }
    }

    fn line(&self, line: &wrap::Line, section: &Section) -> Result<Parsed, String> {
        let tokens = token::split(&line.text);
        let mut found = Parsed::default();
        let mut refused = None;
        let claim = self.claim(&line.text, section);
        let about = section.about;
        for at in 0..tokens.len() {
            match self.judge(&tokens, at, about, &claim) {
                Judged::Indicator(parsed) => merge(&mut found, parsed),
                Judged::Refused(why) => refused = refused.or(Some(why)),
                Judged::Nothing => {}
            }
            if found.sightings.len() > LINE_MOST {
                return Err(format!("more than {LINE_MOST} indicators in one line: give them a line each"));
            }
        }
        if !found.sightings.is_empty() {
            found.links.extend(row_link(&tokens, &found, claim.seen_at));
            return Ok(found);
        }
        if line.joined_from.is_some() {
            return Err("continues the line above".to_owned());
        }
        Err(refused.unwrap_or_else(|| "no indicator in this line".to_owned()))
    }

    fn claim(&self, line: &str, section: &Section) -> Claim {
        // What follows the indicator on its line says more of it than the heading.
        let remark = line.find("<--").or_else(|| line.find(" - ")).map_or("", |at| &line[at..]);
        Claim {
            family: hints::family(remark, self.context)
                .or_else(|| hints::family(&section.heading, self.context))
                .or_else(|| self.family.clone()),
            role: hints::role(remark).or(section.role),
            seen_at: section::instant(line).or(self.day),
            ..Claim::default()
        }
    }

    fn judge(&self, tokens: &[Token<'_>], at: usize, about: About, claim: &Claim) -> Judged {
        let token = &tokens[at];
        match token.form() {
            Form::Url => self.url(token, about, claim),
            Form::Hash => {
                let commit = word_before(tokens, at).is_some_and(|w| w.eq_ignore_ascii_case("commit"));
                if commit {
                    return Judged::Refused("a commit of a repository, not a file's hash".to_owned());
                }
                self.accept(&token.live(), claim)
            }
            Form::Share => match token.share_host() {
                Some(host) if token.is_defanged() || is_address(&host) => self.accept(&host, claim),
                _ => Judged::Refused("a path on a share without a known host".to_owned()),
            },
            Form::Path => Judged::Refused("a path or registry key, not an indicator".to_owned()),
            Form::Mail => Judged::Refused("a mail address, which is no indicator here".to_owned()),
            Form::Address => {
                let version = word_before(tokens, at).is_some_and(is_version_word);
                if version && !token.is_defanged() {
                    return Judged::Refused("a version number, by the word before it".to_owned());
                }
                self.accept(&token.live(), claim)
            }
            Form::Dotted if token.is_defanged() => self.defanged_name(token, claim),
            Form::Dotted => self.bare_name(tokens, at, about, claim),
            Form::Wallet => self.accept(&token.live(), claim),
            Form::Other => Judged::Nothing,
        }
    }

    fn accept(&self, live: &str, claim: &Claim) -> Judged {
        match classify::parsed(live, claim.clone(), self.context) {
            Ok(parsed) => Judged::Indicator(parsed),
            Err(why) => Judged::Refused(why),
        }
    }

    fn url(&self, token: &Token<'_>, about: About, claim: &Claim) -> Judged {
        let live = token.live();
        let host = live
            .split_once("://")
            .map_or("", |(_, rest)| rest.split(['/', '?', '#', ':']).next().unwrap_or_default());
        if host.is_empty() || host.contains(['[', ']', '<', '>', '{', '}', '$', '%']) {
            return Judged::Refused("a URL with a placeholder for its host".to_owned());
        }
        let known = self.hosts.contains(&host.to_ascii_lowercase()) || is_address(host);
        if !token.is_defanged() && !known {
            if self.defangs {
                return Judged::Refused(
                    "a link of the report itself: it is not defanged, the indicators are".to_owned(),
                );
            }
            if about == About::References || section::is_reference_host(host) {
                return Judged::Refused("a link of the report itself, by its host or heading".to_owned());
            }
        }
        self.accept(&live, claim)
    }

    fn defanged_name(&self, token: &Token<'_>, claim: &Claim) -> Judged {
        let live = token.live();
        if name::could_be_file(&live) && self.files.contains(&live.to_ascii_lowercase()) {
            return Judged::Refused("a file name: the report uses it as one elsewhere".to_owned());
        }
        self.accept(&live, claim)
    }

    /// A name that is not defanged: see the module's rule.
    fn bare_name(&self, tokens: &[Token<'_>], at: usize, about: About, claim: &Claim) -> Judged {
        let token = &tokens[at];
        let live = token.live();
        let (host, port) = token.host_and_port();
        let host = host.to_ascii_lowercase();
        if token.is_code {
            return Judged::Nothing;
        }
        let read = match classify::parsed(&live, claim.clone(), self.context) {
            Ok(parsed) => parsed,
            // Dotted words are everywhere: only what could be meant as a name is worth a reason.
            Err(_) if !tokens[..at].is_empty() => return Judged::Nothing,
            Err(why) => return Judged::Refused(why),
        };
        if self.hosts.contains(&host) || port.is_some() && about != About::References {
            return Judged::Indicator(read);
        }
        let label = section::label(tokens, at);
        if section::is_file_label(label) || self.files.contains(&host) || name::could_be_file(&host) {
            return Judged::Refused("a file name, by its label or ending".to_owned());
        }
        if section::is_host_label(label) {
            return Judged::Indicator(read);
        }
        if about == About::References {
            return Judged::Refused("a name in the report's references".to_owned());
        }
        let leads = tokens[..at].iter().all(|t| t.is_bullet());
        if leads && about == About::Indicators && section::is_item(token.rest_of_line) {
            return Judged::Indicator(read);
        }
        let beside_address = tokens.iter().any(|t| t.form() == Form::Address);
        if !self.defangs_names && (leads || beside_address) && about != About::Files {
            return Judged::Indicator(read);
        }
        Judged::Refused(
            "a name in a sentence, not defanged: no word near it says that it is an indicator".to_owned(),
        )
    }
}

fn has_letter(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_alphabetic())
}

fn is_address(host: &str) -> bool {
    host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok()
}

fn is_version_word(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    word.contains("version")
        || matches!(word.as_str(), "v" | "ver" | "build" | "release" | "chrome" | "firefox" | "update")
}

fn word_before<'t>(tokens: &'t [Token<'_>], at: usize) -> Option<&'t str> {
    at.checked_sub(1).map(|b| tokens[b].text.trim_end_matches([':', '=']))
}

/// Adds what is new: a line may say the same thing twice.
fn merge(into: &mut Parsed, from: Parsed) {
    let new: Vec<_> =
        from.sightings.iter().filter(|(n, _)| into.sightings.iter().all(|(o, _)| o != n)).cloned().collect();
    if !new.is_empty() {
        absorb(into, Parsed { sightings: new, ..from });
    }
}

/// A row of a traffic log, `address … port … name`: the name had the address then. Only ports, dates and
/// dashes may stand before and between the two, else the line is a sentence about both.
fn row_link(tokens: &[Token<'_>], found: &Parsed, seen: Option<Timestamp>) -> Option<Linked> {
    let of = |kinds: &[ObservableKind]| {
        let mut named = found.sightings.iter().map(|(n, _)| n).filter(|n| kinds.contains(&n.kind));
        named.next().filter(|_| named.next().is_none())
    };
    let address: &Named = of(&[ObservableKind::Ipv4Address, ObservableKind::Ipv6Address])?;
    let name: &Named = of(&[ObservableKind::DomainName, ObservableKind::HostName])?;
    let mut between = String::new();
    for token in tokens {
        match token.form() {
            Form::Address | Form::Dotted
                if token.is_defanged() || !between.is_empty() || token.form() == Form::Address =>
            {
                let _ = write!(between, "{}", if token.form() == Form::Address { 'a' } else { 'n' });
                if between.contains('a') && between.contains('n') {
                    let seen = seen.map(|at| (at, at));
                    return Some(Linked { seen, ..classify::link(name, LinkKind::ResolvesTo, address) });
                }
            }
            _ if token.is_bullet() || token.is_filler() => {}
            _ => return None,
        }
    }
    None
}

/// Whether a text is worth reading as a report: some token in it is defanged, or it is prose.
pub fn looks_like(head: &str) -> bool {
    let lines: Vec<&str> = head.lines().filter(|l| !l.trim().is_empty()).take(200).collect();
    let prose = lines.iter().filter(|l| l.split_whitespace().count() > 4 && !l.starts_with('#')).count();
    let urls_in_text = lines.iter().filter(|l| l.split_whitespace().count() > 1 && refang(l) != **l).count();
    prose * 5 >= lines.len() && prose > 0 || urls_in_text * 3 >= lines.len() && urls_in_text > 0
}

#[cfg(test)]
mod tests;
