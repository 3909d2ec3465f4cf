//! Finding the real services, and saying so when one is missing.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};

/// The address of a PostgreSQL in which tests may create and drop databases; set by `scripts/with-services`.
pub const POSTGRES: &str = "LOCKSTEP_TEST_POSTGRES";

/// `1` makes a missing service a failure instead of something skipped.
pub const REQUIRED: &str = "LOCKSTEP_REQUIRE_SERVICES";

/// A variable of the environment, unless it is unset or empty.
#[expect(clippy::disallowed_methods, reason = "how the test run is told about its services")]
pub fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The path of an installed program; daemons outside an ordinary user's `PATH` are found too.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = variable("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
}

/// Says loudly that something is skipped.
///
/// # Errors
/// The run demands every service ([`REQUIRED`] is `1`).
pub fn skip(what: &str) -> Result<()> {
    if variable(REQUIRED).is_some_and(|value| value == "1") {
        bail!("{what}: but {REQUIRED}=1 demands it; run `scripts/setup --for test`");
    }
    eprintln!("==== SKIPPED: {what}. `scripts/setup --for test` installs what is missing. ====");
    Ok(())
}

/// The end of a service's log, for the message of a failure.
pub(crate) fn tail(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let start = text.len().saturating_sub(2000);
    String::from_utf8_lossy(&text[start..]).into_owned()
}
