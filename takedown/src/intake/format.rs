//! The formats that are read, and how one is told from another by its content.

use super::{classify::classify, context::Context, lines::no_content, table};

/// How much of a file is looked at to tell its format, in bytes.
pub const SAMPLE: usize = 64 << 10;

/// A format of an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// Told by content.
    #[default]
    Auto,
    /// An indicator a line.
    Plain,
    /// A trail of maltrail.
    Maltrail,
    /// Columns between commas or semicolons.
    Csv,
    /// Columns between tabs.
    Tsv,
    /// Passive DNS RRsets: a table, or a JSON object a line.
    PassiveDns,
    /// A hosts file.
    Hosts,
    /// A response policy zone.
    Rpz,
    /// A list of JSON objects.
    Json,
    /// A report in prose.
    Text,
    /// A STIX 2 bundle or TAXII page.
    Stix,
    /// A MISP event or feed.
    Misp,
}

impl Format {
    /// Every format, `Auto` first.
    pub const ALL: &'static [Self] = &[
        Self::Auto,
        Self::Plain,
        Self::Maltrail,
        Self::Csv,
        Self::Tsv,
        Self::PassiveDns,
        Self::Hosts,
        Self::Rpz,
        Self::Json,
        Self::Text,
        Self::Stix,
        Self::Misp,
    ];

    /// Its spelling on the command line and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Plain => "plain",
            Self::Maltrail => "maltrail",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::PassiveDns => "passive-dns",
            Self::Hosts => "hosts",
            Self::Rpz => "rpz",
            Self::Json => "json",
            Self::Text => "text",
            Self::Stix => "stix",
            Self::Misp => "misp",
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.iter().copied().find(|f| f.as_str().eq_ignore_ascii_case(text)).ok_or_else(|| {
            let all: Vec<_> = Self::ALL.iter().map(|f| f.as_str()).collect();
            format!("`{text}` is not a format; it is one of {}", all.join(", "))
        })
    }
}

/// What is not read, and why: told from the first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// STIX 1.x is XML with its own object model.
    #[error("STIX 1.x (XML) is not read: convert it to STIX 2.1 first, for example with the OASIS elevator")]
    Stix1,
    /// A web page.
    #[error("an HTML page is not read: save it as text, or paste the text of it")]
    Html,
    /// Some other XML.
    #[error("XML of this kind is not read")]
    Xml,
    /// A PDF or office document.
    #[error("a {0} is not read: save it as text")]
    Document(&'static str),
    /// No text at all.
    #[error("this is binary data, not text")]
    Binary,
    /// The hash list of a MISP feed.
    #[error("{}", super::misp::REFUSED_HASHES)]
    MispHashes,
    /// JSON that is neither STIX, MISP nor a list of objects.
    #[error("JSON of an unknown shape: STIX 2, MISP, passive DNS and lists of objects are read")]
    Json,
}

/// Tells the format from the start of a file. The name only decides between formats that look the same.
///
/// # Errors
/// What it is instead, if it is nothing that is read.
pub fn detect(sample: &[u8], context: &Context) -> Result<Format, Refused> {
    let start = sample.strip_prefix(b"\xef\xbb\xbf").unwrap_or(sample).trim_ascii_start();
    match start {
        [b'<', ..] => {
            if let Some(refused) = xml(start) {
                return Err(refused);
            }
        }
        [b'%', b'P', b'D', b'F', ..] => return Err(Refused::Document("PDF")),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => return Err(Refused::Document("document of an office program")),
        [b'{' | b'[', b'"' | b'{' | b'[' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r', ..] => {
            return json(start);
        }
        _ => {}
    }
    let first_line = sample.split(|&b| b == b'\n').next().unwrap_or_default();
    if std::str::from_utf8(first_line).is_ok_and(super::misp::is_hash_list) {
        return Err(Refused::MispHashes);
    }
    // A report may quote some binary: its lines are refused one by one. Binary data has control characters all over.
    let control = |b: &u8| *b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0c);
    let lines = sample.split(|&b| b == b'\n').filter(|line| !line.is_empty());
    let (all, binary) =
        lines.fold((0, 0), |(all, binary), line| (all + 1, binary + usize::from(line.iter().any(control))));
    if binary * 2 > all {
        return Err(Refused::Binary);
    }
    Ok(text(&String::from_utf8_lossy(sample), sample.len() >= SAMPLE, context))
}

fn has(bytes: &[u8], word: &str) -> bool {
    memchr::memmem::find(bytes, word.as_bytes()).is_some()
}

fn xml(start: &[u8]) -> Option<Refused> {
    if has(start, "stix.mitre.org") || has(start, "STIX_Package") || has(start, "cybox") {
        return Some(Refused::Stix1);
    }
    let lower = start[..start.len().min(2_048)].to_ascii_lowercase();
    if has(&lower, "<html") || has(&lower, "<!doctype html") || has(&lower, "<body") {
        return Some(Refused::Html);
    }
    lower.starts_with(b"<?xml").then_some(Refused::Xml)
}

fn json(start: &[u8]) -> Result<Format, Refused> {
    let head = &start[..start.len().min(4_096)];
    if ["\"$schema\"", "\"stix_header\"", "\"media_type\"", ":STIXPackage-"]
        .iter()
        .any(|word| has(head, word))
    {
        // Known and refused, with what to do instead, by the reader of STIX.
        return Ok(Format::Stix);
    }
    if has(start, "\"rrname\"") && has(start, "\"rdata\"") && !has(start, "\"Event\"") {
        return Ok(Format::PassiveDns);
    }
    let stix = has(start, "\"spec_version\"") || has(start, "\"objects\"") || has(start, "\"bundle\"");
    if stix
        || (has(start, "\"type\"") && (has(start, "--") && has(start, "\"id\"")) && has(start, "\"created\""))
    {
        return Ok(Format::Stix);
    }
    let misp =
        ["\"Event\"", "\"Attribute\"", "\"threat_level_id\"", "\"Orgc\"", "\"distribution\"", "\"Feed\""];
    if misp.iter().any(|word| has(start, word)) {
        return Ok(Format::Misp);
    }
    let object_inside = start.iter().skip(1).any(|b| matches!(b, b'{' | b'['));
    if start[0] == b'[' || object_inside { Ok(Format::Json) } else { Err(Refused::Json) }
}

/// Tells the line formats and prose apart.
fn text(sample: &str, cut: bool, context: &Context) -> Format {
    let mut lines: Vec<&str> = sample.lines().collect();
    if cut {
        lines.pop();
    }
    let comments = lines.iter().filter(|l| l.starts_with('#')).count();
    let trail = |l: &&str| {
        l.starts_with("# Reference:") || l.starts_with("# Aliases:") || l.contains("Maltrail developers")
    };
    if comments > 0 && lines.iter().any(trail) {
        return Format::Maltrail;
    }
    let content: Vec<&str> = lines.iter().copied().filter(|l| no_content(l).is_none()).take(400).collect();
    if is_rpz(&lines) {
        return Format::Rpz;
    }
    if content.is_empty() {
        return Format::Plain;
    }
    let most = |count: usize| count * 10 >= content.len() * 6;
    let hosts = content.iter().filter(|l| is_hosts_line(l)).count();
    if most(hosts) {
        return Format::Hosts;
    }
    if is_report(&content) {
        return Format::Text;
    }
    if let Some(delimiter) = table::delimiter(&lines, context) {
        return if delimiter == b'\t' { Format::Tsv } else { Format::Csv };
    }
    let listed = content.iter().filter(|l| is_list_line(l, context)).count();
    if most(listed) { Format::Plain } else { Format::Text }
}

fn is_rpz(lines: &[&str]) -> bool {
    let soa =
        lines.iter().take(50).any(|l| l.contains(" SOA ") || l.contains("\tSOA\t") || l.contains("\tSOA "));
    let directive = lines.iter().take(50).any(|l| l.starts_with("$TTL") || l.starts_with("$ORIGIN"));
    let policy = |l: &&&str| {
        let mut words = l.split_whitespace();
        words.any(|w| w == "CNAME")
            && words.next().is_some_and(|t| t == "." || t == "*." || t.starts_with("rpz-"))
    };
    let policies = lines.iter().take(400).filter(policy).count();
    (soa && (directive || policies > 0)) || (directive && policies > 0) || policies * 2 > lines.len().min(400)
}

fn is_hosts_line(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let address = words.next().is_some_and(|w| w.parse::<std::net::IpAddr>().is_ok());
    address
        && words.next().is_some_and(|w| {
            !w.starts_with('#') && w.parse::<std::net::IpAddr>().is_err() && w.contains(['.', 'l'])
        })
}

/// Headings with a colon at the end, and sentences below them: a report, however long its lists are.
fn is_report(content: &[&str]) -> bool {
    let words = |l: &str| l.split_whitespace().count();
    let is_heading =
        |l: &&&str| l.trim_end().ends_with(':') && words(l) <= 10 && !l.contains(['.', ',', '\t']);
    let headings = content.iter().filter(is_heading).count();
    let sentences = content.iter().filter(|l| words(l) > 6).count();
    headings >= 2 && sentences >= 2
}

/// One word, or an indicator first and few words after it.
fn is_list_line(line: &str, context: &Context) -> bool {
    let mut words = line.split_whitespace();
    let first = words.next().unwrap_or_default();
    let after = words.count();
    match after {
        0 => true,
        1..=5 => classify(first, context).is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_tells_the_format() {
        use Format as F;
        for (text, format) in [
            ("evil.example\n192.0.2.1\n", Ok(F::Plain)),
            ("", Ok(F::Plain)),
            ("# only\n# comments\n", Ok(F::Plain)),
            ("# Aliases: x\n\nevil.example\n", Ok(F::Maltrail)),
            ("ioc,first seen\nevil.example,2025-01-01\n", Ok(F::Csv)),
            ("evil.example;c2\nbad.example;c2\n", Ok(F::Csv)),
            ("evil.example\t2025-01-01\nbad.example\t2025-01-02\n", Ok(F::Tsv)),
            ("0.0.0.0 evil.example\n0.0.0.0 bad.example\n", Ok(F::Hosts)),
            ("$TTL 60\n@ SOA a. b. 1 2 3 4 5\nevil.example CNAME .\n", Ok(F::Rpz)),
            (
                "The campaign used several domains, as seen below.\nIt began in May and went on for weeks.\n",
                Ok(F::Text),
            ),
            (
                "NOTES:\n- The names below were seen in one campaign since May.\n- All of them have the same registrar, as far as known.\nNAMES:\nevil[.]example\na.example\nb.example\nc.example\nd.example\ne.example\nf.example\n",
                Ok(F::Text),
            ),
            ("{\"type\":\"bundle\",\"id\":\"bundle--1\",\"objects\":[]}", Ok(F::Stix)),
            ("{\"Event\":{\"info\":\"x\"}}", Ok(F::Misp)),
            ("[{\"value\":\"evil.example\",\"type\":\"domain\"}]", Ok(F::Json)),
            ("{\"rrname\":\"evil.example.\",\"rrtype\":\"A\",\"rdata\":[\"192.0.2.1\"]}", Ok(F::PassiveDns)),
            ("[2001:db8::1]:443\nevil.example\n", Ok(F::Plain)),
            ("<?xml version=\"1.0\"?><stix:STIX_Package>", Err(Refused::Stix1)),
            ("<!DOCTYPE html><html>", Err(Refused::Html)),
            ("%PDF-1.7", Err(Refused::Document("PDF"))),
            ("\0\0\0\u{1}\0\0", Err(Refused::Binary)),
            ("{\"a\":1}", Err(Refused::Json)),
        ] {
            assert_eq!(detect(text.as_bytes(), &Context::default()), format, "{text}");
        }
        assert_eq!("Passive-DNS".parse(), Ok(F::PassiveDns));
        assert!("word".parse::<F>().is_err());
    }
}
