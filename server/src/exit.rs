//! How a command ends: the exit codes and what is printed with them.

use std::{io, process::ExitCode};

use serde_json::json;
use takedown::error::Error;

use crate::config::Problems;

/// The exit codes, for `--help`.
pub const HELP: &str = "Exit codes:
  0  done; lines that an import refused are told, they are no failure
  1  failed: the reason is on standard error
  2  the words, the configuration or an argument cannot be used
  3  partly done: some of several things failed
  4  refused: the actor may not do this";

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// Failed.
    Failed,
    /// Words, configuration or an argument that cannot be used.
    Unusable,
    /// Some of several things failed.
    Partly,
    /// Refused by access.
    Refused,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl Exit {
    /// The number that the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Unusable => 2,
            Self::Partly => 3,
            Self::Refused => 4,
        }
    }
}

/// Says on standard error why a command failed, and how it ends. A reader that closed the pipe has seen enough:
/// that is no failure.
pub fn failed(error: &anyhow::Error, json: bool) -> Exit {
    let (exit, code) = classify(error);
    if exit == Exit::Done {
        return exit;
    }
    if json {
        eprintln!("{}", json!({ "error": { "code": code, "message": chain(error) } }));
    } else {
        eprintln!("lockstep: {}", crate::output::plain(&chain(error)));
    }
    exit
}

fn classify(error: &anyhow::Error) -> (Exit, &'static str) {
    for cause in error.chain() {
        if let Some(error) = cause.downcast_ref::<Error>() {
            let exit = match error {
                Error::Unauthenticated | Error::Forbidden { .. } => Exit::Refused,
                Error::Invalid { .. } => Exit::Unusable,
                Error::NotFound { .. }
                | Error::Conflict { .. }
                | Error::Stale
                | Error::Unavailable { .. }
                | Error::Internal(_) => Exit::Failed,
            };
            return (exit, error.code());
        }
        if cause.is::<Problems>() {
            return (Exit::Unusable, "CONFIGURATION");
        }
        if cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe) {
            return (Exit::Done, "");
        }
    }
    (Exit::Failed, "FAILED")
}

/// The error and its causes on one line, none said twice. Here the operator reads, so causes of internal errors
/// are shown.
fn chain(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| match () {
        () if said.is_empty() => cause,
        () if said.ends_with(&cause) => said,
        () => format!("{said}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn what_failed_decides_the_code_through_any_context() {
        let exit = |error: Error| classify(&Err::<(), _>(error).context("doing it").expect_err("an error")).0;
        assert_eq!(exit(Error::Unauthenticated), Exit::Refused);
        assert_eq!(exit(Error::invalid("role", "unknown")), Exit::Unusable);
        assert_eq!(exit(Error::not_found("token", "tok_1")), Exit::Failed);
        assert_eq!(classify(&Problems(Vec::new()).into()).0, Exit::Unusable);
        assert_eq!(classify(&io::Error::from(io::ErrorKind::BrokenPipe).into()).0, Exit::Done);
        assert_eq!(classify(&anyhow::anyhow!("anything")).0, Exit::Failed);
    }

    #[test]
    fn causes_are_told_once() {
        let error = anyhow::Error::from(Error::internal("disk full")).context("storing");
        assert_eq!(chain(&error), "storing: internal error: disk full");
    }
}
