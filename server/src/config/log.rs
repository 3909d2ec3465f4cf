//! Section `log`.

use serde::{Deserialize, Serialize};

/// The log.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Which events: a level or directives by module.
    #[serde(deserialize_with = "directives")]
    pub level: String,
    /// How they are written.
    pub format: Format,
}

/// How a log line is written.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Human on a terminal, JSON elsewhere.
    Auto,
    /// For a person.
    Human,
    /// One JSON object a line.
    Json,
}

fn directives<'de, D: serde::Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    let text = String::deserialize(d)?;
    tracing_subscriber::EnvFilter::try_new(&text).map_err(|error| {
        serde::de::Error::custom(format!("`{text}` is neither a level nor a list of directives: {error}"))
    })?;
    Ok(text)
}
