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
        [health("registries"), health("routing"), health("benign lists")].concat(),
        ["ok", "ok", "ok"]
    );

    let imported = with(&["import", "--tlp", "clear", list]).exits(0).json();
    assert!(imported["summary"]["accepted"].as_u64().expect("a count") > 10, "{imported}");
    let observed = with(&["observe", "--due"]).exits(0).json();
    assert!(observed["summary"]["changed"].as_u64().expect("a count") > 20, "{observed}");
    let grouped = with(&["cluster"]).exits(0).json();
    assert!(grouped["summary"]["clusters"].as_u64().expect("a count") > 0, "{grouped}");
    let again = with(&["observe", "--due"]).exits(0).json();
    assert_eq!(again["summary"]["observables"], 0, "nothing is due right after");
    assert_eq!(with(&["audit", "verify"]).exits(0).json()["ledger"], "intact");
}
