//! Our own shape, for what no public list has: units, agencies, hosts, platforms; and to correct what lists say.
//!
//! ```json
//! {"parties": [{"key": "agency:de:example", "kind": "law_enforcement", "name": "Example Police", "country": "DE",
//!   "as_of": "2026-11-01", "says": {"email": "cyber@police.example", "language": ["de", "en"], "holiday": "12-25"}}]}
//! ```

use std::collections::BTreeMap;

use entities::{ClaimField, PartyKind};
use serde::Deserialize;

use super::{Country, Draft, Error, Reading, Shape, day, entries};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Party {
    key: String,
    kind: PartyKind,
    name: String,
    country: Option<String>,
    #[serde(default)]
    as_of: String,
    #[serde(default)]
    says: BTreeMap<String, OneOrMany>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Reads the parties of the list.
pub fn parties(mut value: serde_json::Value) -> Result<Reading, Error> {
    let mut reading = Reading::new(Shape::Own);
    entries(&mut reading, value["parties"].take(), |reading, party: Party| {
        if !well_formed(&party.key, party.kind) {
            return reading.remark(format!(
                "key: `{}` is none of a {}: write iana:146, tld:com, csirt:at:cert.example, or words of your own \
                 such as agency:de:example",
                party.key.chars().take(80).collect::<String>(),
                party.kind
            ));
        }
        let country = match party.country.as_deref().map(str::parse::<Country>).transpose() {
            Ok(country) => country,
            Err(error) => return reading.remark(error.to_string()),
        };
        let mut texts = Vec::new();
        for (field, values) in party.says {
            match field.parse::<ClaimField>() {
                Ok(field) => match values {
                    OneOrMany::One(text) => texts.push((field, text)),
                    OneOrMany::Many(many) => texts.extend(many.into_iter().map(|text| (field, text))),
                },
                Err(error) => reading.remark(error.to_string()),
            }
        }
        reading.take(Draft {
            key: party.key,
            kind: party.kind,
            name: Some(party.name),
            country,
            origin: String::new(),
            as_of: day(&party.as_of),
            texts,
        });
    })?;
    Ok(reading)
}

/// Two to eight words with colons between; the words that lists use for a kind are kept for that kind.
fn well_formed(key: &str, kind: PartyKind) -> bool {
    let word = |word: &str| {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_".contains(&b);
        !word.is_empty() && word.bytes().all(allowed)
    };
    let words: Vec<&str> = key.split(':').collect();
    let kept = match words[0] {
        "iana" => Some(PartyKind::Registrar),
        "tld" => Some(PartyKind::Registry),
        "csirt" => Some(PartyKind::Csirt),
        _ => None,
    };
    key.len() <= 128
        && (2..=8).contains(&words.len())
        && words.into_iter().all(word)
        && kept.is_none_or(|only| only == kind)
}
