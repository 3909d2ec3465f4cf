//! Runs the built binary in a folder of its own.
#![allow(dead_code, clippy::allow_attributes, reason = "each test file uses a part")]

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// The binary in an empty folder, with nothing of the machine's environment but what is named.
pub struct Lockstep {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

/// What a run printed and how it ended.
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Lockstep {
    pub fn new() -> Self {
        let variables = [("USER", "tester"), ("LOCKSTEP__HTTP__LISTEN", "127.0.0.1:0")];
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            variables: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        }
    }

    /// The same binary in another empty folder, with one more variable.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut other = Self::new();
        other.variables.clone_from(&self.variables);
        other.variables.push((name.to_owned(), value.to_owned()));
        other
    }

    /// Sets a variable for the runs that follow.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    pub fn write(&self, file: &str, text: &str) {
        std::fs::write(self.path(file), text).expect("a file");
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
        let variables = self.variables.iter().map(|(name, value)| (name, value));
        command.args(words).current_dir(self.folder.path()).env_clear().envs(variables).stdin(Stdio::null());
        command
    }

    pub fn run(&self, words: &[&str]) -> Run {
        run(&mut self.command(words))
    }

    /// The same with one more variable, for this run alone.
    pub fn run_with(&self, words: &[&str], name: &str, value: &str) -> Run {
        run(self.command(words).env(name, value))
    }
}

fn run(command: &mut Command) -> Run {
    let output = command.output().expect("the binary");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Run { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

impl Run {
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\nstdout: {}\nstderr: {}", self.out, self.err);
        self
    }

    /// Every line as JSON.
    pub fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    /// The last line as JSON.
    pub fn json(&self) -> Value {
        self.lines().pop().expect("a line")
    }
}
