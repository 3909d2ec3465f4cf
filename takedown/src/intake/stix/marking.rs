//! Markings of a STIX object: the ten TLP definitions (domain.md §7.1), and statements.

use entities::Tlp;
use serde_json::Value;

use super::{Object, text, texts};
use crate::intake::hints;

/// What a marking says.
pub enum Marking {
    /// A TLP label of either version.
    Tlp(Tlp),
    /// Terms in words.
    Statement(String),
    /// A definition that is not in the bundle.
    Unknown,
}

/// The markings of an object and of its parts: a part's marking holds for the whole here.
pub fn refs(object: &Object) -> impl Iterator<Item = &str> {
    let granular = object.get("granular_markings").and_then(Value::as_array).into_iter().flatten();
    texts(object, "object_marking_refs").chain(granular.filter_map(|g| g.get("marking_ref")?.as_str()))
}

/// What a marking reference says, with its definition where the bundle has it.
pub fn tlp(reference: &str, definition: Option<&Object>) -> Marking {
    let id = reference.strip_prefix("marking-definition--").unwrap_or(reference);
    let known = match id {
        // TLP 2.0 (OASIS extension definition `tlp_2_0`).
        "94868c89-83c2-464b-929b-a1a8aa3c8487" => Some(Tlp::Clear),
        "bab4a63c-aed9-4cf5-a766-dfca5abac2bb" => Some(Tlp::Green),
        "55d920b0-5e8b-4f79-9ee9-91f868d9b421" => Some(Tlp::Amber),
        "939a9414-2ddd-4d32-a0cd-375ea402b003" => Some(Tlp::AmberStrict),
        "e828b379-4e03-4974-9ac4-e53a884c97c1" => Some(Tlp::Red),
        // TLP 1 (STIX 2.1 §7.2.1.4).
        "613f2e26-407d-48c7-9eca-b8e91df99dc9" => Some(Tlp::Clear),
        "34098fce-860f-48ae-8e50-ebd3cc5e41da" => Some(Tlp::Green),
        "f88d31f6-486f-44da-b317-01333bde0b82" => Some(Tlp::Amber),
        "5e57c739-391a-4eb3-b6be-7d15ca92d5ed" => Some(Tlp::Red),
        _ => None,
    };
    if let Some(tlp) = known {
        return Marking::Tlp(tlp);
    }
    let Some(definition) = definition else {
        return Marking::Unknown;
    };
    let inside = |key: &str| definition.get("definition").and_then(|d| d.get(key)).and_then(Value::as_str);
    let extension = definition.get("extensions").and_then(Value::as_object).into_iter().flatten();
    let label = inside("tlp").or_else(|| extension.into_iter().find_map(|(_, e)| e.get("tlp_2_0")?.as_str()));
    let named = label.map(|l| format!("tlp:{l}")).unwrap_or_else(|| text(definition, "name").to_owned());
    if let Some(tlp) = hints::tlp(&named) {
        return Marking::Tlp(tlp);
    }
    let statement = inside("statement").unwrap_or_else(|| text(definition, "name"));
    match hints::tlp(statement) {
        Some(tlp) => Marking::Tlp(tlp),
        None => Marking::Statement(statement.to_owned()),
    }
}
