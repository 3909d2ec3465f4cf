//! Configuration: the built-in file, then the operator's, then the environment; checked as a whole before anything
//! starts. The work itself receives plain [`Settings`].

mod auth;
mod cluster;
mod database;
mod http;
mod intake;
mod jobs;
mod layers;
mod log;
mod mail;
mod observe;
mod provider;
mod show;
mod surroundings;
mod telemetry;
mod value;

#[cfg(test)]
mod tests;

use std::{fmt, path::Path};

use serde::{Serialize, de::DeserializeOwned};
use takedown::settings::Settings;

pub use self::{
    auth::Auth,
    cluster::Cluster,
    database::Database,
    http::Http,
    intake::Intake,
    jobs::Jobs,
    layers::{DEFAULT, Layers, Origin, Problem},
    log::{Format, Log},
    mail::{Mail, Organisation, Way},
    observe::Observe,
    provider::{Group, Provider},
    surroundings::Surroundings,
    telemetry::Telemetry,
    value::{SecretUrl, Size, Span},
};

/// The file that is read from the working directory when no other is named.
pub const FILE: &str = "lockstep.toml";

/// The largest configuration or secret file that is read, in bytes.
const FILE_MAX: u64 = 1 << 20;

/// Everything that an operator sets, one field a section.
#[derive(Clone, Debug, Serialize)]
pub struct Config {
    /// The API.
    pub http: Http,
    /// How people sign in.
    pub auth: Auth,
    /// The store.
    pub database: Database,
    /// The job queue.
    pub jobs: Jobs,
    /// The log.
    pub log: Log,
    /// Spans.
    pub telemetry: Telemetry,
    /// What intake knows.
    pub intake: Intake,
    /// What is asked outside.
    pub observe: Observe,
    /// How names are grouped.
    pub cluster: Cluster,
    /// Who we are.
    pub organisation: Organisation,
    /// How notices leave.
    pub mail: Mail,
}

impl Config {
    /// What the work is given.
    ///
    /// # Errors
    /// Settings that need each other do not fit, or a file with a secret cannot be read.
    pub fn settings(&self) -> Result<Settings, Problems> {
        Ok(Settings {
            jobs: self.jobs.settings(),
            observe: self.observe.settings(),
            cluster: self.cluster.settings(),
            mail: self.mail.settings(&self.organisation)?,
            auth: self.auth.settings(),
        })
    }
}

/// A configuration and where each of its values came from.
#[derive(Debug)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// Their origins.
    pub layers: Layers,
}

/// Everything that is wrong with a configuration.
#[derive(Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used")?;
        for Problem { origin, message } in &self.0 {
            write!(f, "\n  {origin}: {message}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl Problems {
    /// What is wrong, one line a problem, without the heading.
    pub fn reason(&self) -> String {
        let lines = self.0.iter().map(|Problem { origin, message }| format!("{origin}: {message}"));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// A setting reads, but what it names cannot be used.
    fn of(setting: &str, why: impl fmt::Display) -> Self {
        Self(vec![Problem { origin: Origin::Setting(setting.to_owned()), message: why.to_string() }])
    }
}

/// Reads the configuration: built in, then `file` (or [`FILE`] if it is there), then the environment.
///
/// # Errors
/// Every unknown key, wrong kind and unusable value at once, each with where it is.
pub fn load(surroundings: &Surroundings, file: Option<&Path>) -> Result<Loaded, Problems> {
    let mut layers = Layers::built_in();
    let usual = surroundings.folder.join(FILE);
    let path = file.map(Path::to_owned).or_else(|| usual.is_file().then_some(usual));
    if let Some(path) = path {
        match read_bounded(&path) {
            Ok(text) => layers.file(&path, &text),
            Err(message) => layers.refuse(Origin::File { path, line: 1 }, message),
        }
    }
    layers.variables(surroundings.variables());
    let config = read(&mut layers);
    match config {
        Some(config) if layers.problems.is_empty() => Ok(Loaded { config, layers }),
        _ => {
            layers.problems.sort_by(|a, b| a.origin.cmp(&b.origin));
            Err(Problems(layers.problems))
        }
    }
}

/// Reads every section, so that all problems are told at once.
fn read(layers: &mut Layers) -> Option<Config> {
    let http = section(layers, "http");
    let auth = section(layers, "auth");
    let database = section(layers, "database");
    let jobs = section(layers, "jobs");
    let log = section(layers, "log");
    let telemetry = section(layers, "telemetry");
    let intake = section(layers, "intake");
    let observe = section(layers, "observe");
    let cluster = section(layers, "cluster");
    let organisation = section(layers, "organisation");
    let mail = section(layers, "mail");
    Some(Config {
        http: http?,
        auth: auth?,
        database: database?,
        jobs: jobs?,
        log: log?,
        telemetry: telemetry?,
        intake: intake?,
        observe: observe?,
        cluster: cluster?,
        organisation: organisation?,
        mail: mail?,
    })
}

/// Reads one section. If it does not read, every value that somebody set is tried alone over the built-in ones, to
/// name the one that is wrong.
fn section<T: DeserializeOwned>(layers: &mut Layers, name: &str) -> Option<T> {
    let whole = match layers.table(name).try_into::<T>() {
        Ok(section) => return Some(section),
        Err(error) => error,
    };
    let plain = Layers::built_in().table(name);
    let mut wrong = Vec::new();
    for (key, setting) in layers.set_in(name) {
        let mut alone = plain.clone();
        alone.insert(key.clone(), setting.value.clone());
        if let Err(error) = alone.try_into::<T>() {
            let message = format!("{name}.{key}: {}", error.message().trim());
            wrong.push(Problem { origin: setting.origin.clone(), message });
        }
    }
    if wrong.is_empty() {
        layers.refuse(Origin::BuiltIn, format!("{name}: {}", whole.message().trim()));
    }
    layers.problems.extend(wrong);
    None
}

/// Reads a small text file.
///
/// # Errors
/// Why not, for a person.
pub(crate) fn read_bounded(path: &Path) -> Result<String, String> {
    use std::io::Read;
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|error| format!("cannot be read: {error}"))?;
    let read = file.take(FILE_MAX + 1).read_to_string(&mut text);
    let length = read.map_err(|error| format!("cannot be read: {error}"))?;
    if length as u64 > FILE_MAX {
        return Err(format!("is longer than {FILE_MAX} bytes"));
    }
    Ok(text)
}

/// The URL that the file `file` holds; `None` if no file is named.
fn from_file(setting: &str, file: &str) -> Result<Option<SecretUrl>, Problems> {
    if file.is_empty() {
        return Ok(None);
    }
    let text = read_bounded(Path::new(file)).map_err(|e| Problems::of(setting, format!("{file}: {e}")))?;
    Ok(Some(text.trim().to_owned().into()))
}

/// Reads an empty string as nothing.
fn optional<'de, D, T>(d: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: std::str::FromStr<Err: fmt::Display>,
{
    let text = <String as serde::Deserialize>::deserialize(d)?;
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(serde::de::Error::custom) }
}

/// Writes nothing as an empty string, as [`optional`] reads it.
#[expect(clippy::ref_option, reason = "serde's `serialize_with` passes a reference")]
fn or_empty<S: serde::Serializer, T: fmt::Display>(value: &Option<T>, s: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => s.collect_str(value),
        None => s.serialize_str(""),
    }
}
