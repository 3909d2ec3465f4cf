//! IANA's own lists: registrar ids, and which RDAP service answers for which suffix.

use entities::{ClaimField, PartyKind};
use serde::Deserialize;

use super::{
    Draft, Error, Reading, Shape, broken, day,
    registrars::{iana_id, tld},
    unknown,
};

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "Registrar Name")]
    name: String,
    #[serde(rename = "Status")]
    status: String,
    #[serde(rename = "RDAP Base URL", default)]
    rdap: String,
}

/// Reads the ids as CSV.
pub fn registrar_ids_csv(mut rows: csv::Reader<&[u8]>) -> Result<Reading, Error> {
    let mut reading = Reading::new(Shape::RegistrarIds);
    let head = rows.headers().map_err(broken)?.clone();
    for row in rows.records() {
        reading.entries += 1;
        match row.and_then(|row| row.deserialize::<Row>(Some(&head))) {
            Ok(row) => registrar(&mut reading, row, None),
            Err(error) => reading.remark(error.to_string()),
        }
    }
    Ok(reading)
}

/// Reads the ids as XML.
pub fn registrar_ids_xml(text: &str) -> Result<Reading, Error> {
    let document = roxmltree::Document::parse(text).map_err(broken)?;
    if document.root_element().attribute("id") != Some("registrar-ids") {
        return Err(unknown());
    }
    let mut reading = Reading::new(Shape::RegistrarIds);
    for record in document.descendants().filter(|node| node.has_tag_name((NAMESPACE, "record"))) {
        reading.entries += 1;
        let text = |name: &str| {
            let node = record.descendants().find(|node| node.has_tag_name((NAMESPACE, name)));
            node.and_then(|node| node.text()).unwrap_or_default().to_owned()
        };
        let as_of = record.attribute("updated").or_else(|| record.attribute("date"));
        let row = Row { id: text("value"), name: text("name"), status: text("status"), rdap: text("server") };
        registrar(&mut reading, row, as_of);
    }
    Ok(reading)
}

const NAMESPACE: &str = "http://www.iana.org/assignments";

fn registrar(reading: &mut Reading, row: Row, as_of: Option<&str>) {
    let Some(key) = iana_id(&row.id) else {
        return reading.remark(format!("`{}` is no IANA id", row.id));
    };
    reading.take(Draft {
        key,
        kind: PartyKind::Registrar,
        name: Some(row.name),
        country: None,
        origin: String::new(),
        as_of: as_of.and_then(day),
        texts: vec![(ClaimField::Status, row.status), (ClaimField::Rdap, row.rdap)],
    });
}

#[derive(Deserialize)]
struct Bootstrap {
    publication: String,
    services: Vec<(Vec<String>, Vec<String>)>,
}

/// Reads which RDAP service answers for which suffix. The bootstraps of addresses and systems name no organisation.
pub fn rdap_bootstrap(value: serde_json::Value) -> Result<Reading, Error> {
    let Bootstrap { publication, services } = serde_json::from_value(value)
        .map_err(|error| broken(format!("is no RDAP bootstrap for domain names: {error}")))?;
    let as_of = publication.parse().ok();
    let mut reading = Reading::new(Shape::RdapBootstrap);
    for (suffixes, urls) in services {
        for suffix in suffixes {
            reading.entries += 1;
            // Prefixes and ranges of systems stand in the same shape.
            let name = suffix.bytes().any(|b| b.is_ascii_alphabetic()) && !suffix.contains([':', '/']);
            let Some(key) = tld(&suffix).filter(|_| name) else {
                reading.remark(format!("`{suffix}` is no top-level domain"));
                continue;
            };
            reading.take(Draft {
                key,
                kind: PartyKind::Registry,
                name: None,
                country: None,
                origin: String::new(),
                as_of,
                texts: urls.iter().map(|url| (ClaimField::Rdap, url.clone())).collect(),
            });
        }
    }
    if reading.said.is_empty() {
        return Err(broken("is an RDAP bootstrap, but not that for domain names"));
    }
    Ok(reading)
}
