//! Addresses wrapped over lines, put together again.

use super::token;
use crate::intake::refang::refang;

/// The longest address that is joined, in bytes, and the most lines that it may run over.
const LONGEST: usize = 4_096;
const LINES: usize = 8;

/// A line as it is read: with what was taken from the lines below, and without what the line above took.
pub struct Line {
    /// The text to read.
    pub text: String,
    /// The line above, from 0, that took this line's first word.
    pub joined_from: Option<usize>,
}

/// Joins wrapped addresses: the first line gets the whole, the next ones lose the part that they lent.
pub fn join(lines: &[&str]) -> Vec<Line> {
    let mut joined: Vec<Line> = lines.iter().map(|l| Line { text: tight(l), joined_from: None }).collect();
    let mut at = 0;
    while at < lines.len() {
        let mut last = at;
        while last + 1 < lines.len() && last - at < LINES {
            let Some(word) = continuation(&joined[at].text, lines[last], lines[last + 1]) else {
                break;
            };
            let kept = joined[at].text.trim_end().len();
            joined[at].text.truncate(kept);
            joined[at].text.push_str(word);
            last += 1;
            let rest = lines[last].trim_start();
            let rest = rest[word.len()..].to_owned();
            let whole = rest.trim().is_empty();
            joined[last] = Line { text: rest, joined_from: Some(at) };
            if !whole {
                break;
            }
        }
        at = last + 1;
    }
    joined
}

/// Takes the blanks around a bracketed dot away: `evil [.] example`.
fn tight(line: &str) -> String {
    let mut text = line.to_owned();
    for mark in ["[.]", "(.)", "[dot]", "(dot)", "{.}"] {
        let spaced = format!(" {mark} ");
        if text.contains(&spaced) {
            text = text.replace(&spaced, mark);
        }
    }
    text
}

/// The first word of the next line, if it goes on with the address at the end of `so_far`.
fn continuation<'l>(so_far: &str, line: &str, next: &'l str) -> Option<&'l str> {
    let tail = so_far.trim_end().rsplit(char::is_whitespace).next()?;
    let word = next.split_whitespace().next()?;
    let indent = |l: &str| l.len() - l.trim_start().len();
    if tail.len() + word.len() > LONGEST || token::is_bullet(word) || token::starts_address(word) {
        return None;
    }
    let url = token::scheme_at(tail).is_some();
    let open_dot = ["[.]", "(.)", "[dot]", "(dot)"].iter().any(|m| tail.to_ascii_lowercase().ends_with(m));
    if !(url || open_dot) {
        return None;
    }
    let live = refang(tail);
    let bare = live.trim_end_matches(['\'', '"']);
    if bare.len() < live.len() {
        return None;
    }
    let alone = next.trim() == word;
    let urlish = word.bytes().all(|b| (0x21..0x7f).contains(&b))
        && word.bytes().any(|b| b"/=&%?._-[".contains(&b) || b.is_ascii_digit());
    let indented = indent(next) > 0 && indent(next) >= indent(line);
    let hangs =
        open_dot || live.ends_with(['/', '-', '_', '=', '&', '?', '%', ':', '+']) && !live.ends_with("--");
    let full = line.trim_end().chars().count() >= 60;
    // An address that ends in a slash is whole as a rule; only a bare `https://` must go on.
    let whole = live.ends_with('/') && !live.ends_with("//");
    let go_on = match (hangs, indented) {
        (true, true) => (urlish || alone && open_dot) && (!whole || full),
        (true, false) => urlish && full && !whole || open_dot && alone,
        // Cut in the middle by the width of the page.
        (false, true) => alone && full && indent(next) > indent(line) && urlish && !reads_alone(word),
        (false, false) => false,
    };
    go_on.then_some(word)
}

/// Whether a word says something by itself: a hash, a dotted name, a file.
fn reads_alone(word: &str) -> bool {
    let is_hash = matches!(word.len(), 32 | 40 | 64) && word.bytes().all(|b| b.is_ascii_hexdigit());
    is_hash || word.contains("[.]") || word.starts_with('(')
}
