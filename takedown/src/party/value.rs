//! The values of claims: each field has one spelling, and what is none of it is refused with why.

use std::str::FromStr;

use entities::ClaimField;
use ipnetwork::IpNetwork;
use time::{Date, format_description::well_known::Iso8601};
use url::Url;

use super::Country;

/// The longest value, in bytes.
const MOST: usize = 2_000;

/// The one spelling of what a source says about `field`.
///
/// # Errors
/// What is wrong with the text.
pub fn canonical(field: ClaimField, text: &str) -> Result<String, String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.len() > MOST {
        return Err(format!("{field}: is longer than {MOST} bytes"));
    }
    if text.chars().any(char::is_control) {
        return Err(format!("{field}: has control characters"));
    }
    let shown = text.chars().take(80).collect::<String>();
    let not = |what: &str| format!("{field}: `{shown}` is not {what}");
    match field {
        ClaimField::Email | ClaimField::LawEnforcementEmail => {
            let address = text.to_lowercase();
            lettre::Address::from_str(&address).map_err(|_| not("a mail address"))?;
            Ok(address)
        }
        ClaimField::Form | ClaimField::Rdap => {
            let url = Url::parse(&text).map_err(|_| not("a URL"))?;
            if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
                return Err(not("a web address"));
            }
            Ok(url.into())
        }
        ClaimField::Country => text.parse::<Country>().map(|c| c.to_string()).map_err(|e| e.to_string()),
        ClaimField::Status => Ok(text.to_lowercase()),
        ClaimField::Language if text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic()) => {
            Ok(text.to_ascii_lowercase())
        }
        ClaimField::Language => Err(not("an ISO 639-1 code, such as de")),
        ClaimField::Prefers if ["email", "form", "api"].contains(&text.as_str()) => Ok(text),
        ClaimField::Prefers => Err(not("one of email, form, api")),
        ClaimField::NotifiesRegistrant if ["yes", "no"].contains(&text.as_str()) => Ok(text),
        ClaimField::NotifiesRegistrant => Err(not("yes or no")),
        ClaimField::Holiday => holiday(&text).ok_or_else(|| not("a day, such as 2026-12-25 or 12-25")),
        ClaimField::PgpKey => {
            let hex: String = text.chars().filter(|c| *c != ' ').collect::<String>().to_lowercase();
            let fingerprint = matches!(hex.len(), 40 | 64) && hex.bytes().all(|b| b.is_ascii_hexdigit());
            if fingerprint { Ok(hex) } else { Err(not("the fingerprint of an OpenPGP key")) }
        }
        ClaimField::Scope => scope(&text).ok_or_else(|| {
            not("a scope: write country:AT, AS64496, 192.0.2.0/24, tld:example or domain:ac.example")
        }),
        ClaimField::Name
        | ClaimField::Website
        | ClaimField::Api
        | ClaimField::Phone
        | ClaimField::OfficeHours
        | ClaimField::TimeZone
        | ClaimField::Note => Ok(text),
    }
}

fn holiday(text: &str) -> Option<String> {
    // 2024 is a leap year, so that 02-29 is a day.
    let day = if text.len() == 5 { format!("2024-{text}") } else { text.to_owned() };
    Date::parse(&day, &Iso8601::DATE).ok().map(|_| text.to_owned())
}

fn scope(text: &str) -> Option<String> {
    if let Some(code) = text.strip_prefix("country:") {
        return code.parse::<Country>().ok().map(|country| format!("country:{country}"));
    }
    if let Some(name) = text.strip_prefix("tld:").or_else(|| text.strip_prefix("domain:")) {
        let ascii = idna::domain_to_ascii_strict(name.trim_start_matches('.')).ok()?;
        let kind = text.split(':').next()?;
        return (!ascii.is_empty()).then(|| format!("{kind}:{ascii}"));
    }
    if let Some(number) = text.strip_prefix("AS") {
        return number.parse::<u32>().ok().map(|number| format!("AS{number}"));
    }
    let network: IpNetwork = text.parse().ok()?;
    (network.ip() == network.network()).then(|| network.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_has_one_spelling() {
        for (field, text, canonical_form) in [
            (ClaimField::Email, " Abuse@Registrar.Example ", "abuse@registrar.example"),
            (ClaimField::Form, "https://registrar.example/abuse", "https://registrar.example/abuse"),
            (ClaimField::Name, "A\n  B", "A B"),
            (ClaimField::Country, "at", "AT"),
            (ClaimField::Language, "DE", "de"),
            (ClaimField::Holiday, "12-25", "12-25"),
            (ClaimField::Holiday, "2026-04-03", "2026-04-03"),
            (ClaimField::Scope, "AS064496", "AS64496"),
            (ClaimField::Scope, "192.0.2.0/24", "192.0.2.0/24"),
            (ClaimField::Scope, "domain:.ac.example", "domain:ac.example"),
            (
                ClaimField::PgpKey,
                "0000 1111 2222 3333 4444  5555 6666 7777 8888 ABCD",
                "000011112222333344445555666677778888abcd",
            ),
        ] {
            assert_eq!(canonical(field, text).as_deref(), Ok(canonical_form), "{field}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for (field, text) in [
            (ClaimField::Email, "abuse@@registrar.example"),
            (ClaimField::Email, "https://registrar.example"),
            (ClaimField::Form, "javascript:alert(1)"),
            (ClaimField::Form, "registrar.example/abuse"),
            (ClaimField::Country, "Atlantis"),
            (ClaimField::Holiday, "13-25"),
            (ClaimField::Scope, "192.0.2.7/24"),
            (ClaimField::Scope, "everything"),
            (ClaimField::PgpKey, "0xDF0EF160"),
            (ClaimField::Note, "a\u{1b}[2J"),
            (ClaimField::Prefers, "fax"),
        ] {
            assert!(canonical(field, text).is_err(), "{field}: {text}");
        }
        assert!(canonical(ClaimField::Note, &"x".repeat(MOST + 1)).is_err());
    }
}
