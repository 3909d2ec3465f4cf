//! The commands on a synthetic internet, each its own process as an operator runs them.
#![expect(clippy::expect_used, reason = "a test")]

mod lockstep;

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
};

use lockstep::Lockstep;
use serde_json::Value;

struct Range(Child);

impl Drop for Range {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_the_range_publishes_is_imported_and_observed_with_the_file_it_wrote() {
    let lockstep = Lockstep::new();
    let mut child =
        lockstep.command(&["range", "--json"]).stdout(Stdio::piped()).spawn().expect("the binary");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    let _range = Range(child);
    let told: Value = serde_json::from_str(&line).expect("JSON");
    let config = told["config"].as_str().expect("a file");
    let list = told["lists"][0].as_str().expect("a file");

    let with = |words: &[&str]| lockstep.run(&[&["--config", config, "--json"], words].concat());
    let doctor = with(&["doctor"]).exits(0).lines();
    let health = |name: &str| {
        let found = doctor.iter().filter(|check| check["check"] == name);
        found.map(|check| check["health"].as_str().expect("a health")).collect::<Vec<_>>()
    };
    assert_eq!(health("resolvers"), ["ok", "ok"], "{doctor:?}");
    assert_eq!(
        [health("registries"), health("routing"), health("benign lists"), health("mail")].concat(),
        ["ok", "ok", "ok", "ok"]
    );

    let loudly = |words: &[&str]| {
        let words = [&["--config", config, "--json"], words].concat();
        let run = lockstep.run_with(&words, "LOCKSTEP__LOG__LEVEL", "trace").exits(0);
        (run.json(), run.err)
    };
    let (imported, import_log) = loudly(&["import", "--tlp", "clear", "--pap", "green", list]);
    assert!(imported["summary"]["accepted"].as_u64().expect("a count") > 10, "{imported}");
    let (observed, observe_log) = loudly(&["observe", "--due", "--registration"]);
    assert!(import_log.contains("imported"), "{import_log}");
    says_no_indicator(&lockstep, list, &(import_log + &observe_log));
    assert!(observed["summary"]["changed"].as_u64().expect("a count") > 20, "{observed}");
    let grouped = with(&["cluster"]).exits(0).json();
    assert!(grouped["summary"]["clusters"].as_u64().expect("a count") > 0, "{grouped}");
    let again = with(&["observe", "--due"]).exits(0).json();
    assert_eq!(again["summary"]["observables"], 0, "nothing is due right after");
    assert_eq!(with(&["audit", "verify"]).exits(0).json()["ledger"], "intact");
}

/// Names in a log are defanged: who copies a line, or a program that makes links of what looks like one, must not
/// reach the actor.
fn says_no_indicator(lockstep: &Lockstep, list: &str, log: &str) {
    let list = std::fs::read_to_string(lockstep.path(list)).expect("a list");
    let names =
        list.lines().map(str::trim).filter(|line| line.contains('.') && !line.contains(['#', ' ', '[', '/']));
    let names: Vec<_> = names.collect();
    assert!(names.len() > 10 && !log.is_empty(), "there is something to find: {} names, {log}", names.len());
    let told = names.iter().find(|name| log.contains(*name));
    let line = told.and_then(|name| log.lines().find(|line| line.contains(*name)));
    assert_eq!(line, None);
}
