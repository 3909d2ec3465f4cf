//! JSON text as it is written.

use std::{fmt::Write as _, ops::Range};

use async_graphql::{EnumType, Name, Value, indexmap::IndexMap};
use async_graphql_value::RAW_VALUE_TOKEN;
use entities::Timestamp;
use serde::Serialize;

/// JSON text (RFC 8259) that grows.
#[derive(Debug, Default)]
pub struct Json(String);

impl Json {
    /// The text.
    pub fn into_text(self) -> String {
        self.0
    }

    /// Text that is JSON already.
    pub fn raw(&mut self, json: &str) {
        self.0.push_str(json);
    }

    /// A string.
    pub fn text(&mut self, text: &str) {
        self.0.push('"');
        let mut done = 0;
        for (at, byte) in text.bytes().enumerate() {
            if byte >= b' ' && byte != b'"' && byte != b'\\' {
                continue;
            }
            // What is escaped is one byte, so these are boundaries of characters.
            self.0.push_str(text.get(done..at).unwrap_or_default());
            match byte {
                b'"' => self.0.push_str("\\\""),
                b'\\' => self.0.push_str("\\\\"),
                b'\n' => self.0.push_str("\\n"),
                b'\r' => self.0.push_str("\\r"),
                b'\t' => self.0.push_str("\\t"),
                other => self.shown(format_args!("\\u{other:04x}")),
            }
            done = at + 1;
        }
        self.0.push_str(text.get(done..).unwrap_or_default());
        self.0.push('"');
    }

    /// The string that an id is shown as, which has nothing to escape.
    pub fn id(&mut self, id: impl std::fmt::Display) {
        self.shown(format_args!("\"{id}\""));
    }

    /// A member of a closed list.
    pub fn term<T: EnumType>(&mut self, term: impl Into<T>) {
        let term: T = term.into();
        match T::items().iter().find(|item| item.value == term) {
            Some(item) => self.text(item.name),
            None => self.null(),
        }
    }

    /// An instant (RFC 3339).
    pub fn instant(&mut self, at: Timestamp) {
        self.id(at);
    }

    /// A number.
    pub fn int(&mut self, int: i32) {
        self.shown(format_args!("{int}"));
    }

    /// A truth.
    pub fn flag(&mut self, flag: bool) {
        self.raw(if flag { "true" } else { "false" });
    }

    /// Nothing.
    pub fn null(&mut self) {
        self.raw("null");
    }

    /// What is there, or null.
    pub fn maybe<T>(&mut self, there: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match there {
            Some(there) => write(self, there),
            None => self.null(),
        }
    }

    /// What the library resolved.
    pub fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.null(),
            Value::Boolean(flag) => self.flag(*flag),
            Value::Number(number) => self.shown(format_args!("{number}")),
            Value::String(text) => self.text(text),
            Value::Enum(name) => self.text(name),
            Value::Binary(_) => self.serialised(value),
            Value::List(values) => self.list(values, Self::value),
            Value::Object(fields) => match fields.first() {
                Some((name, Value::String(json))) if name == RAW_VALUE_TOKEN => self.raw(json),
                _ => self.object(fields),
            },
        }
    }

    fn object(&mut self, fields: &IndexMap<Name, Value>) {
        self.0.push('{');
        for (at, (name, value)) in fields.iter().enumerate() {
            if at > 0 {
                self.0.push(',');
            }
            self.text(name);
            self.0.push(':');
            self.value(value);
        }
        self.0.push('}');
    }

    /// A list.
    pub fn list<T>(&mut self, of: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut Self, T)) {
        self.0.push('[');
        for (at, one) in of.into_iter().enumerate() {
            if at > 0 {
                self.0.push(',');
            }
            write(self, one);
        }
        self.0.push(']');
    }

    /// What knows how to be JSON.
    pub fn serialised(&mut self, of: &impl Serialize) {
        match serde_json::to_string(of) {
            Ok(json) => self.raw(&json),
            Err(error) => {
                // A defect: only what cannot fail is written so.
                tracing::error!(error = &error as &dyn std::error::Error, "it could not be written as JSON");
                self.null();
            }
        }
    }

    fn shown(&mut self, shown: std::fmt::Arguments<'_>) {
        // A text takes whatever is written into it.
        let _ = self.0.write_fmt(shown);
    }
}

/// Values that were written one after the other, each to be found again; several places may be of one value.
#[derive(Debug, Default)]
pub struct Parts {
    json: Json,
    spans: Vec<Range<usize>>,
}

impl Parts {
    /// For so many values of about so many bytes.
    pub fn with_capacity(values: usize, bytes: usize) -> Self {
        Self {
            json: Json(String::with_capacity(values.saturating_mul(bytes))),
            spans: Vec::with_capacity(values),
        }
    }

    /// Writes one more value.
    pub fn add(&mut self, write: impl FnOnce(&mut Json)) {
        let from = self.json.0.len();
        write(&mut self.json);
        self.spans.push(from..self.json.0.len());
    }

    /// The value at a place; null where there is none.
    pub fn at(&self, place: usize) -> &str {
        self.spans.get(place).and_then(|span| self.json.0.get(span.clone())).unwrap_or("null")
    }

    /// The same values, each in the places that name it; null where no value is named.
    #[must_use]
    pub fn placed(mut self, places: impl Iterator<Item = Option<usize>>) -> Self {
        let from = self.json.0.len();
        self.json.null();
        let null = from..self.json.0.len();
        let span = |place: Option<usize>| place.and_then(|at| self.spans.get(at)).unwrap_or(&null).clone();
        self.spans = places.map(span).collect();
        self
    }

    /// Lists of the values, in order, the first of so many and so on.
    pub fn lists(&self, lengths: impl ExactSizeIterator<Item = usize>) -> Self {
        let mut lists = Self {
            json: Json(String::with_capacity(self.json.0.len() + 3 * lengths.len())),
            spans: Vec::with_capacity(lengths.len()),
        };
        let mut from = 0;
        for length in lengths {
            lists.add(|to| to.list(from..from + length, |to, place| to.raw(self.at(place))));
            from += length;
        }
        lists
    }

    /// All of them as one list.
    pub fn into_value(self) -> Value {
        let mut json = Json(String::with_capacity(self.json.0.len() + self.spans.len() + 2));
        json.list(0..self.spans.len(), |to, place| to.raw(self.at(place)));
        Value::Object(IndexMap::from([(Name::new(RAW_VALUE_TOKEN), Value::String(json.into_text()))]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_escaped_as_another_writes_it() {
        for text in ["", "plain", "a\"b\\c", "\n\r\t\u{0}\u{1f}\u{7f}", "é\"ü\u{2028}😀", "\"", "ends\\"]
        {
            let mut json = Json::default();
            json.text(text);
            let json = json.into_text();
            assert_eq!(serde_json::from_str::<String>(&json).expect("JSON"), text, "{json}");
        }
    }

    #[test]
    fn values_are_found_again_and_named_twice() {
        let mut parts = Parts::default();
        for number in 1..=3 {
            parts.add(|to| to.int(number));
        }
        let placed = parts.placed([Some(2), None, Some(0), Some(2), Some(9)].into_iter());
        let lists = placed.lists([2, 0, 3].into_iter());
        assert_eq!((lists.at(0), lists.at(1), lists.at(2)), ("[3,null]", "[]", "[1,3,null]"));
        let mut json = Json::default();
        json.value(&lists.into_value());
        assert_eq!(json.into_text(), "[[3,null],[],[1,3,null]]");
    }

    #[test]
    fn a_value_is_written_as_another_writes_it() {
        let value = Value::from_json(serde_json::json!({
            "a": [1, -2.5, true, null, "x\"y"], "b": {}, "c": { "d": [[], [{}]] }
        }));
        let value = value.expect("a value");
        let mut json = Json::default();
        json.value(&value);
        assert_eq!(json.into_text(), serde_json::to_string(&value).expect("JSON"));
    }
}
