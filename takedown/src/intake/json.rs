//! JSON documents: told apart once (STIX, MISP, neither) and read whole.
//!
//! Own thin reading on `serde_json` and not a STIX library: bundles in the wild leave out required
//! properties, mix versions and carry custom objects, and a strict reader refuses the whole for one of
//! them. Here every object gets its own verdict. `serde_json` bounds the nesting at 128.

use serde_json::{Map, Value};

use super::{
    context::Context,
    entry::{Entry, Parsed},
    misp, stix,
};

/// The largest document that is read whole, in bytes.
pub const DOCUMENT_MAX: usize = 64 << 20;

/// What a JSON document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A STIX 2.0 or 2.1 bundle, a TAXII 2.1 envelope, an array of STIX objects or one object.
    Stix,
    /// A MISP event, a search answer, or an array of events.
    Misp,
}

/// Reads a JSON document (or one JSON value a line) into its entries.
///
/// # Errors
/// Why the whole document is refused: too large, not JSON, nested too deeply, another format, STIX 1.x.
pub fn read(text: &str, context: &Context) -> Result<(Kind, Vec<Entry>), String> {
    if text.len() > DOCUMENT_MAX {
        return Err(format!(
            "a JSON document of {} MiB: at most {} MiB are read",
            text.len() >> 20,
            DOCUMENT_MAX >> 20
        ));
    }
    let text = text.trim_start_matches('\u{feff}');
    let mut values = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        values.push(value.map_err(|why| format!("not readable as JSON: {why}"))?);
    }
    match values.len() {
        0 => Err("an empty JSON document".to_owned()),
        1 => match values.pop() {
            Some(Value::Array(several)) => read_array(several, context),
            Some(Value::Object(one)) => read_object(one, context),
            _ => Err("JSON, but neither a bundle nor an event: a bare value".to_owned()),
        },
        _ => read_array(values, context),
    }
}

fn read_object(mut object: Map<String, Value>, context: &Context) -> Result<(Kind, Vec<Entry>), String> {
    if let Some(refusal) = refusal(&object) {
        return Err(refusal);
    }
    if misp::is_event(&object) {
        return misp::read(&[Value::Object(object)], context).map(|entries| (Kind::Misp, entries));
    }
    if let Some(response) = object.remove("response") {
        let events = match response {
            Value::Array(events) => events,
            other => vec![other],
        };
        return misp::read(&events, context).map(|entries| (Kind::Misp, entries));
    }
    let is_bundle = object.get("type").and_then(Value::as_str) == Some("bundle");
    let is_envelope = object.contains_key("more") || object.contains_key("next");
    match object.remove("objects") {
        Some(Value::Array(objects)) => Ok((Kind::Stix, stix::read(&objects, context))),
        Some(_) => Err("`objects` of the bundle is not an array".to_owned()),
        None if is_bundle || is_envelope => Ok((Kind::Stix, Vec::new())),
        None if stix::is_object(&object) => Ok((Kind::Stix, stix::read(&[Value::Object(object)], context))),
        None => {
            let keys: Vec<&str> = object.keys().take(5).map(String::as_str).collect();
            let keys: String = keys.join(", ").chars().take(80).collect();
            Err(format!("JSON, but neither a STIX bundle nor a MISP event: its keys are {keys}"))
        }
    }
}

fn read_array(values: Vec<Value>, context: &Context) -> Result<(Kind, Vec<Entry>), String> {
    let Some(first) = values.first() else {
        return Ok((Kind::Stix, Vec::new()));
    };
    let Value::Object(first) = first else {
        return Err("a JSON array, but not of STIX objects or MISP events".to_owned());
    };
    if let Some(refusal) = refusal(first) {
        return Err(refusal);
    }
    if misp::is_event(first) {
        return misp::read(&values, context).map(|entries| (Kind::Misp, entries));
    }
    if first.get("type").and_then(Value::as_str) == Some("bundle") {
        // One bundle a line, or an array of bundles.
        let mut objects = Vec::new();
        for bundle in values {
            match bundle {
                Value::Object(mut bundle) => match bundle.remove("objects") {
                    Some(Value::Array(inside)) => objects.extend(inside),
                    _ => objects.push(Value::Object(bundle)),
                },
                other => objects.push(other),
            }
        }
        return Ok((Kind::Stix, stix::read(&objects, context)));
    }
    if stix::is_object(first) {
        return Ok((Kind::Stix, stix::read(&values, context)));
    }
    let keys: Vec<&str> = first.keys().take(5).map(String::as_str).collect();
    let keys: String = keys.join(", ").chars().take(80).collect();
    Err(format!("a JSON array, but not of STIX objects or MISP events: its first member's keys are {keys}"))
}

/// What is known and not read, with what to do instead.
fn refusal(object: &Map<String, Value>) -> Option<String> {
    let has = |key: &str| object.contains_key(key);
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    if has("stix_header")
        || text("id").contains(":STIXPackage-")
        || text("version").starts_with("1.") && has("related_packages")
    {
        return Some(stix::REFUSED_1X.to_owned());
    }
    if has("$schema") || has("$id") {
        return Some("a JSON schema, not data".to_owned());
    }
    if has("Feed") {
        return Some("a list of MISP feeds: it names where to fetch; import the events of a feed".to_owned());
    }
    if has("date_added") && has("media_type") {
        return Some(
            "a TAXII manifest: it lists objects without their content; import the objects".to_owned(),
        );
    }
    let is_manifest_entry =
        |v: &Value| v.get("info").is_some() && v.get("Orgc").is_some() && v.get("Attribute").is_none();
    if !object.is_empty() && object.values().all(is_manifest_entry) && !has("Event") {
        return Some(misp::REFUSED_MANIFEST.to_owned());
    }
    None
}

/// Adds one reading to another.
pub(super) fn absorb(into: &mut Parsed, from: Parsed) {
    into.sightings.extend(from.sightings);
    into.links.extend(from.links);
    into.facts.extend(from.facts);
}

/// A text cut to what an entry shows.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(Entry::TEXT_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        read(text, &Context::default()).expect_err("a refusal")
    }

    #[test]
    fn refuses_what_it_does_not_read_and_says_why() {
        assert!(refused(r#"{"stix_header":{},"version":"1.1.1"}"#).contains("STIX 1"));
        assert!(refused(r#"{"$schema":"x","type":"object"}"#).contains("schema"));
        assert!(refused(r#"{"a":{"info":"x","Orgc":{"name":"y"}}}"#).contains("manifest"));
        assert!(refused(r#"[{"id":"indicator--1","date_added":"x","media_type":"y"}]"#).contains("manifest"));
        assert!(refused(r#"[{"Feed":{}}]"#).contains("feeds"));
        assert!(refused(r#"{"a":1,"b":2}"#).contains("a, b"));
        assert!(refused("7").contains("bare value"));
        assert!(refused("{\"a\":").contains("line 1"));
        assert!(refused(&"[".repeat(100_000)).contains("recursion"));
    }

    #[test]
    fn reads_empty_envelopes_and_one_object_a_line() {
        let context = Context::default();
        assert_eq!(read(r#"{"type":"bundle","id":"bundle--1"}"#, &context), Ok((Kind::Stix, Vec::new())));
        assert_eq!(read(r#"{"more":false}"#, &context), Ok((Kind::Stix, Vec::new())));
        let line = r#"{"type":"domain-name","id":"domain-name--1","value":"evil.com"}"#;
        let (kind, entries) = read(&format!("{line}\n{line}\n"), &context).expect("two lines");
        assert_eq!((kind, entries.len()), (Kind::Stix, 2));
        assert!(entries.iter().all(|e| e.parsed.is_ok()));
    }
}
