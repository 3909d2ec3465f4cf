//! Abuse contacts of registrars and registries: one row an IANA id or a top-level domain. A registrar with two ids and
//! a registry with two hundred suffixes are as many parties: who is one organisation is not for us to guess.

use entities::{ClaimField, PartyKind};
use serde::Deserialize;

use super::{Draft, Error, Reading, Shape, broken, day, urls};

#[derive(Deserialize)]
struct Row {
    #[serde(alias = "tld")]
    iana_id: String,
    name: String,
    #[serde(default)]
    link: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    form: String,
    #[serde(default)]
    api: String,
    #[serde(default)]
    notes: String,
    #[serde(default)]
    as_of: String,
}

/// Reads either list.
pub fn contacts(mut rows: csv::Reader<&[u8]>, shape: Shape) -> Result<Reading, Error> {
    let mut reading = Reading::new(shape);
    let head = rows.headers().map_err(broken)?.clone();
    for row in rows.records() {
        reading.entries += 1;
        match row.and_then(|row| row.deserialize::<Row>(Some(&head))) {
            Ok(row) => one(&mut reading, row, shape),
            Err(error) => reading.remark(error.to_string()),
        }
    }
    Ok(reading)
}

fn one(reading: &mut Reading, row: Row, shape: Shape) {
    let (kind, key) = if shape == Shape::Registries {
        (PartyKind::Registry, tld(&row.iana_id))
    } else {
        (PartyKind::Registrar, iana_id(&row.iana_id))
    };
    let Some(key) = key else {
        return reading.remark(format!("`{}` is neither an IANA id nor a top-level domain", row.iana_id));
    };
    let mut texts =
        vec![(ClaimField::Website, row.link), (ClaimField::Api, row.api), (ClaimField::Note, row.notes)];
    for part in row.email.split([' ', '\n', '\r', '\t', ',', ';']) {
        // The root's dot, or the end of a sentence.
        let part = part.trim_end_matches('.');
        // Some rows have the form in the mail's column.
        let field = if part.contains("://") { ClaimField::Form } else { ClaimField::Email };
        texts.push((field, part.to_owned()));
    }
    let forms = urls(&row.form);
    if forms.is_empty() && !row.form.trim().is_empty() {
        reading.remark("form: has no web address");
    }
    texts.extend(forms.into_iter().map(|form| (ClaimField::Form, form)));
    let as_of = day(&row.as_of);
    reading.take(Draft {
        key,
        kind,
        name: Some(row.name),
        country: None,
        origin: String::new(),
        as_of,
        texts,
    });
}

/// The key of a registrar.
pub fn iana_id(text: &str) -> Option<String> {
    text.trim().parse::<u32>().ok().map(|id| format!("iana:{id}"))
}

/// The key of a registry; a suffix is written as an A-label.
pub fn tld(text: &str) -> Option<String> {
    let ascii = idna::domain_to_ascii_strict(text.trim().trim_start_matches('.')).ok()?;
    (!ascii.is_empty() && !ascii.contains('.')).then(|| format!("tld:{ascii}"))
}
