//! Section `database`.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::{Problems, SecretUrl};

/// The store.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Where it is.
    pub url: SecretUrl,
    /// A file that holds the URL.
    pub url_file: String,
    /// Connections of one process.
    pub connections: NonZeroU32,
    /// Whether to bring the schema up to date on opening.
    pub migrate: bool,
}

impl Database {
    /// The URL in effect: the file's, if one is named.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn url(&self) -> Result<SecretUrl, Problems> {
        let held = super::from_file("database.url_file", &self.url_file)?;
        Ok(held.unwrap_or_else(|| self.url.clone()))
    }
}
