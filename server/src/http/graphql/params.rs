//! The parameters of a request (GraphQL over HTTP §5.1), from JSON, from a URL, or from a form with files.

use async_graphql::{
    Request, Variables,
    http::{MultipartOptions, receive_body},
};
use serde_json::{Map, Value};

use crate::config::Size;

/// The largest number of files in one multipart request.
const FILES_MAX: usize = 8;

/// What a client may say.
#[derive(Debug, Default)]
pub(super) struct Params {
    query: String,
    operation: Option<String>,
    variables: Map<String, Value>,
}

impl Params {
    /// Reads a JSON body.
    ///
    /// # Errors
    /// Why it is no request.
    pub(super) fn from_json(body: &[u8]) -> Result<Self, String> {
        let value: Value =
            serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))?;
        Self::from_value(value)
    }

    /// Reads a JSON value: the body of a request, or the payload of a `subscribe`.
    ///
    /// # Errors
    /// Why it is no request.
    pub(super) fn from_value(value: Value) -> Result<Self, String> {
        let Value::Object(mut given) = value else {
            let what = if value.is_array() { "a list: send one request at a time" } else { "no object" };
            return Err(format!("a request is one JSON object, and this is {what}"));
        };
        let operation = match given.remove("operationName") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(name),
            Some(_) => return Err("`operationName` must be a string or null".into()),
        };
        let extensions = object("extensions", given.remove("extensions"))?;
        let variables = object("variables", given.remove("variables"))?;
        let query = match (given.remove("query"), hash(&given, &extensions)?) {
            (Some(Value::String(query)), None) => query,
            (None | Some(Value::Null), Some(hash)) => trusted(&hash)?.to_owned(),
            // Both: the hash must be that of the text, whether we know it or not.
            (Some(Value::String(query)), Some(hash)) if graphql::operations::hash(&query) == hash => query,
            (Some(Value::String(_)), Some(_)) => return Err("the hash is not that of `query`".into()),
            (Some(_), _) => return Err("`query` must be a string".into()),
            (None, None) => return Err("`query` is missing".into()),
        };
        Ok(Self { query, operation, variables })
    }

    /// Reads the query of a URL.
    ///
    /// # Errors
    /// Why it is no request.
    pub(super) fn from_query(query: &str) -> Result<Self, String> {
        let mut given = Map::new();
        for (name, value) in form(query) {
            let value = match name.as_str() {
                "variables" | "extensions" if value.is_empty() => Value::Null,
                "variables" | "extensions" => {
                    serde_json::from_str(&value).map_err(|error| format!("`{name}` is not JSON: {error}"))?
                }
                "operationName" if value.is_empty() => Value::Null,
                _ => Value::String(value),
            };
            if given.insert(name.clone(), value).is_some() {
                return Err("a parameter is given twice".into());
            }
        }
        Self::from_value(Value::Object(given))
    }

    pub(super) fn into_request(self) -> Request {
        let request = Request::new(self.query).variables(Variables::from_json(Value::Object(self.variables)));
        match self.operation {
            Some(name) => request.operation_name(name),
            None => request,
        }
    }
}

/// Reads a form with files.
///
/// # Errors
/// Why it is no request.
pub(super) async fn with_files(kind: &str, body: &[u8], limit: Size) -> Result<Request, String> {
    let options = MultipartOptions::default().max_file_size(limit.bytes()).max_num_files(FILES_MAX);
    receive_body(Some(kind), futures::io::Cursor::new(body), options)
        .await
        .map_err(|error| format!("not a GraphQL request: {error}"))
}

fn object(name: &str, given: Option<Value>) -> Result<Map<String, Value>, String> {
    match given {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(object)) => Ok(object),
        Some(_) => Err(format!("`{name}` must be an object or null")),
    }
}

/// The hash that stands for a document: `documentId` as the draft has it, or Apollo's `persistedQuery`.
fn hash(given: &Map<String, Value>, extensions: &Map<String, Value>) -> Result<Option<String>, String> {
    let id = match given.get("documentId") {
        Some(Value::String(id)) => Some(id.strip_prefix("sha256:").unwrap_or(id)),
        None | Some(Value::Null) => {
            extensions.get("persistedQuery").and_then(|query| query.get("sha256Hash")?.as_str())
        }
        Some(_) => return Err("`documentId` must be a string".into()),
    };
    Ok(id.map(str::to_ascii_lowercase))
}

fn trusted(hash: &str) -> Result<&'static str, String> {
    graphql::operations::by_hash(hash)
        .ok_or_else(|| "PersistedQueryNotFound: no document has this hash".into())
}

/// Pairs of `application/x-www-form-urlencoded` (<https://url.spec.whatwg.org/#urlencoded-parsing>).
fn form(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(a, b)| (decoded(a), decoded(b)))
        .collect()
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = bytes.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
        let (value, taken) = match (byte, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(value)) => (value, 3),
            (b'+', _) => (b' ', 1),
            (other, _) => (*other, 1),
        };
        out.push(value);
        at += taken;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_reads_as_a_form() {
        assert_eq!(
            form("query=%7B+a%20%7D&x&%zz=%&y=%E2%82%AC"),
            [("query", "{ a }"), ("x", ""), ("%zz", "%"), ("y", "€")]
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
        );
    }
}
