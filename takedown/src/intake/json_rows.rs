//! Lists of JSON objects (`[{…}]`, `{"data":[{…}]}`, `{"entries":{"evil.example":{…}}}`): each object is
//! a row of a table whose columns are its keys. Read object by object, so that memory stays bounded.

use std::{fmt, io::BufRead};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{
    context::Context,
    read::{Sink, entry},
    table::{self, Plan},
};

/// How deep lists are looked for.
const DEPTH_MAX: usize = 4;

/// Reads a JSON text and hands over an entry for each object of its lists.
///
/// # Errors
/// What is wrong with the text, with line and column; or that it holds no list of objects.
pub fn read(input: &mut impl BufRead, context: &Context, sink: &mut Sink<'_>) -> Result<(), String> {
    if input.fill_buf().map_err(|e| e.to_string())?.starts_with(b"\xef\xbb\xbf") {
        input.consume(3);
    }
    let mut rows = Rows { context, sink, plan: None, number: 0, stopped: false };
    let mut json = serde_json::Deserializer::from_reader(input);
    let outcome = Level { rows: &mut rows, depth: 0, key: None }.deserialize(&mut json);
    match outcome {
        _ if rows.stopped => Ok(()),
        Err(error) => Err(error.to_string()),
        Ok(()) if rows.number == 0 => Err("no list of objects in it".to_owned()),
        Ok(()) => json.end().map_err(|e| e.to_string()),
    }
}

struct Rows<'a, 's> {
    context: &'a Context,
    sink: &'a mut Sink<'s>,
    plan: Option<Plan>,
    number: u64,
    stopped: bool,
}

impl Rows<'_, '_> {
    /// One object with the key it stands under, if any. False to stop.
    fn row(&mut self, key: Option<&str>, value: &Value) -> bool {
        self.number += 1;
        let mut header = Vec::new();
        let mut cells = Vec::new();
        if let Some(key) = key {
            header.push("indicator".to_owned());
            cells.push(key.to_owned());
        }
        match value {
            Value::Object(object) => {
                for (name, value) in object {
                    header.push(if name == "ips" { "ip".to_owned() } else { name.clone() });
                    cells.push(cell(value));
                }
            }
            Value::String(text) if key.is_none() => {
                header.push("indicator".to_owned());
                cells.push(text.clone());
            }
            _ => {}
        }
        if self.plan.as_ref().is_none_or(|plan| plan.header != header) {
            self.plan = table::by_header(&header);
        }
        let parsed = match &self.plan {
            Some(plan) => table::row(plan, &cells, self.context),
            None => Err("an object without a key that names an indicator".to_owned()),
        };
        let text = key.map_or_else(|| value.to_string(), |key| format!("{key}: {value}"));
        self.stopped = !(self.sink)(entry(self.number, &text, parsed));
        !self.stopped
    }
}

/// A value as the text of a cell; lists as pieces, objects as nothing.
fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(items) => {
            let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            texts.join(" ")
        }
        _ => String::new(),
    }
}

/// One level of the text: a list of objects, or an object that holds lists.
struct Level<'r, 'a, 's> {
    rows: &'r mut Rows<'a, 's>,
    depth: usize,
    key: Option<String>,
}

impl<'de> DeserializeSeed<'de> for Level<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// What makes the parser stop early; it is not shown.
fn stop<E: serde::de::Error>() -> E {
    E::custom("stopped")
}

impl<'de> Visitor<'de> for Level<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(value) = seq.next_element::<Value>()? {
            if !self.rows.row(self.key.as_deref(), &value) {
                return Err(stop());
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            // The keys of an object below the top are indicators when the top says so.
            let is_list = matches!(
                key.as_str(),
                "entries" | "data" | "results" | "iocs" | "indicators" | "items" | "urls"
            );
            if self.depth == 0 && is_list {
                map.next_value_seed(Level { rows: &mut *self.rows, depth: 1, key: None })?;
            } else if self.depth == 0 {
                let value = map.next_value::<Value>()?;
                // `{"1234": [{…}]}`: the export of ThreatFox numbers its entries.
                if let Value::Array(items) = &value
                    && key.bytes().all(|b| b.is_ascii_digit())
                {
                    for item in items {
                        if !self.rows.row(None, item) {
                            return Err(stop());
                        }
                    }
                }
            } else if self.depth < DEPTH_MAX {
                let value = map.next_value::<Value>()?;
                let more = match &value {
                    Value::Array(items) if items.iter().all(Value::is_object) => {
                        items.iter().all(|item| self.rows.row(Some(&key), item))
                    }
                    value => self.rows.row(Some(&key), value),
                };
                if !more {
                    return Err(stop());
                }
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Result<Vec<Result<String, String>>, String> {
        let mut got = Vec::new();
        let mut sink = |e: crate::intake::entry::Entry| {
            got.push(e.parsed.map(|p| p.sightings[0].0.value.clone()));
            true
        };
        read(&mut text.as_bytes(), &Context::default(), &mut sink)?;
        Ok(got)
    }

    #[test]
    fn objects_are_rows() {
        let evil = Ok("evil.example".to_owned());
        assert_eq!(
            rows(r#"[{"type":"domain","value":"evil.example","date":"2025-05-13"}]"#),
            Ok(vec![evil.clone()])
        );
        assert_eq!(rows(r#"{"query_status":"ok","data":[{"ioc":"evil.example"}]}"#), Ok(vec![evil.clone()]));
        assert_eq!(
            rows(r#"{"7":[{"ioc_value":"evil.example"}],"8":[{"ioc_value":"x"}]}"#).map(|r| r.len()),
            Ok(2)
        );
        assert_eq!(
            rows(r#"{"count":1,"entries":{"evil.example":{"ips":["192.0.2.1"],"ns":null}}}"#),
            Ok(vec![evil])
        );
        assert!(rows(r#"{"a":{"b":1}}"#).is_err());
        assert!(rows(r#"[{"a":"#).is_err());
    }
}
