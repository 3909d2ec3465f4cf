//! Where in a report a line stands: its heading, and the label before a word.

use entities::{Role, Timestamp};

use super::token::{self, Token};
use crate::intake::hints;

/// What the lines under a heading are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum About {
    /// Hosts, addresses, traffic: indicators.
    Indicators,
    /// Files and hashes.
    Files,
    /// The report's sources and authors.
    References,
    /// Prose, or no heading yet.
    #[default]
    Text,
}

/// The heading that holds for a line.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// What it is about.
    pub about: About,
    /// The role that the heading speaks of.
    pub role: Option<Role>,
    /// The heading itself.
    pub heading: String,
    fresh: bool,
}

impl Section {
    /// Takes a line; if it is a heading, it holds from here.
    pub fn see(&mut self, line: &str) {
        let bare = line.trim();
        let text = bare.trim_start_matches(|c: char| {
            c.is_whitespace() || matches!(c, '-' | '*' | '•' | '#' | '=' | '>')
        });
        let bulleted = text.len() < bare.len() && !bare.starts_with(['#', '=']);
        let colon = text.trim_end_matches(['*', '_']).ends_with(':');
        let letters = text.chars().filter(|c| c.is_alphabetic()).count();
        let upper = text.chars().filter(|c| c.is_uppercase()).count();
        let shouts = letters > 3 && upper * 10 >= letters * 8 && !bulleted && text.contains(' ');
        let titled = bare.starts_with('#') && text.split_whitespace().count() <= 12;
        if !(colon || shouts || titled) || text.chars().count() > 200 || holds_address(text) && bulleted {
            return;
        }
        let about = about(text);
        let role = hints::role(text);
        // `(Read: hash - size)` under a heading and sub-headings of prose do not end what it began.
        if bulleted && about == About::Text && role.is_none() {
            return;
        }
        *self = Self {
            about,
            role: role.or(if bulleted { self.role } else { None }),
            heading: text.to_owned(),
            fresh: true,
        };
    }

    /// A blank line: the one under the heading belongs to it.
    pub const fn blank(&mut self) {
        self.fresh = false;
    }
}

fn holds_address(text: &str) -> bool {
    token::split(text)
        .iter()
        .any(|t| matches!(t.form(), token::Form::Url | token::Form::Address | token::Form::Dotted))
}

fn about(heading: &str) -> About {
    let lower = heading.to_ascii_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let any = |list: &[&str]| words.iter().any(|w| list.contains(w));
    if any(&[
        "reference",
        "references",
        "sources",
        "author",
        "authors",
        "credits",
        "links",
        "reading",
        "acknowledgements",
    ]) {
        return About::References;
    }
    let hosts = any(&[
        "ioc",
        "iocs",
        "indicator",
        "indicators",
        "domain",
        "domains",
        "url",
        "urls",
        "c2",
        "c2s",
        "host",
        "hosts",
        "hostnames",
        "ip",
        "ips",
        "address",
        "addresses",
        "traffic",
        "server",
        "servers",
        "infrastructure",
        "network",
        "site",
        "sites",
        "pages",
        "websites",
        "fqdn",
        "fqdns",
        "blocklist",
        "dns",
        "panels",
        "contacted",
        "connections",
    ]);
    if hosts {
        return About::Indicators;
    }
    match any(&[
        "file",
        "files",
        "hash",
        "hashes",
        "sha256",
        "malware",
        "samples",
        "artifacts",
        "archives",
        "filenames",
    ]) {
        true => About::Files,
        false => About::Text,
    }
}

/// The words before a word, back to the last mark of punctuation or bullet: what the author calls it.
pub fn label<'t>(tokens: &'t [Token<'_>], at: usize) -> &'t [Token<'t>] {
    let start = at.saturating_sub(3);
    let from = tokens[start..at].iter().rposition(Token::is_bullet).map_or(start, |p| start + p + 1);
    &tokens[from..at]
}

fn any_word(label: &[Token<'_>], list: &[&str]) -> bool {
    label.iter().any(|t| list.contains(&t.text.to_ascii_lowercase().trim_end_matches(':')))
}

/// Whether the label calls the word a file.
pub fn is_file_label(label: &[Token<'_>]) -> bool {
    any_word(
        label,
        &[
            "file",
            "filename",
            "name",
            "named",
            "attachment",
            "script",
            "archive",
            "executable",
            "process",
            "library",
            "dll",
        ],
    )
}

/// Whether the label calls the word a host.
pub fn is_host_label(label: &[Token<'_>]) -> bool {
    let pair = |a: &str, b: &str| {
        label.windows(2).any(|w| w[0].text.eq_ignore_ascii_case(a) && w[1].text.eq_ignore_ascii_case(b))
    };
    any_word(
        label,
        &["domain", "domains", "host", "hostname", "fqdn", "c2", "c&c", "sni", "nameserver", "resolves"],
    ) || pair("query", "for")
        || pair("queries", "for")
        || pair("Received", "from")
        || pair("connects", "to")
        || pair("contacts", "the")
}

/// Whether what follows the first word of an item is nothing, a remark, or a further cell.
pub fn is_item(rest: &str) -> bool {
    let trimmed = rest.trim_start();
    trimmed.is_empty()
        || trimmed.starts_with(['-', '–', '—', '<', '(', '[', '|', ',', ';', '#', ':', '→'])
        || rest.starts_with("  ")
        || rest.starts_with('\t')
}

/// The file that a line `File name: evil.one` names, lower-case.
pub fn named_file(line: &str) -> Option<String> {
    let (label, value) = line.split_once(':')?;
    let label = label.trim_matches(|c: char| !c.is_alphanumeric()).to_ascii_lowercase();
    let is_file = matches!(label.as_str(), "file name" | "filename" | "file" | "attachment" | "name");
    (is_file && value.contains('.')).then(|| value.trim().to_ascii_lowercase())
}

/// The day at the start of a title: `2024-03-07 …`.
pub fn day(title: &str) -> Option<Timestamp> {
    let day = title.trim_start().get(..10)?;
    format!("{day}T00:00:00Z").parse().ok()
}

/// The instant at the start of a row of a log: `2024-03-07 20:18:30 …`.
pub fn instant(line: &str) -> Option<Timestamp> {
    let line = line.trim_start().trim_start_matches(['-', '*', ' ']);
    let (day, clock) = (line.get(..10)?, line.get(11..19)?);
    format!("{day}T{clock}Z").parse().ok()
}

/// Hosts that reports link to and that hold no indicator of theirs: social media, analysis services,
/// encyclopaedias of malware. Only asked where a report defangs nothing.
pub fn is_reference_host(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host);
    [
        "abuse.ch",
        "any.run",
        "attack.mitre.org",
        "bsky.app",
        "caad.fkie.fraunhofer.de",
        "hybrid-analysis.com",
        "infosec.exchange",
        "joesandbox.com",
        "linkedin.com",
        "linktr.ee",
        "medium.com",
        "mitre.org",
        "nist.gov",
        "otx.alienvault.com",
        "reddit.com",
        "tria.ge",
        "twitter.com",
        "unpac.me",
        "urlscan.io",
        "virustotal.com",
        "wikipedia.org",
        "x.com",
        "youtube.com",
    ]
    .iter()
    .any(|known| host == *known || host.strip_suffix(known).is_some_and(|h| h.ends_with('.')))
}
