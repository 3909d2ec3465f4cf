//! Names of the DNS: UTS 46 / IDNA 2008 to A-labels, and the split at the public suffix.

use std::collections::HashSet;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use super::{refang::defang, script};

/// A name in canonical form with what its suffix says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// Lower-case A-labels without the trailing dot.
    pub ascii: String,
    /// The Unicode form, where it differs.
    pub display: Option<String>,
    /// The registrable domain: one label under the public suffix. None for a suffix itself and for onions.
    pub registrable: Option<String>,
    /// The public suffix, if it is of the list's private section (`vercel.app`).
    pub private_suffix: Option<String>,
    /// A label mixes scripts.
    pub mixed_script: bool,
}

impl Name {
    /// Whether the name is itself a registrable domain.
    pub fn is_registrable(&self) -> bool {
        self.registrable.as_deref() == Some(&self.ascii)
    }
}

/// The public suffix list, and the suffixes that an operator adds to it.
#[derive(Clone, Debug, Default)]
pub struct Suffixes {
    extra: HashSet<String>,
}

/// Where a name's public suffix starts, in bytes.
struct Split {
    at: usize,
    private: bool,
    /// On a list; else its last label is no top-level domain.
    known: bool,
}

impl Suffixes {
    /// The public suffix list with further suffixes that act like top-level domains (`shop.example`).
    ///
    /// # Errors
    /// One of them is not a name; the message says which.
    pub fn with_extra<S: AsRef<str>>(extra: impl IntoIterator<Item = S>) -> Result<Self, String> {
        let mut set = HashSet::new();
        for suffix in extra {
            let suffix = suffix.as_ref().trim_start_matches("*.").trim_matches('.');
            let (ascii, _) = to_ascii(suffix).map_err(|why| format!("suffix `{suffix}`: {why}"))?;
            check_labels(&ascii).map_err(|why| format!("suffix `{suffix}`: {why}"))?;
            set.insert(ascii);
        }
        Ok(Self { extra: set })
    }

    /// Whether the text is one of the operator's suffixes itself.
    pub fn is_suffix(&self, text: &str) -> bool {
        self.extra.contains(text)
    }

    /// Whether a lower-case label is a top-level domain.
    pub fn is_tld(&self, label: &str) -> bool {
        !label.contains('.') && self.split(label).known
    }

    fn split(&self, name: &str) -> Split {
        let suffix = psl::suffix(name.as_bytes());
        let length = suffix.map_or(0, |s| s.as_bytes().len());
        let kind = suffix.and_then(|s| s.typ());
        let mut split = Split {
            at: name.len().saturating_sub(length),
            private: kind == Some(psl::Type::Private),
            known: kind.is_some(),
        };
        if !split.known && matches!(&name[split.at..], "example" | "test") {
            // RFC 2606 and RFC 6761: the synthetic internet lives under these.
            split.known = true;
        }
        if !self.extra.is_empty() {
            let longest = starts(name).find(|&at| self.extra.contains(&name[at..]));
            if let Some(at) = longest
                && (at < split.at || !split.known)
            {
                split = Split { at, private: false, known: true };
            }
        }
        split
    }
}

/// The byte offsets at which the labels of a name start, from the left.
pub(super) fn starts(name: &str) -> impl Iterator<Item = usize> {
    std::iter::once(0).chain(memchr::memchr_iter(b'.', name.as_bytes()).map(|dot| dot + 1))
}

/// Reads a name, refanged, with or without a trailing dot.
///
/// # Errors
/// Why it is not a name on the internet, as a phrase for a person.
pub fn parse(text: &str, suffixes: &Suffixes) -> Result<Name, String> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let (ascii, display) = to_ascii(text)?;
    check_labels(&ascii)?;
    let split = suffixes.split(&ascii);
    if !split.known {
        return Err(no_such_tld(&ascii));
    }
    if !ascii.contains('.') && !suffixes.extra.contains(&ascii) {
        return Err(format!("`{ascii}` is a single label, not a name that somebody registered"));
    }
    let mixed_script = display.as_deref().is_some_and(|d| d.split('.').any(script::is_mixed));
    if ascii.ends_with(".onion") {
        return onion(ascii, display);
    }
    let registrable_at = match split.at {
        0 => None,
        at => Some(ascii[..at - 1].rfind('.').map_or(0, |dot| dot + 1)),
    };
    if let Some(at) = registrable_at {
        let label = &ascii[at..split.at - 1];
        if label.starts_with('-') || label.ends_with('-') {
            return Err(format!(
                "the label `{label}` starts or ends with a hyphen, so nobody can register it"
            ));
        }
    }
    let private_suffix = split.private.then(|| ascii[split.at..].to_owned());
    Ok(Name {
        registrable: registrable_at.map(|at| ascii[at..].to_owned()),
        display,
        private_suffix,
        mixed_script,
        ascii,
    })
}

/// An onion address: the key's base32 in 56 (v3) or 16 (v2) letters (RFC 7686).
fn onion(ascii: String, display: Option<String>) -> Result<Name, String> {
    let key = ascii.rsplit('.').nth(1).unwrap_or_default();
    if !matches!(key.len(), 16 | 56) || !key.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7')) {
        return Err("an onion address has 56 (or, before 2021, 16) letters a–z and 2–7".to_owned());
    }
    Ok(Name { ascii, display, registrable: None, private_suffix: None, mixed_script: false })
}

/// Lower-case A-labels, and the Unicode form where it differs.
fn to_ascii(text: &str) -> Result<(String, Option<String>), String> {
    if text.len() > 1_000 {
        return Err("a name has at most 253 characters".to_owned());
    }
    if text.is_ascii() && !has_a_label(text.as_bytes()) {
        return Ok((text.to_ascii_lowercase(), None));
    }
    let uts46 = Uts46::new();
    let ascii = match uts46.to_ascii(text.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow, DnsLength::Ignore)
    {
        Ok(ascii) => ascii.strip_suffix('.').unwrap_or(&ascii).to_ascii_lowercase(),
        // An `xn--` label that decodes to nothing is a name of the DNS all the same, and some do resolve.
        Err(_) if text.is_ascii() => return Ok((text.to_ascii_lowercase(), None)),
        Err(_) => return Err(format!("`{}` is not a valid internationalised name (UTS 46)", shown(text))),
    };
    let (unicode, valid) = uts46.to_unicode(ascii.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow);
    let display = (valid.is_ok() && unicode != ascii.as_str()).then(|| unicode.into_owned());
    Ok((ascii, display))
}

fn has_a_label(bytes: &[u8]) -> bool {
    let is_prefix = |at: usize| bytes[at..].get(..4).is_some_and(|p| p.eq_ignore_ascii_case(b"xn--"));
    is_prefix(0) || memchr::memchr_iter(b'.', bytes).any(|dot| is_prefix(dot + 1))
}

/// Lengths (RFC 1035 §2.3.4) and letters. Underscores are allowed: host names in the wild have them.
fn check_labels(ascii: &str) -> Result<(), String> {
    if ascii.is_empty() {
        return Err("an empty name".to_owned());
    }
    if ascii.len() > 253 {
        return Err("a name has at most 253 characters".to_owned());
    }
    let bytes = ascii.as_bytes();
    let mut start = 0;
    for at in 0..=bytes.len() {
        match bytes.get(at) {
            None | Some(b'.') => {
                if at == start {
                    return Err("an empty label: two dots in a row, or one at the start".to_owned());
                }
                if at - start > 63 {
                    return Err(format!("the label `{}` has over 63 characters", shown(&ascii[start..at])));
                }
                start = at + 1;
            }
            Some(b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_') => {}
            Some(_) => {
                let odd = ascii[at..].chars().next().unwrap_or('?');
                return Err(format!("`{}` cannot stand in a name", odd.escape_default()));
            }
        }
    }
    Ok(())
}

/// Says why a last label is not a top-level domain, with the likeliest reason.
fn no_such_tld(ascii: &str) -> String {
    let tld = ascii.rsplit('.').next().unwrap_or(ascii);
    if tld.bytes().all(|b| b.is_ascii_digit()) {
        return format!(
            "`{}` ends in a number: neither an address nor a name; a version number?",
            shown(ascii)
        );
    }
    let guess = match tld {
        "local" | "localhost" | "localdomain" | "internal" | "lan" | "home" | "corp" | "intranet"
        | "private" | "workgroup" | "domain" => "a name of a private network",
        "invalid" => "reserved, never on the internet",
        "bit" | "eth" | "crypto" | "lib" | "emc" | "coin" | "bazar" | "i2p" | "loki" | "oz" | "dns"
        | "zil" | "nft" => "a name of another naming system, outside the DNS",
        _ if is_file_extension(tld) => "looks like a file name",
        _ if !ascii.contains('.') => return format!("`{}` is a single word, not a name", shown(ascii)),
        _ => "not in the public suffix list",
    };
    format!("`{}` is not a top-level domain: {guess}", shown(tld))
}

/// Whether a label is a common file extension.
fn is_file_extension(label: &str) -> bool {
    matches!(
        label,
        "7z" | "apk"
            | "asp"
            | "aspx"
            | "bak"
            | "bat"
            | "bin"
            | "bmp"
            | "cab"
            | "cfg"
            | "cgi"
            | "class"
            | "cmd"
            | "conf"
            | "config"
            | "cpl"
            | "css"
            | "csv"
            | "dat"
            | "db"
            | "dll"
            | "dmg"
            | "doc"
            | "docm"
            | "docx"
            | "dotm"
            | "elf"
            | "eml"
            | "exe"
            | "gif"
            | "gz"
            | "hta"
            | "htm"
            | "html"
            | "ico"
            | "img"
            | "inf"
            | "ini"
            | "iso"
            | "jar"
            | "jpeg"
            | "jpg"
            | "js"
            | "json"
            | "jsp"
            | "key"
            | "lnk"
            | "log"
            | "mp3"
            | "mp4"
            | "msi"
            | "msix"
            | "one"
            | "pdb"
            | "pdf"
            | "php"
            | "pif"
            | "pkg"
            | "png"
            | "ppt"
            | "pptx"
            | "ps1"
            | "psm1"
            | "rar"
            | "reg"
            | "rtf"
            | "scr"
            | "sqlite"
            | "svg"
            | "sys"
            | "tar"
            | "tmp"
            | "ttf"
            | "txt"
            | "vbe"
            | "vbs"
            | "vhd"
            | "wasm"
            | "wav"
            | "webp"
            | "wsf"
            | "xll"
            | "xls"
            | "xlsm"
            | "xlsx"
            | "xml"
            | "yaml"
            | "yml"
    )
}

/// Whether a name could as well be a file: its last label is an extension or one of the few top-level
/// domains that are extensions too (`setup.zip`, `run.sh`). For readers of free text.
pub fn could_be_file(name: &str) -> bool {
    let Some((stem, tld)) = name.rsplit_once('.') else { return false };
    let both = matches!(
        tld,
        "zip" | "mov" | "sh" | "py" | "pl" | "rs" | "md" | "so" | "app" | "ps" | "cc" | "com" | "ai" | "ml"
    );
    is_file_extension(tld) || (both && tld != "com" && tld != "app" && !stem.contains('.'))
}

/// A piece of the input for a message: defanged and cut to 60 characters.
pub(super) fn shown(text: &str) -> String {
    let cut: String = text.chars().take(60).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    let dots = if cut.len() < text.len() { "…" } else { "" };
    defang(&cut) + dots
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Name, String> {
        parse(text, &Suffixes::default())
    }

    #[test]
    fn splits_at_the_public_suffix() {
        for (given, registrable, private) in [
            ("Evil.Example.", Some("evil.example"), None),
            ("a.b.evil.co.uk", Some("evil.co.uk"), None),
            ("co.uk", None, None),
            ("phish.vercel.app", Some("phish.vercel.app"), Some("vercel.app")),
            ("x.phish.vercel.app", Some("phish.vercel.app"), Some("vercel.app")),
            ("vercel.app", None, Some("vercel.app")),
            ("_dmarc.evil.test", Some("evil.test"), None),
            ("a-.evil.test", Some("evil.test"), None),
            ("5.2.1.6.ip6.arpa", Some("6.ip6.arpa"), None),
            ("xn--e1afmkfd.xn--p1ai", Some("xn--e1afmkfd.xn--p1ai"), None),
        ] {
            let name = read(given).expect(given);
            assert_eq!(name.registrable.as_deref(), registrable, "{given}");
            assert_eq!(name.private_suffix.as_deref(), private, "{given}");
        }
    }

    #[test]
    fn keeps_both_forms_and_flags_mixtures() {
        let name = read("Пример.рф").expect("a name");
        assert_eq!(
            (name.ascii.as_str(), name.display.as_deref()),
            ("xn--e1afmkfd.xn--p1ai", Some("пример.рф"))
        );
        assert!(!name.mixed_script);
        let name = read("pаypal.com").expect("a name with a Cyrillic letter");
        assert_eq!(name.ascii, "xn--pypal-4ve.com");
        assert!(name.mixed_script);
        assert!(read("XN--PYPAL-4VE.com").expect("the same").mixed_script);
        assert_eq!(read("faß.de").expect("a name").ascii, "xn--fa-hia.de");
        let fake = read("XN--29s7inly9ib.evil.com").expect("a name of the DNS that is no valid A-label");
        assert_eq!((fake.ascii.as_str(), fake.display), ("xn--29s7inly9ib.evil.com", None));
    }

    #[test]
    fn says_why_a_text_is_no_name() {
        for (given, why) in [
            ("setup.exe", "`exe` is not a top-level domain: looks like a file name"),
            ("setup.exe.config", "`config` is not a top-level domain: looks like a file name"),
            ("evil.bit", "`bit` is not a top-level domain: a name of another naming system, outside the DNS"),
            ("printer.local", "`local` is not a top-level domain: a name of a private network"),
            ("word", "`word` is a single word, not a name"),
            ("com", "`com` is a single label, not a name that somebody registered"),
            ("evil..com", "an empty label: two dots in a row, or one at the start"),
            ("ev il.com", "` ` cannot stand in a name"),
            ("-evil.com", "the label `-evil` starts or ends with a hyphen, so nobody can register it"),
            (
                "1.2.3.4.5",
                "`1[.]2[.]3[.]4[.]5` ends in a number: neither an address nor a name; a version number?",
            ),
            ("a\u{2fff}b.com", "`a\u{2fff}b[.]com` is not a valid internationalised name (UTS 46)"),
        ] {
            assert_eq!(read(given).map(|n| n.ascii), Err(why.to_owned()), "{given}");
        }
        let long = format!("{}.com", "a".repeat(64));
        assert!(read(&long).is_err_and(|why| why.contains("over 63 characters")));
    }

    #[test]
    fn takes_the_operators_suffixes() {
        let suffixes = Suffixes::with_extra(["shop.example", "corp"]).expect("suffixes");
        let name = parse("x.abc.shop.example", &suffixes).expect("a name");
        assert_eq!(name.registrable.as_deref(), Some("abc.shop.example"));
        let name = parse("evil.example", &suffixes).expect("a name");
        assert_eq!(name.registrable.as_deref(), Some("evil.example"));
        assert_eq!(parse("a.b.corp", &suffixes).expect("a name").registrable.as_deref(), Some("b.corp"));
        assert!(Suffixes::with_extra(["a b"]).is_err());
    }

    #[test]
    fn onions_are_names_without_a_registrar() {
        let onion = format!("www.{}.onion", "a2".repeat(28));
        assert_eq!(read(&onion).expect("an onion").registrable, None);
        assert!(read("evil.onion").is_err());
    }
}
