//! The effective configuration for a person or a program, each value with where it came from, secrets redacted.

use serde_json::json;
use toml::{Table, Value};

use super::Loaded;

impl Loaded {
    /// TOML that can be used as a configuration file, with the origins as comments.
    ///
    /// # Errors
    /// A value has no TOML form.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        let mut text = String::new();
        for (section, keys) in self.redacted()? {
            let Value::Table(keys) = keys else { continue };
            text += &format!("{}[{section}]\n", if text.is_empty() { "" } else { "\n" });
            for (key, value) in keys {
                let origin = self.layers.origin(&section, &key);
                text += &format!("{:<44} # {origin}\n", format!("{key} = {value}"));
            }
        }
        Ok(text)
    }

    /// The same as JSON: `{section: {key: {value, source}}}`.
    ///
    /// # Errors
    /// A value has no JSON form.
    pub fn to_json(&self) -> Result<serde_json::Value, toml::ser::Error> {
        let mut sections = serde_json::Map::new();
        for (section, keys) in self.redacted()? {
            let Value::Table(keys) = keys else { continue };
            let keys = keys.into_iter().map(|(key, value)| {
                let source = self.layers.origin(&section, &key).to_string();
                (key, json!({ "value": value, "source": source }))
            });
            sections.insert(section.clone(), serde_json::Value::Object(keys.collect()));
        }
        Ok(serde_json::Value::Object(sections))
    }

    /// The values as their types print them: a secret's type does not print it.
    fn redacted(&self) -> Result<Table, toml::ser::Error> {
        Table::try_from(&self.config)
    }
}
