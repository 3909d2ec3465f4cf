//! Published texts as they may be used: mailboxes, phone numbers, names; placeholders are nothing.

/// The longest token that is kept, in bytes; a longer one is no name or address.
const MAX_TOKEN: usize = 320;

/// What stands where a value was taken away: these words begin or make up the text (RFC 9537 and customs before it).
const PLACEHOLDERS: [&str; 14] = [
    "redacted",
    "removed",
    "withheld",
    "not disclosed",
    "undisclosed",
    "data protected",
    "data redacted",
    "statutory masking",
    "gdpr masked",
    "gdpr redacted",
    "masked",
    "hidden",
    "non-public data",
    "please query",
];

/// Texts that say nothing at all.
const NOTHING: [&str; 9] = ["", "-", ".", "n/a", "na", "none", "null", "unknown", "private"];

/// Local parts of mailboxes that nobody reads or that stand for a removed one.
const DEAD_LOCAL_PARTS: [&str; 12] = [
    "redacted",
    "removed",
    "hidden",
    "withheld",
    "masked",
    "none",
    "null",
    "noreply",
    "no-reply",
    "donotreply",
    "do-not-reply",
    "please-query",
];

/// A name, organisation or number as published, blanks tidied; `None` for a placeholder or an overlong text.
pub fn name(text: &str) -> Option<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let lower = text.to_lowercase();
    let bare = lower.trim_matches(|c: char| !c.is_alphanumeric());
    let placeholder = NOTHING.contains(&lower.as_str())
        || bare.is_empty()
        || PLACEHOLDERS.iter().any(|word| bare.starts_with(word))
        || bare.contains("redacted for privacy");
    (!placeholder && text.len() <= MAX_TOKEN && !text.chars().any(char::is_control)).then_some(text)
}

/// A mailbox in lower case, with or without `mailto:`; `None` when it is none or a placeholder.
pub fn mailbox(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix("mailto:").or_else(|| text.strip_prefix("MAILTO:")).unwrap_or(text);
    let text = text.split('?').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (local, domain) = text.split_once('@')?;
    let local_is_good = (1..=64).contains(&local.len())
        && local.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte));
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let domain_is_good = domain.len() <= 253 && domain.contains('.') && domain.split('.').all(label);
    let dead = DEAD_LOCAL_PARTS.contains(&local)
        || local.starts_with("redacted")
        || domain.split('.').any(|label| label.contains("redacted"))
        || domain.ends_with(".invalid")
        || domain.ends_with(".localhost");
    (local_is_good && domain_is_good && !dead).then_some(text)
}

/// A telephone number, with or without `tel:` (RFC 3966), as published; `None` when it has too few digits for one.
pub fn phone(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix("tel:").unwrap_or(text);
    let number = text.split(';').next().unwrap_or_default().trim();
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let allowed = number.bytes().all(|byte| byte.is_ascii_digit() || b"+-.() /x".contains(&byte));
    // A row of zeros or of one digit stands for a removed number.
    let varied =
        number.bytes().filter(u8::is_ascii_digit).collect::<std::collections::BTreeSet<_>>().len() > 1;
    ((5..=20).contains(&digits) && allowed && varied).then(|| number.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_nothing() {
        for text in [
            "REDACTED FOR PRIVACY",
            "Redacted",
            " - ",
            "N/A",
            "Data Protected",
            "(not disclosed)",
            "Private",
            "Registrant REDACTED FOR PRIVACY",
            "",
            "<<Removed>>",
            "Statutory Masking Enabled",
            "a\u{0}b",
        ] {
            assert_eq!(name(text), None, "{text}");
        }
        assert_eq!(name("  Hans \n  Muster ").as_deref(), Some("Hans Muster"));
        assert_eq!(name("Privateer Rum Ltd").as_deref(), Some("Privateer Rum Ltd"));
    }

    #[test]
    fn mailboxes_are_checked() {
        for (text, wanted) in [
            ("Abuse@Registrar.Example", Some("abuse@registrar.example")),
            ("mailto:abuse@registrar.example?subject=x", Some("abuse@registrar.example")),
            ("abuse+tag@sub.registrar.example", Some("abuse+tag@sub.registrar.example")),
            ("removed@registrar.example", None),
            ("REDACTED FOR PRIVACY", None),
            ("redacted-7@x.example", None),
            ("abuse@redacted.example", None),
            ("no-reply@registrar.example", None),
            ("abuse@localhost", None),
            ("abuse@x.invalid", None),
            ("a@b@c.example", None),
            ("abuse@exa mple.com", None),
            ("a,b@c.example", None),
            ("abuse@-x.example", None),
            ("abuse@x.example\r\nBcc: y@z.example", None),
            ("https://registrar.example/abuse@form", None),
        ] {
            assert_eq!(mailbox(text).as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn phones_are_checked() {
        for (text, wanted) in [
            ("tel:+1.4252982646;ext=7", Some("+1.4252982646")),
            ("+49 (0)30 1234-567", Some("+49 (0)30 1234-567")),
            ("+00.0000000000", None),
            ("REDACTED", None),
            ("1234", None),
            ("+1 555 <script>", None),
        ] {
            assert_eq!(phone(text).as_deref(), wanted, "{text}");
        }
    }
}
