//! Lists of incident response teams. A team is known by its country and the domain of its mailbox, since each list
//! calls it otherwise; where lists name other mailboxes at one domain, both stand in the directory.

use entities::{ClaimField, PartyKind};
use serde::Deserialize;

use super::{Country, Draft, Error, Reading, Shape, broken, day, entries};

fn key(country: Option<Country>, email: &str) -> Option<String> {
    let (_, domain) = email.trim().rsplit_once('@')?;
    let domain = idna::domain_to_ascii_strict(domain).ok().filter(|domain| domain.contains('.'))?;
    let country = country.map_or_else(|| "int".to_owned(), |country| country.code().to_lowercase());
    Some(format!("csirt:{country}:{domain}"))
}

/// The claim that it answers for a whole country.
fn national_scope(country: Country) -> (ClaimField, String) {
    (ClaimField::Scope, format!("country:{country}"))
}

#[derive(Deserialize)]
struct National {
    country: String,
    name: String,
    #[serde(default)]
    website: String,
    email: String,
    #[serde(default)]
    origin: String,
}

/// Reads a CSV of national teams, whose rows have several origins.
pub fn national(mut rows: csv::Reader<&[u8]>) -> Result<Reading, Error> {
    let mut reading = Reading::new(Shape::NationalCsirts);
    let head = rows.headers().map_err(broken)?.clone();
    for row in rows.records() {
        reading.entries += 1;
        let row = match row.and_then(|row| row.deserialize::<National>(Some(&head))) {
            Ok(row) => row,
            Err(error) => {
                reading.remark(error.to_string());
                continue;
            }
        };
        let country = match row.country.parse::<Country>() {
            Ok(country) => country,
            Err(error) => {
                reading.remark(error.to_string());
                continue;
            }
        };
        let Some(key) = key(Some(country), &row.email) else {
            reading.remark(format!("email: `{}` is not a mail address", row.email));
            continue;
        };
        // Some origins name no team.
        let name = Some(row.name).filter(|name| !name.starts_with('('));
        let texts =
            vec![(ClaimField::Website, row.website), (ClaimField::Email, row.email), national_scope(country)];
        let (kind, country) = (PartyKind::Csirt, Some(country));
        reading.take(Draft { key, kind, name, country, origin: row.origin, as_of: None, texts });
    }
    Ok(reading)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Certopedia {
    country: String,
    name: String,
    #[serde(default)]
    website: String,
    email: String,
    #[serde(default)]
    emergency_contact: String,
    #[serde(default)]
    last_updated: String,
    #[serde(default)]
    pgp_key: PgpKey,
}

#[derive(Deserialize, Default)]
struct PgpKey {
    fingerprint: Option<String>,
}

/// Reads CERTopedia's JSON.
pub fn certopedia(value: serde_json::Value) -> Result<Reading, Error> {
    let mut reading = Reading::new(Shape::Certopedia);
    entries(&mut reading, value, |reading, team: Certopedia| {
        let Some(country) = Country::named(&team.country) else {
            return reading.remark(format!("`{}` is no country by its English name", team.country));
        };
        let Some(key) = key(Some(country), &team.email) else {
            return reading.remark(format!("email: `{}` is not a mail address", team.email));
        };
        // The field also holds mailboxes and remarks.
        let phone = team.emergency_contact.chars().filter(char::is_ascii_digit).count() >= 6;
        let texts = vec![
            (ClaimField::Website, team.website),
            (ClaimField::Email, team.email),
            (if phone { ClaimField::Phone } else { ClaimField::Note }, team.emergency_contact),
            (ClaimField::PgpKey, team.pgp_key.fingerprint.unwrap_or_default()),
            national_scope(country),
        ];
        reading.take(Draft {
            key,
            kind: PartyKind::Csirt,
            name: Some(team.name),
            country: Some(country),
            origin: String::new(),
            as_of: day(&team.last_updated),
            texts,
        });
    })?;
    Ok(reading)
}

#[derive(Deserialize)]
struct Team {
    official_name: String,
    #[serde(default)]
    country: Option<Coded>,
    #[serde(default)]
    constituency: Constituency,
    #[serde(default)]
    business_hours: Option<String>,
    #[serde(default)]
    business_hours_timezone: Option<String>,
    #[serde(default)]
    pgp_keys: Vec<Key>,
    #[serde(default)]
    phones: Vec<Phone>,
    #[serde(default)]
    emails: Vec<Email>,
}

#[derive(Deserialize)]
struct Coded {
    code: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Constituency {
    types: Vec<String>,
    asns: Vec<u32>,
    domains: Vec<String>,
    ipranges: Vec<String>,
    countries: Vec<Coded>,
}

#[derive(Deserialize)]
struct Key {
    fingerprint: String,
}

#[derive(Deserialize)]
struct Phone {
    number: String,
    #[serde(default)]
    usage: Vec<String>,
}

#[derive(Deserialize)]
struct Email {
    address: String,
}

/// Reads the teams of Trusted Introducer. Only a team whose constituency is national answers for its country.
pub fn trusted_introducer(value: serde_json::Value) -> Result<Reading, Error> {
    let mut reading = Reading::new(Shape::TrustedIntroducer);
    entries(&mut reading, value, |reading, team: Team| {
        let country = team.country.as_ref().and_then(|country| country.code.parse::<Country>().ok());
        let Some(key) = team.emails.first().and_then(|email| key(country, &email.address)) else {
            return reading.remark("has no mailbox");
        };
        let scope = |text: String| (ClaimField::Scope, text);
        let of = team.constituency;
        let mut texts: Vec<_> =
            team.emails.into_iter().map(|email| (ClaimField::Email, email.address)).collect();
        if of.types.iter().any(|kind| kind == "National") {
            texts.extend(of.countries.iter().map(|country| scope(format!("country:{}", country.code))));
        }
        texts.extend(of.asns.iter().map(|number| scope(format!("AS{number}"))));
        texts.extend(of.ipranges.into_iter().map(scope));
        texts
            .extend(of.domains.iter().map(|name| scope(format!("domain:{}", name.trim_start_matches("*.")))));
        texts.push((ClaimField::OfficeHours, team.business_hours.unwrap_or_default()));
        texts.push((ClaimField::TimeZone, team.business_hours_timezone.unwrap_or_default()));
        texts.extend(team.pgp_keys.into_iter().map(|key| (ClaimField::PgpKey, key.fingerprint)));
        let voice = team.phones.into_iter().filter(|phone| phone.usage.iter().any(|usage| usage == "voice"));
        texts.extend(voice.map(|phone| (ClaimField::Phone, phone.number)));
        let (kind, name, origin) = (PartyKind::Csirt, Some(team.official_name), String::new());
        reading.take(Draft { key, kind, name, country, origin, as_of: None, texts });
    })?;
    Ok(reading)
}
