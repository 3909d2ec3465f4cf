//! Section `database`.

use std::{num::NonZeroU32, path::Path};

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
        if self.url_file.is_empty() {
            return Ok(self.url.clone());
        }
        let text = super::read_bounded(Path::new(&self.url_file))
            .map_err(|e| Problems::of("database.url_file", format!("{}: {e}", self.url_file)))?;
        Ok(text.trim().to_owned().into())
    }
}
