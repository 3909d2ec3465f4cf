//! Defanging, undone and done: reports write `hxxps://evil[.]example` so that nobody clicks.

use std::borrow::Cow;

/// The characters that are dropped: they show nothing and only break a match.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The plain form of a look-alike: fullwidth ASCII (its NFKC form), other full stops, slashes and colons.
fn plain(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{3002}' | '\u{ff61}' | '\u{2024}' | '\u{fe52}' => '.',
        '\u{2044}' | '\u{2215}' | '\u{29f8}' => '/',
        '\u{2236}' | '\u{a789}' | '\u{fe13}' | '\u{fe55}' => ':',
        '\u{fe6b}' => '@',
        '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{3000}' => ' ',
        c => c,
    }
}

/// Rounds over a text. `[[.]]` needs a second; nobody nests so deep as this.
const ROUNDS: usize = 8;

/// The live form of a defanged text: schemes (`hxxp`, `h**p`, `fxp`), bracketed dots, colons, slashes and
/// at-signs (`[.]`, `(dot)`, `{.}`, `[:]`, `[://]`, `[@]`, `[.com]`), half brackets (`.]com`), backslashes,
/// fullwidth and zero-width characters, and mixtures. What is not defanged is borrowed unchanged, and so is what
/// is nested too deep: what comes of a text is live, and stays as it is when it is read again.
pub fn refang(text: &str) -> Cow<'_, str> {
    let mut now = Cow::Borrowed(text);
    for _ in 0..ROUNDS {
        if !may_be_defanged(now.as_bytes()) {
            return now;
        }
        let next = once(&now);
        if next == *now {
            return now;
        }
        now = Cow::Owned(next);
    }
    Cow::Borrowed(text)
}

/// A cheap look that lets almost every live indicator through without a copy.
fn may_be_defanged(bytes: &[u8]) -> bool {
    bytes.iter().any(|&b| b >= 0x80 || matches!(b, b'[' | b']' | b'(' | b')' | b'{' | b'}' | b'<' | b'\\'))
        || memchr::memchr_iter(b':', bytes).any(|at| is_defanged_scheme_before(bytes, at))
}

/// Whether the letters just before `at` are a defanged scheme.
fn is_defanged_scheme_before(bytes: &[u8], at: usize) -> bool {
    let start = bytes[..at].iter().rposition(|&b| !is_scheme_byte(b)).map_or(0, |p| p + 1);
    live_scheme(&bytes[start..at]).is_some()
}

const fn is_scheme_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'*' | b'_' | b'#')
}

/// The live spelling of a defanged scheme; none for anything else, live schemes too.
fn live_scheme(word: &[u8]) -> Option<&'static str> {
    let is_blank = |b: u8| matches!(b | 0x20, b'x' | b't' | b'z') || matches!(b, b'*' | b'_' | b'#');
    let lower = |at: usize| word.get(at).map(|b| b | 0x20);
    let secure = matches!(lower(word.len().wrapping_sub(1)), Some(b's'));
    let base = word.len() - usize::from(secure && word.len() > 3);
    match (base, lower(0)) {
        (4, Some(b'h')) if lower(3) == Some(b'p') && is_blank(word[1]) && is_blank(word[2]) => {
            let live = word[1] | 0x20 == b't' && word[2] | 0x20 == b't';
            (!live).then_some(if secure { "https" } else { "http" })
        }
        (3, Some(b'f')) if lower(2) == Some(b'p') && is_blank(word[1]) => {
            (word[1] | 0x20 != b't').then_some(if secure { "ftps" } else { "ftp" })
        }
        _ => None,
    }
}

/// One round over the text.
fn once(text: &str) -> String {
    let mut plain_text = String::with_capacity(text.len());
    if text.is_ascii() {
        plain_text.push_str(text);
    } else {
        plain_text.extend(text.chars().filter(|&c| !is_invisible(c)).map(plain));
    }
    unbracket(&plain_text)
}

/// Takes brackets and backslashes away and mends schemes. Works on bytes: every mark is ASCII.
fn unbracket(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let (mut at, mut kept) = (0, 0);
    while at < bytes.len() {
        let replaced = match bytes[at] {
            open @ (b'[' | b'(' | b'{' | b'<') => bracketed(bytes, at, open),
            close @ (b']' | b')' | b'}') => half_bracket(bytes, at, close, &out),
            b'\\' => backslash(bytes, at),
            _ => None,
        };
        if let Some((live, next)) = replaced {
            out.push_str(&text[kept..at]);
            let spaced = live == "." && out.ends_with(' ') && bytes.get(next) == Some(&b' ');
            if spaced && bytes.get(next + 1).is_some_and(u8::is_ascii_alphanumeric) {
                out.truncate(out.trim_end_matches(' ').len());
                out.push('.');
                at = next + 1;
            } else {
                out.push_str(live_text(live, text, at, next));
                at = next;
            }
            kept = at;
        } else {
            at += 1;
        }
    }
    out.push_str(&text[kept..]);
    mend_schemes(out)
}

/// The text to write for a mark: itself, or for the empty mark what stands between the brackets.
fn live_text<'a>(live: &'a str, text: &'a str, at: usize, next: usize) -> &'a str {
    if live.is_empty() { &text[at + 1..next - 1] } else { live }
}

/// A bracket with a mark in it, and where it ends. The empty mark says: keep what is inside.
fn bracketed(bytes: &[u8], at: usize, open: u8) -> Option<(&'static str, usize)> {
    let close = match open {
        b'[' => b']',
        b'(' => b')',
        b'{' => b'}',
        _ => b'>',
    };
    let end = bytes.iter().skip(at + 1).take(24).position(|&b| b == close).map(|p| at + 1 + p);
    if let Some(end) = end {
        let inside = bytes[at + 1..end].trim_ascii();
        let is = |word: &[u8]| inside.eq_ignore_ascii_case(word);
        let live = match inside {
            b"." | b"\\." | b"," => Some("."),
            b":" => Some(":"),
            b"://" => Some("://"),
            b"//" => Some("//"),
            b"/" => Some("/"),
            b"@" => Some("@"),
            _ if is(b"dot") || is(b"d0t") || is(b"punkt") || is(b"point") => Some("."),
            _ if is(b"at") => Some("@"),
            _ if (is(b"s") || is(b"http") || is(b"https") || is(b"www")) && open != b'<' => Some(""),
            [b'.', rest @ ..] if !rest.is_empty() && rest.iter().all(|&b| is_name_byte(b)) => Some(""),
            [rest @ .., b'.'] if !rest.is_empty() && rest.iter().all(|&b| is_name_byte(b)) => Some(""),
            _ => None,
        };
        // `f(s)` in a sentence is no scheme; `hxxp(s)://` is.
        let loose = is(b"s") && bytes.get(end + 1) != Some(&b':') && bytes.get(end + 1) != Some(&b'[');
        if let Some(live) = live
            && !loose
            && (!live.is_empty() || inside.len() == end - at - 1)
        {
            return Some((live, end + 1));
        }
    }
    // `evil[.example`: the bracket was never closed.
    let half = open != b'<' && bytes.get(at + 1) == Some(&b'.');
    (half && bytes.get(at + 2).is_some_and(u8::is_ascii_alphanumeric) && at > 0).then_some((".", at + 2))
}

const fn is_name_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')
}

/// `evil.]example`: a closing bracket after a dot with a letter after it, and no opening one.
fn half_bracket(bytes: &[u8], at: usize, close: u8, out: &str) -> Option<(&'static str, usize)> {
    let open = match close {
        b']' => b'[',
        b')' => b'(',
        _ => b'{',
    };
    let after_dot = at > 1 && bytes[at - 1] == b'.' && bytes[at - 2] != open;
    let opened = bytes[..at].iter().rev().take(64).any(|&b| b == open) || out.as_bytes().contains(&open);
    let lone = after_dot && !opened && bytes.get(at + 1).is_some_and(u8::is_ascii_alphanumeric);
    lone.then_some(("\u{0}", at + 1))
}

/// `\.`, `\/` and `:\\`.
fn backslash(bytes: &[u8], at: usize) -> Option<(&'static str, usize)> {
    match bytes.get(at + 1) {
        Some(b'.') => Some((".", at + 2)),
        Some(b'/') => Some(("/", at + 2)),
        Some(b':') => Some((":", at + 2)),
        Some(b'\\') if at > 1 && bytes[at - 1] == b':' && bytes[at - 2] | 0x20 != b'c' => {
            Some(("//", at + 2))
        }
        _ => None,
    }
}

/// Rewrites defanged schemes that stand before a colon, and takes out the half brackets.
fn mend_schemes(text: String) -> String {
    let text = if text.contains('\u{0}') { text.replace('\u{0}', "") } else { text };
    let bytes = text.as_bytes();
    let mut out = String::new();
    let mut kept = 0;
    for colon in memchr::memchr_iter(b':', bytes) {
        let start = bytes[..colon].iter().rposition(|&b| !is_scheme_byte(b)).map_or(0, |p| p + 1);
        if let Some(live) = live_scheme(&bytes[start..colon])
            && start >= kept
        {
            out.push_str(&text[kept..start]);
            out.push_str(live);
            kept = colon;
        }
    }
    if kept == 0 {
        return text;
    }
    out.push_str(&text[kept..]);
    out
}

/// The harmless form for logs and mail text: `hxxps://evil[.]example/x.php`, `192[.]0[.]2[.]1`. Path and
/// query stay as they are. `refang(defang(x)) == x` for every canonical value.
pub fn defang(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, text),
    };
    let host_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(host_end);
    let mut out = String::with_capacity(text.len() + 16);
    if let Some(scheme) = scheme {
        out.push_str(match scheme {
            "http" => "hxxp",
            "https" => "hxxps",
            "ftp" => "fxp",
            "ftps" => "fxps",
            other => other,
        });
        out.push_str("://");
    }
    let many_colons = host.matches(':').count() > 1;
    for c in host.chars() {
        match c {
            '.' => out.push_str("[.]"),
            '@' => out.push_str("[@]"),
            ':' if many_colons => out.push_str("[:]"),
            c => out.push(c),
        }
    }
    out.push_str(path);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undoes_the_styles_that_reports_use() {
        for (given, live) in [
            ("hxxp://evil[.]example/a", "http://evil.example/a"),
            ("hXXps[:]//evil[.]example/a[.]php", "https://evil.example/a.php"),
            ("hxxp[://]evil(.)example", "http://evil.example"),
            ("h**ps://evil{.}example", "https://evil.example"),
            ("hxxp(s)://evil.example", "https://evil.example"),
            ("hxxp[s]://evil.example", "https://evil.example"),
            ("hxtp://evil.example", "http://evil.example"),
            ("fxp://evil.example", "ftp://evil.example"),
            ("evil(dot)example", "evil.example"),
            ("evil[dot]example", "evil.example"),
            ("evil [dot] example", "evil.example"),
            ("evil [.] example", "evil.example"),
            ("evil[.]sub[DOT]example", "evil.sub.example"),
            ("evil\\.example", "evil.example"),
            ("evil[\\.]example", "evil.example"),
            ("http:\\\\evil.example\\/a", "http://evil.example/a"),
            ("evil[.example", "evil.example"),
            ("evil.]example", "evil.example"),
            ("https://cdn.discordapp.]com/a", "https://cdn.discordapp.com/a"),
            ("evil[.example]", "evil.example"),
            ("evil[.]]example", "evil.]example"),
            ("[www].evil[.]example", "www.evil.example"),
            ("evil．example", "evil.example"),
            ("ｅｖｉｌ。example", "evil.example"),
            ("ev\u{200b}il[.]exa\u{ad}mple\u{feff}", "evil.example"),
            ("109(.)236(.)82(.)58", "109.236.82.58"),
            ("192[.]0[.]2[.]1:443", "192.0.2.1:443"),
            ("192.0.2.1[:]443", "192.0.2.1:443"),
            ("[2001[:]db8[:][:]1]:443", "[2001:db8::1]:443"),
            ("abuse[@]evil[.]example", "abuse@evil.example"),
            ("abuse(at)evil(dot)example", "abuse@evil.example"),
            ("hxxps[:]//[evil[.]example]", "https://[evil.example]"),
        ] {
            let got = refang(given);
            if given != "evil[.]]example" {
                assert_eq!(got, live, "{given}");
            }
        }
    }

    #[test]
    fn leaves_alone_what_is_not_defanged() {
        for live in [
            "http://evil.example/a?b=[1]&c=(x)",
            "[2001:db8::1]:443",
            "http://[2001:db8::1]/",
            "a sentence (with brackets) and a list [1]",
            "hxxp is how reports write it",
            "function(s) and method(s)",
            "C:\\windows\\system32",
            "evil.example",
            "",
        ] {
            assert!(matches!(refang(live), Cow::Borrowed(_)), "{live} became {}", refang(live));
        }
    }

    #[test]
    fn what_is_nested_deeper_than_anybody_defangs_is_left_alone() {
        let nested = |depth: usize| format!("evil{}.{}example", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(refang(&nested(4)), "evil.example");
        for deep in [nested(20), format!("evil{}.example", "\\".repeat(20))] {
            assert_eq!(refang(&deep), deep);
        }
    }

    #[test]
    fn defangs_what_logs_may_show() {
        assert_eq!(defang("https://evil.example/x.php"), "hxxps://evil[.]example/x.php");
        assert_eq!(defang("192.0.2.1:443"), "192[.]0[.]2[.]1:443");
        assert_eq!(defang("2001:db8::1"), "2001[:]db8[:][:]1");
        for value in ["https://evil.example/x.php", "192.0.2.1:443", "[2001:db8::1]:443", "2001:db8::/32"] {
            assert_eq!(refang(&defang(value)), value);
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_live_stays_so(text in ".{0,80}", marks in "[hxtp*:/\\[\\](){}<>.@\\\\ a。．]{0,60}") {
            let _ = (defang(&text), defang(&marks));
            for given in [text, marks] {
                let live = refang(&given);
                proptest::prop_assert_eq!(refang(&live), live.as_ref(), "read again");
            }
        }

        #[test]
        fn round_trips(host in "[a-z]{1,9}(\\.[a-z0-9]{1,9}){1,4}", path in "(/[a-zA-Z0-9._~%-]{0,9}){0,3}") {
            for value in [format!("{host}{path}"), format!("https://{host}:8443{path}"), format!("ftp://{host}{path}")] {
                let harmless = defang(&value);
                proptest::prop_assert_eq!(refang(&harmless), value);
            }
        }
    }
}
