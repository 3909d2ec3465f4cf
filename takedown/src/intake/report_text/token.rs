//! The words of a line, without what sentences, tables, quotes and code put around them.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;

use crate::intake::refang::refang;

/// What a word looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// With a scheme.
    Url,
    /// Hex digits of a hash's length, with or without the algorithm.
    Hash,
    /// An IPv4 or IPv6 address, endpoint or prefix.
    Address,
    /// A name with a dot, perhaps with a port or path.
    Dotted,
    /// A path on another machine: `\\host\share`.
    Share,
    /// A path on a disk or in the registry.
    Path,
    /// A mail address.
    Mail,
    /// A wallet's or contract's address.
    Wallet,
    /// Anything else.
    Other,
}

/// A word of a line.
#[derive(Clone, Debug)]
pub struct Token<'t> {
    /// The word as written, trimmed.
    pub text: &'t str,
    /// It stands in script code: brackets, quotes or operators touch it.
    pub is_code: bool,
    /// What follows it on the line.
    pub rest_of_line: &'t str,
}

/// A scheme, live or defanged, and the marks between it and the host. Only a pattern of ours: it compiles.
static SCHEME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?xi) (?: h[tx*_\#z]{2}p (?: s | \[s\] | \(s\) )? | f[tx]ps? | sftp | wss? | ldaps? | smb | rdp | tcp | udp | ssh )
          (?: :// | \[:\]// | \(:\)// | \{:\}// | \[://\] | :\[//\] | \[:/\]/ | :/\[/\] | \[:\]\[/\]\[/\] | \[:\]\[//\] | :\\\\ )",
    )
    .ok()
});

/// Where a scheme starts in a word, at a word's edge.
pub fn scheme_at(word: &str) -> Option<usize> {
    if !word.contains([':', '/']) {
        return None;
    }
    let found = SCHEME.as_ref()?.find(word)?;
    let before = word[..found.start()].chars().next_back();
    before.is_none_or(|c| !c.is_ascii_alphanumeric()).then_some(found.start())
}

/// Whether a word begins an address of its own.
pub fn starts_address(word: &str) -> bool {
    scheme_at(word) == Some(0)
}

/// Whether a word only marks an item of a list.
pub fn is_bullet(word: &str) -> bool {
    let marks =
        |c: char| matches!(c, '-' | '*' | '•' | '·' | '–' | '—' | '+' | '>' | '◦' | '▪' | '#' | '=' | '|');
    let number = word.trim_start_matches(['[', '(']).trim_end_matches(['.', ')', ']', ':']);
    !word.is_empty() && word.chars().all(marks)
        || number.len() < word.len()
            && (1..=3).contains(&number.len())
            && number.bytes().all(|b| b.is_ascii_digit())
}

/// The words of a line: split at blanks, cell borders, arrows and, outside of URLs, commas; trimmed.
pub fn split(line: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let base = line.as_ptr() as usize;
    for word in line.split(|c: char| c.is_whitespace() || matches!(c, '|' | '→' | '⇒')) {
        for part in parts(word) {
            let (text, is_code) = trim(part);
            if !text.is_empty() {
                let end = (text.as_ptr() as usize - base) + text.len();
                tokens.push(Token { text, is_code, rest_of_line: &line[end..] });
            }
        }
    }
    tokens
}

/// A word's parts: from the scheme on, or between commas.
fn parts(word: &str) -> Vec<&str> {
    if let Some(at) = scheme_at(word) {
        let (before, url) = word.split_at(at);
        // `a,hxxp://b` before it is a part of its own.
        let mut parts = vec![before.trim_end_matches([',', ';'])];
        let next = url.match_indices([',', ';']).find(|(at, _)| starts_address(&url[at + 1..]));
        match next {
            Some((at, _)) => {
                parts.push(&url[..at]);
                parts.extend(self::parts(&url[at + 1..]));
            }
            None => parts.push(url),
        }
        return parts.into_iter().filter(|p| !p.is_empty()).collect();
    }
    word.split([',', ';']).flat_map(|p| p.split("->")).filter(|p| !p.is_empty()).collect()
}

/// Takes the marks around a word away; says whether code touches it.
fn trim(word: &str) -> (&str, bool) {
    if let Some(at) = scheme_at(word) {
        return (trim_url(&word[at..]), false);
    }
    let mut text = word;
    let mut is_code = false;
    loop {
        let before = text;
        text = text.trim_matches(|c| {
            matches!(c, '"' | '\'' | '`' | '“' | '”' | '‘' | '’' | '*' | '<' | '>' | '«' | '»')
        });
        text = text.trim_end_matches([',', ';', ':', '!', '?', '.', '…']);
        for (open, close) in [('(', ')'), ('[', ']'), ('{', '}')] {
            let count = |c: char| text.matches(c).count();
            if text.ends_with(close) && count(close) > count(open) {
                text = &text[..text.len() - 1];
            } else if text.starts_with(open)
                && (count(open) > count(close) || text.ends_with(close) && count(open) == 1)
            {
                text = &text[1..];
            }
        }
        for possessive in ["'s", "’s"] {
            text = text.strip_suffix(possessive).unwrap_or(text);
        }
        if text == before {
            break;
        }
    }
    is_code |= text.contains(['$', '{', '}', '"', '\'', '`', '%', '&', '!'])
        || text.contains("()")
        || text.contains(')') && !text.contains("(dot)") && !text.contains("(.)");
    // `Host:evil[.]example`, `domain=evil[.]example`.
    let label = text.split_once(['=', ':']).filter(|(l, v)| {
        !l.is_empty()
            && l.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_' || b == b'-')
            && v.contains('.')
            && !v.starts_with(']')
    });
    if let Some((_, value)) = label {
        let (value, code) = trim(value);
        return (value, is_code || code);
    }
    (text, is_code)
}

/// A URL without what a sentence puts after it: quotes, brackets that it did not open, a placeholder.
fn trim_url(url: &str) -> &str {
    let end = url.find(['"', '`', '“', '”', '’', '<', '>', '\'']).unwrap_or(url.len());
    let mut text = &url[..end];
    // `?id=[short string]`: cut before a bracket that is no defanging.
    let after = text.find("//").map_or(0, |at| at + 2);
    let placeholder = text[after..].match_indices(['[', '{']).find(|(at, _)| {
        let inside = &text[after + at + 1..];
        let mark = inside.split([']', '}']).next().unwrap_or_default().trim();
        let closes = inside.contains([']', '}']);
        let is_mark = matches!(mark, "." | ":" | "/" | "//" | "@" | "dot" | "DOT" | "at")
            || mark.starts_with('.')
            || mark.contains(':');
        !(is_mark && closes || inside.starts_with('.'))
    });
    if let Some((at, _)) = placeholder {
        text = &text[..after + at];
    }
    loop {
        let before = text;
        text = text.trim_end_matches([',', ';', '!', '.', '*', '|', '\\']);
        text = text.strip_suffix(':').unwrap_or(text);
        for (open, close) in [('(', ')'), ('[', ']'), ('{', '}')] {
            if text.ends_with(close) && text.matches(close).count() > text.matches(open).count() {
                text = &text[..text.len() - 1];
            }
        }
        if text == before {
            return text;
        }
    }
}

impl<'t> Token<'t> {
    /// The refanged word.
    pub fn live(&self) -> Cow<'t, str> {
        refang(self.text)
    }

    /// Whether refanging changes it.
    pub fn is_defanged(&self) -> bool {
        matches!(self.live(), Cow::Owned(_))
    }

    /// Whether it marks an item of a list.
    pub fn is_bullet(&self) -> bool {
        is_bullet(self.text)
    }

    /// Dates, times, ports and the words about them in a row of a log.
    pub fn is_filler(&self) -> bool {
        let text = self.text;
        matches!(text.to_ascii_lowercase().as_str(), "port" | "utc" | "tcp" | "udp" | "at" | "on" | "z")
            || text
                .bytes()
                .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b':' | b'/' | b'.' | b'T' | b'Z'))
    }

    /// The host of a share: `\\host@80\share`, backslashes doubled or not.
    pub fn share_host(&self) -> Option<String> {
        let host = self.text.trim_start_matches('\\').split(['\\', '@']).next()?;
        let host = refang(host).into_owned();
        host.contains('.').then_some(host)
    }

    /// Its host, and its port if it ends in one.
    pub fn host_and_port(&self) -> (String, Option<u16>) {
        let live = self.live();
        let authority = live.split('/').next().unwrap_or_default();
        match authority.rsplit_once(':') {
            Some((host, port)) if !live.contains('/') => (host.to_owned(), port.parse().ok()),
            _ => (authority.to_owned(), None),
        }
    }

    /// What it looks like.
    pub fn form(&self) -> Form {
        let text = self.text;
        if scheme_at(text) == Some(0) {
            return Form::Url;
        }
        if is_hash(text) {
            return Form::Hash;
        }
        if text.starts_with("\\\\") {
            return Form::Share;
        }
        let odd_backslash = text
            .bytes()
            .zip(text.bytes().skip(1))
            .any(|(a, b)| a == b'\\' && !matches!(b, b'.' | b'/' | b':'));
        if odd_backslash || text.ends_with('\\') {
            return Form::Path;
        }
        let live = self.live();
        if is_wallet(&live) {
            return Form::Wallet;
        }
        if live.contains('@') {
            return if live.contains('.') { Form::Mail } else { Form::Other };
        }
        if is_address(&live) {
            return Form::Address;
        }
        if is_dotted(&live) { Form::Dotted } else { Form::Other }
    }
}

fn is_hash(text: &str) -> bool {
    let digits = match text.split_once([':', '=']) {
        Some((algorithm, digits)) if algorithm.to_ascii_lowercase().starts_with(['s', 'm']) => digits,
        _ => text,
    };
    matches!(digits.len(), 32 | 40 | 64 | 128) && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Only a shape; the checksums are looked at later.
fn is_wallet(text: &str) -> bool {
    let hex =
        text.strip_prefix("0x").is_some_and(|h| h.len() == 40 && h.bytes().all(|b| b.is_ascii_hexdigit()));
    let alphanumeric = text.bytes().all(|b| b.is_ascii_alphanumeric());
    let mixed = text.bytes().any(|b| b.is_ascii_digit()) && text.bytes().any(|b| b.is_ascii_alphabetic());
    hex || alphanumeric
        && (text.starts_with("bc1") && text.len() >= 42
            || (26..=35).contains(&text.len()) && text.starts_with(['1', '3', 'T']) && mixed)
}

fn is_address(text: &str) -> bool {
    let bare = text.trim_start_matches('[');
    let v4: Vec<&str> = text.split(['/', ':']).next().unwrap_or_default().split('.').collect();
    if let [a, b, c, d] = v4.as_slice() {
        return [a, b, c, d].iter().all(|o| o.parse::<u8>().is_ok());
    }
    let v6 = bare.split(']').next().unwrap_or_default().split('/').next().unwrap_or_default();
    v6.matches(':').count() >= 3 && v6.len() >= 8 && v6.parse::<std::net::Ipv6Addr>().is_ok()
}

/// Two labels at least, the last one with letters only or punycode; nothing but name characters before a
/// port or path.
fn is_dotted(text: &str) -> bool {
    let host = text.split(['/', ':', '?']).next().unwrap_or_default().trim_end_matches('.');
    let Some((stem, last)) = host.rsplit_once('.') else {
        return false;
    };
    let name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    !stem.is_empty()
        && last.chars().count() >= 2
        && (last.chars().all(char::is_alphabetic) || last.starts_with("xn--"))
        && stem.chars().all(name)
        && stem.split('.').all(|label| !label.is_empty())
}
