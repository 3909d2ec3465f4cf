//! The shapes of lists: told by their content, read into what each entry says. Nothing is guessed: what an entry says
//! that cannot be read is a remark with the entry's number, and the rest of the entry counts.

mod csirts;
mod iana;
mod own;
mod registrars;

use std::fmt;

use entities::{ClaimField, PartyKind, Timestamp};
use time::{Date, Time, format_description::well_known::Iso8601};

use super::{Country, value};
use crate::error::Error;

/// The largest list, in bytes.
pub const MOST_BYTES: usize = 64 << 20;

/// A shape that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Abuse contacts of registrars, CSV with `iana_id`.
    Registrars,
    /// Abuse contacts of registries, CSV with `tld`.
    Registries,
    /// IANA's registrar ids, CSV or XML.
    RegistrarIds,
    /// IANA's RDAP bootstrap for domain names, JSON (RFC 9224).
    RdapBootstrap,
    /// National CSIRTs, CSV with `country` and `origin`.
    NationalCsirts,
    /// National CSIRTs, JSON with `emergencyContact`.
    Certopedia,
    /// Teams of Trusted Introducer, JSON with `official_name`.
    TrustedIntroducer,
    /// Our own, JSON with `parties`.
    Own,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Registrars => "registrar contacts",
            Self::Registries => "registry contacts",
            Self::RegistrarIds => "IANA registrar ids",
            Self::RdapBootstrap => "RDAP bootstrap",
            Self::NationalCsirts => "national CSIRTs",
            Self::Certopedia => "CERTopedia",
            Self::TrustedIntroducer => "Trusted Introducer",
            Self::Own => "parties",
        })
    }
}

/// What one entry says about one party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The entry's number in the list, from 1.
    pub entry: u64,
    /// What identifies the party.
    pub key: String,
    /// What kind it is.
    pub kind: PartyKind,
    /// What it is called, if the list says.
    pub name: Option<String>,
    /// Where it is.
    pub country: Option<Country>,
    /// Whom the list has it from; empty if it does not say.
    pub origin: String,
    /// When it was so.
    pub as_of: Option<Timestamp>,
    /// What it says, each once, in one spelling.
    pub claims: Vec<(ClaimField, String)>,
}

/// What could not be taken from an entry, and why.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Remark {
    /// The entry's number in the list, from 1.
    pub entry: u64,
    /// What is wrong.
    pub message: String,
}

/// A list as it was read.
#[derive(Debug)]
pub struct Reading {
    /// The shape.
    pub shape: Shape,
    /// How many entries there are.
    pub entries: u64,
    /// What they say.
    pub said: Vec<Said>,
    /// What could not be taken.
    pub remarks: Vec<Remark>,
}

impl Reading {
    const fn new(shape: Shape) -> Self {
        Self { shape, entries: 0, said: Vec::new(), remarks: Vec::new() }
    }

    fn remark(&mut self, message: impl Into<String>) {
        self.remarks.push(Remark { entry: self.entries, message: message.into() });
    }

    /// Takes one entry's party: what of it reads.
    fn take(&mut self, party: Draft) {
        let Draft { key, kind, name, country, origin, as_of, texts } = party;
        let mut claims: Vec<(ClaimField, String)> = Vec::with_capacity(texts.len() + 2);
        let name = name.map(|name| (ClaimField::Name, name));
        let country_said = country.map(|country| (ClaimField::Country, country.to_string()));
        for (field, text) in name.into_iter().chain(country_said).chain(texts) {
            if text.trim().is_empty() {
                continue;
            }
            match value::canonical(field, &text) {
                Ok(value) if claims.contains(&(field, value.clone())) => {}
                Ok(value) => claims.push((field, value)),
                Err(message) => self.remark(message),
            }
        }
        let name = claims.iter().find(|(field, _)| *field == ClaimField::Name).map(|(_, name)| name.clone());
        self.said.push(Said { entry: self.entries, key, kind, name, country, origin, as_of, claims });
    }
}

/// A party as an entry spells it.
struct Draft {
    key: String,
    kind: PartyKind,
    name: Option<String>,
    country: Option<Country>,
    origin: String,
    as_of: Option<Timestamp>,
    texts: Vec<(ClaimField, String)>,
}

/// Reads a list.
///
/// # Errors
/// It is too large, of no shape that is read, or broken as a whole.
pub fn read(bytes: &[u8]) -> Result<Reading, Error> {
    if bytes.len() > MOST_BYTES {
        return Err(broken(format!("is larger than {} MiB", MOST_BYTES >> 20)));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| broken("is not UTF-8"))?;
    let text = text.trim_start_matches('\u{feff}').trim_start();
    match text.as_bytes().first() {
        Some(b'{' | b'[') => json(text),
        Some(b'<') => iana::registrar_ids_xml(text),
        _ => csv(text),
    }
}

fn csv(text: &str) -> Result<Reading, Error> {
    let mut rows = ::csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let head = rows.headers().map_err(broken)?.clone();
    let has = |name: &str| head.iter().any(|column| column == name);
    if has("iana_id") && has("email") {
        registrars::contacts(rows, Shape::Registrars)
    } else if has("tld") && has("email") {
        registrars::contacts(rows, Shape::Registries)
    } else if has("Registrar Name") && has("RDAP Base URL") {
        iana::registrar_ids_csv(rows)
    } else if has("country") && has("origin") {
        csirts::national(rows)
    } else {
        Err(unknown())
    }
}

fn json(text: &str) -> Result<Reading, Error> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(broken)?;
    let first = value.as_array().and_then(|entries| entries.first());
    if value.get("services").is_some() {
        iana::rdap_bootstrap(value)
    } else if value.get("parties").is_some() {
        own::parties(value)
    } else if first.is_some_and(|entry| entry.get("official_name").is_some()) {
        csirts::trusted_introducer(value)
    } else if first.is_some_and(|entry| entry.get("emergencyContact").is_some()) {
        csirts::certopedia(value)
    } else {
        Err(unknown())
    }
}

fn broken(why: impl fmt::Display) -> Error {
    Error::invalid("file", why.to_string())
}

fn unknown() -> Error {
    broken(
        "is of no shape that is read: registrar or registry contacts (CSV with `iana_id` or `tld`), IANA's registrar \
         ids (CSV or XML), RDAP bootstrap for domain names, national CSIRTs (CSV or JSON), Trusted Introducer, or our \
         own (JSON with `parties`)",
    )
}

/// Midnight UTC of an ISO date.
fn day(text: &str) -> Option<Timestamp> {
    let date = Date::parse(text.trim(), &Iso8601::DATE).ok()?;
    Some(date.with_time(Time::MIDNIGHT).assume_utc().into())
}

/// The web addresses in a cell that may hold several, with words around them.
fn urls(cell: &str) -> Vec<String> {
    let parts = cell.split_whitespace().filter_map(|part| part.find("http").map(|at| part[at..].to_owned()));
    parts.collect()
}

/// Every JSON entry as `T`; one that does not read is a remark.
fn entries<T: serde::de::DeserializeOwned>(
    reading: &mut Reading,
    value: serde_json::Value,
    mut take: impl FnMut(&mut Reading, T),
) -> Result<(), Error> {
    let serde_json::Value::Array(entries) = value else { return Err(unknown()) };
    for entry in entries {
        reading.entries += 1;
        match serde_json::from_value(entry) {
            Ok(entry) => take(reading, entry),
            Err(error) => reading.remark(error.to_string()),
        }
    }
    Ok(())
}
