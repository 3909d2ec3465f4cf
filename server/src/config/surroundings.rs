//! What a process finds around it: the environment's variables and the working directory, read once at the start.

use std::path::PathBuf;

/// The environment of the process, as an argument.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    variables: Vec<(String, String)>,
    /// The working directory.
    pub folder: PathBuf,
}

impl Surroundings {
    /// The process's own. Variables that are not Unicode are none of ours.
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self { variables: std::env::vars_os().filter_map(text).collect(), folder: PathBuf::new() }
    }

    /// Given ones, for tests and rehearsals.
    pub fn new(folder: impl Into<PathBuf>, variables: &[(&str, &str)]) -> Self {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self { variables: variables.iter().map(own).collect(), folder: folder.into() }
    }

    /// The variables.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The login name of who started the process, for the ledger.
    pub fn login(&self) -> Option<&str> {
        let named = |wanted| self.variables().find(|(name, value)| *name == wanted && !value.is_empty());
        named("USER").or_else(|| named("LOGNAME")).map(|(_, value)| value)
    }
}
