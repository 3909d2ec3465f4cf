//! The layers of the configuration: the built-in file, the operator's file, the environment. Later ones go over.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use toml::{Table, Value, de::DeTable};

/// The built-in file: every key that there is, with its value. The keys and their kinds are read from here.
pub const DEFAULT: &str = include_str!("../../config.default.toml");

/// What every variable that is a setting begins with.
const PREFIX: &str = "LOCKSTEP__";

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The built-in file.
    BuiltIn,
    /// A line of a file.
    File {
        /// The file, as it was named.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A variable of the environment.
    Variable(String),
    /// A setting, wherever it came from, that names something unusable.
    Setting(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built in"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) | Self::Setting(name) => f.write_str(name),
        }
    }
}

/// One thing that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub origin: Origin,
    /// What, and what to do.
    pub message: String,
}

/// A value and where it came from. Debug shows the origin alone: the value may be a secret.
#[derive(Clone)]
pub struct Setting {
    /// The value.
    pub value: Value,
    /// Its origin.
    pub origin: Origin,
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.origin, f)
    }
}

/// All settings by section and key, and what was wrong on the way.
#[derive(Debug, Default)]
pub struct Layers {
    sections: BTreeMap<String, BTreeMap<String, Setting>>,
    /// What was refused.
    pub problems: Vec<Problem>,
}

impl Layers {
    /// The built-in file alone.
    pub fn built_in() -> Self {
        let mut layers = Self::default();
        let table: Table = match toml::from_str(DEFAULT) {
            Ok(table) => table,
            Err(error) => {
                layers.refuse(Origin::BuiltIn, error.to_string());
                return layers;
            }
        };
        for (section, keys) in table {
            let Value::Table(keys) = keys else { continue };
            let keys = keys.into_iter().map(|(key, value)| (key, Setting { value, origin: Origin::BuiltIn }));
            layers.sections.insert(section, keys.collect());
        }
        layers
    }

    /// Lays a file's text over.
    pub fn file(&mut self, path: &std::path::Path, text: &str) {
        let at = |offset: usize| Origin::File {
            path: path.to_owned(),
            line: text.get(..offset).unwrap_or(text).matches('\n').count() + 1,
        };
        let (spans, mut values) = match (DeTable::parse(text), toml::from_str::<Table>(text)) {
            (Ok(spans), Ok(values)) => (spans.into_inner(), values),
            (Err(error), _) | (_, Err(error)) => {
                let origin = at(error.span().map_or(0, |span| span.start));
                return self.refuse(origin, error.message().to_owned());
            }
        };
        for (section, keys) in spans {
            let origin = at(section.span().start);
            let section = section.into_inner();
            let Some(keys) = keys.get_ref().as_table() else {
                self.refuse(origin, self.no_section(&section));
                continue;
            };
            if !self.sections.contains_key(section.as_ref()) {
                self.refuse(origin, self.no_section(&section));
                continue;
            }
            let Some(Value::Table(mut table)) = values.remove(section.as_ref()) else { continue };
            for key in keys.keys() {
                if let Some(value) = table.remove(key.get_ref().as_ref()) {
                    self.set(&section, key.get_ref(), value, at(key.span().start));
                }
            }
        }
    }

    /// Lays the environment over: of all variables, those of the form `LOCKSTEP__SECTION__KEY`.
    pub fn variables<'a>(&mut self, variables: impl IntoIterator<Item = (&'a str, &'a str)>) {
        for (name, text) in variables {
            let Some(rest) = name.strip_prefix(PREFIX) else { continue };
            let origin = Origin::Variable(name.to_owned());
            let Some((section, key)) = rest.split_once("__") else {
                let message = format!("a setting's variable is named {PREFIX}SECTION__KEY");
                self.refuse(origin, message);
                continue;
            };
            let (section, key) = (section.to_ascii_lowercase(), key.to_ascii_lowercase());
            let like = self.sections.get(&section).and_then(|keys| keys.get(&key));
            match like.map_or_else(|| Ok(Value::String(text.to_owned())), |like| read(text, &like.value)) {
                Ok(value) => self.set(&section, &key, value, origin),
                Err(message) => self.refuse(origin, format!("{section}.{key}: {message}")),
            }
        }
    }

    /// The values of a section.
    pub fn table(&self, section: &str) -> Table {
        let keys = self.sections.get(section).into_iter().flatten();
        keys.map(|(key, setting)| (key.clone(), setting.value.clone())).collect()
    }

    /// The settings of a section that somebody set.
    pub fn set_in(&self, section: &str) -> impl Iterator<Item = (&String, &Setting)> {
        let keys = self.sections.get(section).into_iter().flatten();
        keys.filter(|(_, setting)| setting.origin != Origin::BuiltIn)
    }

    /// Where a setting came from.
    pub fn origin(&self, section: &str, key: &str) -> Origin {
        let setting = self.sections.get(section).and_then(|keys| keys.get(key));
        setting.map_or(Origin::BuiltIn, |setting| setting.origin.clone())
    }

    /// Notes what is wrong.
    pub fn refuse(&mut self, origin: Origin, message: String) {
        self.problems.push(Problem { origin, message });
    }

    fn set(&mut self, section: &str, key: &str, value: Value, origin: Origin) {
        let Some(keys) = self.sections.get_mut(section) else {
            let message = self.no_section(section);
            return self.refuse(origin, message);
        };
        let Some(setting) = keys.get_mut(key) else {
            let near = nearest(key, keys.keys());
            return self.refuse(origin, format!("there is no setting `{section}.{key}`{near}"));
        };
        let value = match (&setting.value, value) {
            // `5` means `5.0` where a decimal point is possible.
            (Value::Float(_), Value::Integer(whole)) => Value::Float(whole as f64),
            (_, value) => value,
        };
        if !setting.value.same_type(&value) {
            let (wanted, got) = (kind(&setting.value), kind(&value));
            return self.refuse(origin, format!("{section}.{key}: must be {wanted}, not {got}"));
        }
        *setting = Setting { value, origin };
    }

    fn no_section(&self, section: &str) -> String {
        format!("there is no section `{section}`{}", nearest(section, self.sections.keys()))
    }
}

/// Reads a variable's text as a value of the kind that `like` is. A list is a TOML array or parts between commas.
fn read(text: &str, like: &Value) -> Result<Value, String> {
    let as_toml =
        || toml::from_str::<Table>(&format!("value = {text}")).ok().and_then(|mut t| t.remove("value"));
    match like {
        Value::String(_) => Ok(Value::String(text.to_owned())),
        Value::Array(_) if !text.trim_start().starts_with('[') => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Ok(Value::Array(parts.map(|part| Value::String(part.to_owned())).collect()))
        }
        _ => match as_toml() {
            Some(value) if value.same_type(like) || (like.is_float() && value.is_integer()) => Ok(value),
            _ => Err(format!("`{text}` is not {}", kind(like))),
        },
    }
}

/// The kind of a value, for a person.
const fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a string",
        Value::Integer(_) => "an integer",
        Value::Float(_) => "a number with a decimal point",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

/// `: did you mean …?`, if a known name is near enough to be meant.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> String {
    let scored = known.map(|known| (strsim::jaro_winkler(name, known), known));
    match scored.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((score, known)) if score > 0.7 => format!(": did you mean `{known}`?"),
        _ => String::new(),
    }
}
