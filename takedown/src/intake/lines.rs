//! Plain lists: an indicator a line, with or without a comment beside it. Also hosts files, whose lines
//! name an address and the names to be blocked.

use entities::LinkKind;

use super::{
    classify::{self, parsed},
    context::Context,
    entry::{Claim, Parsed},
    refang::refang,
};

/// The most words of a line that are looked at.
const WORDS_MAX: usize = 16;

/// The reason for a line without anything.
pub const BLANK: &str = "blank line";
/// The reason for a comment.
pub const COMMENT: &str = "comment";
/// The reason for a row of column names.
pub const HEADER: &str = "header row";

/// Blank lines and comments, which every list format has.
pub(super) fn no_content(text: &str) -> Option<&'static str> {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    match text.as_bytes() {
        [] => Some(BLANK),
        [b'#' | b';' | b'!', ..] | [b'/', b'/', ..] => Some(COMMENT),
        _ => None,
    }
}

/// Reads one line of a plain list.
///
/// # Errors
/// Why it holds no indicator.
pub fn plain(text: &str, context: &Context) -> Result<Parsed, String> {
    if let Some(reason) = no_content(text) {
        return Err(reason.to_owned());
    }
    let text = adblock(text.trim());
    if !text.contains([' ', '\t', ',', '\u{a0}']) {
        return parsed(text, Claim::default(), context);
    }
    let text = without_comment(text);
    let whole = parsed(text, Claim::default(), context);
    if whole.is_ok() || !text.contains([' ', '\t', ',', '\u{a0}']) {
        return whole;
    }
    let (mut all, mut why) = (Parsed::default(), None);
    for field in text.split([',', '\t']).map(str::trim).filter(|field| !field.is_empty()).take(WORDS_MAX) {
        match words(field, context) {
            Ok(one) => join(&mut all, one),
            Err(Unread::Sentence(reason)) => return Err(reason),
            Err(Unread::Nothing(reason)) => {
                why.get_or_insert(reason);
            }
        }
    }
    if all.sightings.is_empty() { Err(why.unwrap_or_else(|| BLANK.to_owned())) } else { Ok(all) }
}

/// Why a field gives no indicator.
enum Unread {
    /// Nothing in it is one.
    Nothing(String),
    /// One that nobody marked stands among words: what it is there for only a reader can tell.
    Sentence(String),
}

/// Reads the indicators that a field begins with, and the defanged ones among the words after them. A name that is left
/// clickable in a sentence may be the reporter's own, or a victim's.
fn words(field: &str, context: &Context) -> Result<Parsed, Unread> {
    let (mut all, mut why, mut sentence) = (Parsed::default(), None, false);
    for word in field.split([' ', '\u{a0}']).filter(|word| !word.is_empty()).take(WORDS_MAX) {
        match parsed(word, Claim::default(), context) {
            Ok(one) if !sentence || refang(word) != word => join(&mut all, one),
            Ok(_) => {
                let advice = "one indicator a line, or defang those that are meant";
                return Err(Unread::Sentence(format!("`{word}` stands in a sentence: {advice}")));
            }
            Err(reason) => {
                why.get_or_insert(reason);
                sentence |= is_prose(word);
            }
        }
    }
    if all.sightings.is_empty() {
        Err(Unread::Nothing(why.unwrap_or_else(|| BLANK.to_owned())))
    } else {
        Ok(all)
    }
}

/// Whether a word is one of a sentence: a bullet, a number, a date or a label (`C2:`) is none.
fn is_prose(word: &str) -> bool {
    let bare = word.trim_start_matches(|c: char| !c.is_alphanumeric());
    bare.starts_with(char::is_alphabetic) && !word.ends_with(':')
}

/// Adds what one token says to what the line says.
pub(super) fn join(all: &mut Parsed, one: Parsed) {
    for sighting in one.sightings {
        if !all.sightings.contains(&sighting) {
            all.sightings.push(sighting);
        }
    }
    all.links.extend(one.links);
    all.facts.extend(one.facts);
}

/// `||evil.example^` is a name in a blocker's filter list.
fn adblock(text: &str) -> &str {
    match text.strip_prefix("||") {
        Some(rest) => rest.split('^').next().unwrap_or(rest),
        None => text,
    }
}

/// A line without the remark at its end.
fn without_comment(text: &str) -> &str {
    let end = [" #", "\t#", " //", "\t//", " ;", "\t;"].iter().filter_map(|mark| text.find(mark)).min();
    text[..end.unwrap_or(text.len())].trim_end()
}

/// Reads one line of a hosts file: an address, then the names.
///
/// # Errors
/// Why it names nothing to act on.
pub fn hosts(text: &str, context: &Context) -> Result<Parsed, String> {
    if let Some(reason) = no_content(text) {
        return Err(reason.to_owned());
    }
    let text = without_comment(text.trim());
    let mut words = text.split_whitespace();
    let address = words.next().unwrap_or_default();
    let Ok(target) = address.parse::<std::net::IpAddr>() else { return plain(text, context) };
    let mut all = Parsed::default();
    let mut why = "an address without a name".to_owned();
    for name in words.take(WORDS_MAX) {
        if matches!(name, "localhost" | "localhost.localdomain" | "broadcasthost" | "local" | "0.0.0.0")
            || name.starts_with("ip6-")
        {
            why = "the machine's own entry".to_owned();
            continue;
        }
        match parsed(name, Claim::default(), context) {
            Ok(one) => join(&mut all, one),
            Err(reason) => why = reason,
        }
    }
    if all.sightings.is_empty() {
        return Err(why);
    }
    // An address that is not the machine itself says where the name pointed.
    if let Ok((to, _)) = classify::classify(&target.to_string(), context) {
        let names: Vec<_> = all.sightings.iter().map(|(named, _)| named.clone()).collect();
        all.links.extend(names.iter().map(|name| classify::link(name, LinkKind::ResolvesTo, &to)));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = fn(&str, &Context) -> Result<Parsed, String>;

    fn values(text: &str, read: Read) -> Result<Vec<String>, String> {
        let parsed = read(text, &Context::default())?;
        Ok(parsed.sightings.into_iter().map(|(named, _)| named.value).collect())
    }

    #[test]
    fn plain_lines() {
        for (text, wanted) in [
            ("evil.example", Ok(vec!["evil.example"])),
            ("  evil[.]example  # a remark", Ok(vec!["evil.example"])),
            ("- evil.example", Ok(vec!["evil.example"])),
            ("evil.example,192.0.2.1", Ok(vec!["evil.example", "192.0.2.1"])),
            ("evil.example - C2 of something", Ok(vec!["evil.example"])),
            ("evil.example 192.0.2.1", Ok(vec!["evil.example", "192.0.2.1"])),
            ("2025-05-21 12:30 C2: evil.example", Ok(vec!["evil.example"])),
            (
                "seen by partner.example",
                Err(
                    "`partner.example` stands in a sentence: one indicator a line, or defang those that are meant",
                ),
            ),
            (
                "evil.example seen by partner.example",
                Err(
                    "`partner.example` stands in a sentence: one indicator a line, or defang those that are meant",
                ),
            ),
            (
                "exa mple.example",
                Err(
                    "`mple.example` stands in a sentence: one indicator a line, or defang those that are meant",
                ),
            ),
            ("evil.example drops from bad[.]example", Ok(vec!["evil.example", "bad.example"])),
            (
                "evil.example,stolen from victim.example",
                Err(
                    "`victim.example` stands in a sentence: one indicator a line, or defang those that are meant",
                ),
            ),
            ("http://evil.example/a,b", Ok(vec!["http://evil.example/a,b"])),
            ("evil [.] example", Ok(vec!["evil.example"])),
            ("AS 64496", Ok(vec!["AS64496"])),
            ("||evil.example^$third-party", Ok(vec!["evil.example"])),
            ("", Err("blank line")),
            ("   ", Err("blank line")),
            ("# http://evil.example", Err("comment")),
            ("// evil.example", Err("comment")),
            ("; evil.example", Err("comment")),
            ("no indicator here", Err("`no` is not an indicator: no dot, slash or colon in it")),
        ] {
            let got = values(text, plain);
            let wanted = wanted.map(|v| v.into_iter().map(str::to_owned).collect()).map_err(str::to_owned);
            assert_eq!(got, wanted, "{text}");
        }
    }

    #[test]
    fn hosts_lines() {
        for (text, wanted) in [
            ("0.0.0.0 evil.example www.evil.example # x", Ok(vec!["evil.example", "www.evil.example"])),
            ("127.0.0.1\tevil.example", Ok(vec!["evil.example"])),
            (":: evil.example", Ok(vec!["evil.example"])),
            ("127.0.0.1 localhost", Err("the machine's own entry")),
            ("::1 ip6-localhost ip6-loopback", Err("the machine's own entry")),
            ("0.0.0.0", Err("an address without a name")),
            ("evil.example", Ok(vec!["evil.example"])),
        ] {
            let got = values(text, hosts);
            let wanted = wanted.map(|v| v.into_iter().map(str::to_owned).collect()).map_err(str::to_owned);
            assert_eq!(got, wanted, "{text}");
        }
        let parsed = hosts("192.0.2.1 evil.example", &Context::default()).expect("a line");
        assert!(parsed.links.iter().any(|l| l.kind == LinkKind::ResolvesTo && l.to.value == "192.0.2.1"));
    }
}
