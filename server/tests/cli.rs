//! The built binary as an operator meets it: words in, exit code and output out.
#![expect(clippy::expect_used, reason = "a test")]

mod lockstep;

use lockstep::Lockstep;
use serde_json::Value;

#[test]
fn words_that_cannot_be_used_end_with_two() {
    let lockstep = Lockstep::new();
    lockstep.run(&["frobnicate"]).exits(2);
    lockstep.run(&[]).exits(2);
    lockstep.run(&["serve", "--roles", "cook"]).exits(2);
    lockstep.run(&["token", "create", "ana", "--role", "boss"]).exits(2);
    let help = lockstep.run(&["--help"]).exits(0).out;
    assert!(help.contains("Exit codes:") && help.contains("serve"), "{help}");
}

#[test]
fn a_wrong_configuration_ends_every_command_with_two_and_names_the_place() {
    let lockstep = Lockstep::new();
    lockstep.write("lockstep.toml", "[http]\nlisten = \"127.0.0.1:0\"\nbody_limt = \"1 MiB\"\n");
    for words in [["config"].as_slice(), &["serve"], &["migrate"], &["audit", "verify"]] {
        let told = lockstep.run(words).exits(2).err;
        assert!(told.contains("lockstep.toml:3: there is no setting `http.body_limt`"), "{told}");
        assert!(told.contains("did you mean `body_limit`?"), "{told}");
    }
    let error = lockstep.run(&["--json", "config"]).exits(2).err;
    let error: Value = serde_json::from_str(&error).expect("JSON");
    assert_eq!(error["error"]["code"], "CONFIGURATION");
    lockstep.run(&["doctor"]).exits(1);
}

#[test]
fn the_configuration_that_is_printed_can_be_used() {
    let lockstep = Lockstep::new();
    let printed = lockstep.run(&["config"]).exits(0).out;
    assert!(printed.contains("# LOCKSTEP__HTTP__LISTEN"), "{printed}");
    lockstep.write("other.toml", &printed);
    lockstep.run(&["--config", "other.toml", "config"]).exits(0);
    let json = lockstep.run(&["config", "--json"]).exits(0).json();
    assert_eq!(json["jobs"]["grace"]["value"], "20s");
    assert_eq!(json["jobs"]["grace"]["source"], "built in");
}

#[test]
fn migrate_makes_the_schema_once_and_says_what_it_has() {
    let lockstep = Lockstep::new();
    let made = lockstep.run(&["migrate", "--json"]).exits(0).json();
    assert!(made["applied"].as_array().is_some_and(|changes| changes.len() >= 20), "{made}");
    let made = lockstep.run(&["migrate", "--json"]).exits(0).json();
    assert_eq!(made["applied"], serde_json::json!([]));
    let status = lockstep.run(&["migrate", "--status", "--json"]).exits(0).json();
    assert!(status["changes"].as_array().expect("a list").iter().all(|change| change["applied"] == true));
    assert!(lockstep.run(&["migrate", "--status"]).exits(0).out.starts_with("applied  m2026"));
}

#[test]
fn a_database_that_may_not_be_made_is_told_with_what_to_do() {
    let lockstep = Lockstep::new();
    let url = "sqlite://elsewhere.sqlite";
    let told = lockstep.with("LOCKSTEP__DATABASE__URL", url).run(&["migrate"]).exits(2).err;
    assert!(told.contains("elsewhere.sqlite is not there: add ?mode=rwc"), "{told}");
}

#[test]
fn without_migrate_a_stale_schema_is_refused_with_what_to_do() {
    let lockstep = Lockstep::new();
    let told = lockstep.with("LOCKSTEP__DATABASE__MIGRATE", "false").run(&["import", "-"]).exits(1).err;
    assert!(told.contains("run `lockstep migrate`"), "{told}");
}

#[test]
fn a_folder_without_a_database_is_told_and_gets_none_from_who_only_reads() {
    use std::os::unix::fs::PermissionsExt;
    let lockstep = Lockstep::new();
    for words in [
        ["audit", "verify"].as_slice(),
        &["audit", "key"],
        &["user", "list"],
        &["jobs", "list"],
        &["token", "list"],
        &["operation", "list"],
        &["party", "list"],
        &["cluster"],
    ] {
        let told = lockstep.run(words).exits(1).err;
        assert!(told.contains("no database lockstep.sqlite") && told.contains("lockstep migrate"), "{told}");
        assert_eq!(std::fs::read_dir(lockstep.path("")).expect("a folder").count(), 0, "{words:?}");
    }
    lockstep.run(&["user", "bootstrap"]).exits(0);
    for file in std::fs::read_dir(lockstep.path("")).expect("a folder") {
        let file = file.expect("a file");
        let mode = file.metadata().expect("metadata").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}: whoever reads it reads everything", file.path().display());
    }
}

#[test]
fn tokens_are_made_listed_and_revoked_and_the_ledger_says_who() {
    let lockstep = Lockstep::new();
    let made = lockstep
        .run(&["token", "create", "ana", "--role", "analyst", "--as", "olga", "--json"])
        .exits(0)
        .json();
    let (id, secret) = (made["id"].as_str().expect("an id"), made["token"].as_str().expect("a token"));
    assert!(secret.starts_with("lks_") && id.starts_with("tok_"));
    let bka = ["token", "create", "bo", "--role", "liaison", "--agency", "bka", "--expires", "90d"];
    assert!(lockstep.run(&bka).exits(0).out.starts_with("lks_"));
    lockstep.run(&bka[..5]).exits(2);
    lockstep.run(&["token", "revoke", id]).exits(0);
    lockstep.run(&["token", "revoke", "tok_01jd0000000000000000000000"]).exits(1);
    lockstep.run(&["token", "revoke", "obs_01jd0000000000000000000000"]).exits(2);
    let listed = lockstep.run(&["token", "list", "--json"]).exits(0);
    assert!(!listed.out.contains(secret));
    let states: Vec<_> = listed.lines().iter().map(|row| row["state"].clone()).collect();
    assert_eq!(states, ["revoked", "valid"]);
    assert!(lockstep.run(&["token", "list"]).exits(0).out.contains("bka"));

    let tail = lockstep.run(&["audit", "tail", "--json"]).exits(0).lines();
    assert_eq!(tail.len(), 3);
    assert_eq!((&tail[0]["actor"], &tail[0]["verb"]), (&"olga".into(), &"token.created".into()));
    assert_eq!(lockstep.run(&["audit", "tail", "-n", "1", "--json"]).exits(0).lines().len(), 1);
    let chain = lockstep.run(&["audit", "verify", "--json"]).exits(0).json();
    assert_eq!((&chain["ledger"], &chain["events"]), (&"intact".into(), &3.into()));
    lockstep.run(&["--as", "system:verify", "token", "list"]).exits(2);
}

#[test]
fn the_queue_is_shown_and_an_unknown_job_is_told() {
    let lockstep = Lockstep::new();
    lockstep.run(&["migrate"]).exits(0);
    let listed = lockstep.run(&["jobs", "list", "--json"]).exits(0).json();
    assert_eq!(listed["summary"], serde_json::json!({ "alive": 0, "dead": 0 }));
    lockstep.run(&["jobs", "requeue", "job_01jd0000000000000000000000"]).exits(1);
}

#[test]
fn the_schema_is_printed_without_any_configuration() {
    let lockstep = Lockstep::new();
    lockstep.write("lockstep.toml", "broken");
    assert!(lockstep.run(&["sdl"]).exits(0).out.contains("type Query"));
}

#[test]
fn doctor_is_content_with_a_fresh_folder_and_makes_nothing() {
    let lockstep = Lockstep::new();
    let checks = lockstep.run(&["doctor", "--json"]).exits(0).lines();
    let health =
        |name: &str| checks.iter().find(|check| check["check"] == name).map(|check| check["health"].clone());
    assert_eq!(health("configuration"), Some("ok".into()));
    assert_eq!(health("clock"), Some("ok".into()));
    assert_eq!(health("database"), Some("warn".into()), "not there yet");
    assert_eq!(checks.last().expect("a summary")["summary"]["fail"], 0);
    assert!(!lockstep.path("lockstep.sqlite").exists());

    lockstep.run(&["migrate"]).exits(0);
    let text = lockstep.run(&["doctor"]).exits(0).out;
    assert!(text.contains("ok    schema         up to date"), "{text}");

    let deaf = lockstep.with("LOCKSTEP__OBSERVE__RESOLVERS", "127.0.0.1:1");
    let told = deaf.run(&["doctor", "--json"]).exits(1).lines();
    let resolver = told.iter().find(|check| check["check"] == "resolvers").expect("a check");
    assert_eq!(resolver["health"], "fail", "{resolver}");
    let nobody = lockstep.with("LOCKSTEP__OBSERVE__RDAP_BOOTSTRAP", "nowhere");
    let told = nobody.run(&["doctor"]).exits(1).out;
    assert!(told.contains("FAIL  registries") && told.contains("dns.json"), "{told}");
    let broken = deaf.with("LOCKSTEP__INTAKE__WARNINGLISTS", "nowhere");
    assert!(broken.run(&["doctor"]).exits(1).out.contains("FAIL  benign lists"));

    let nowhere = lockstep.with("LOCKSTEP__DATABASE__URL", "postgres://ana:hunter2@127.0.0.1:1/lockstep");
    let told = nowhere.run(&["doctor"]).exits(1);
    assert!(told.out.contains("FAIL  database") && told.out.contains("→"), "{}", told.out);
    assert!(!told.out.contains("hunter2") && !told.err.contains("hunter2"));
}

const LIST: &str = "evil[.]example.com\nhxxp://evil[.]example.net/gate\nevil.example.com\nnot an indicator\n";

#[test]
fn an_import_gives_every_line_a_verdict_and_the_last_line_sums_up() {
    let lockstep = Lockstep::new();
    lockstep.write("list.txt", LIST);
    let dry = lockstep.run(&["import", "list.txt", "--dry-run", "--json"]).exits(0);
    assert_eq!(dry.lines().len(), 5);
    assert_eq!(dry.json()["summary"]["accepted"], 2);
    let words = ["import", "list.txt", "--source", "a feed", "--family", "LummaC2"];
    let lines = lockstep.run(&[words.as_slice(), &["--json"]].concat()).exits(0).lines();
    let verdicts: Vec<_> = lines[..4].iter().map(|line| line["verdict"].clone()).collect();
    assert_eq!(verdicts, ["accepted", "accepted", "duplicate", "rejected"]);
    assert_eq!(lines[0]["read"], serde_json::json!(["evil.example.com"]));
    assert_eq!((&lines[3]["line"], &lines[3]["read"]), (&4.into(), &Value::Null));
    assert!(lines[3]["reason"].is_string());
    assert_eq!(
        (&lines[4]["summary"]["observables"], &lines[4]["summary"]["sightings"]),
        (&5.into(), &2.into()),
    );
    let told = lockstep.run(&["cluster", "--explain", "evil[.]example.com"]).exits(1).err;
    assert!(told.contains("no cluster with evil.example.com"), "{told}");
    let summary = &lines[4]["summary"];
    let counts = ["total", "accepted", "duplicate", "rejected", "failed"].map(|key| summary[key].clone());
    assert_eq!(counts, [4, 2, 1, 1, 0]);
    let text = lockstep.run(&words).exits(0).out;
    assert!(text.contains("4 lines = 0 accepted + 3 duplicate + 1 rejected"), "{text}");
    let chain = lockstep.run(&["audit", "verify", "--json"]).exits(0).json();
    assert_eq!(chain["events"], 1, "one import was new");
}

#[test]
fn an_import_reads_standard_input_and_tells_what_failed_of_several() {
    use std::io::Write;
    let lockstep = Lockstep::new();
    let mut command = lockstep.command(&["import", "-", "--json"]);
    let mut child = command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn();
    let child = child.as_mut().map_err(|e| e.to_string()).expect("the binary");
    child.stdin.take().expect("a pipe").write_all(LIST.as_bytes()).expect("written");
    assert!(child.wait().expect("an end").success());

    lockstep.write("list.txt", LIST);
    lockstep.write("old.xml", "<?xml version=\"1.0\"?><stix:STIX_Package/>");
    let partly = lockstep.run(&["import", "list.txt", "old.xml", "nowhere.txt", "--json"]).exits(3);
    assert_eq!(partly.json()["summary"]["failed"], 2);
    assert!(
        partly.err.contains("old.xml: input: STIX 1.x")
            && partly.err.contains("nowhere.txt: cannot be opened")
    );
    lockstep.run(&["import", "nowhere.txt"]).exits(1);
    lockstep.run(&["import", "old.xml"]).exits(2);
    lockstep.run(&["import"]).exits(2);
    lockstep.run(&["import", "list.txt", "--tlp", "purple"]).exits(2);
}

#[test]
fn observing_needs_a_resolver_and_names_that_are_known() {
    let lockstep = Lockstep::new();
    lockstep.run(&["migrate"]).exits(0);
    lockstep.run(&["observe"]).exits(2);
    lockstep.run(&["observe", "--due", "--all"]).exits(2);
    let told = lockstep.run(&["observe", "--due"]).exits(2).err;
    assert!(told.contains("observe.resolvers"), "{told}");
    let asked = lockstep.with("LOCKSTEP__OBSERVE__RESOLVERS", "127.0.0.1:1");
    asked.run(&["migrate"]).exits(0);
    assert_eq!(asked.run(&["observe", "--due", "--json"]).exits(0).json()["summary"]["observables"], 0);
    asked.run(&["observe", "evil.example.com"]).exits(1);
    asked.run(&["observe", "not an indicator"]).exits(2);
    // A resolver that is not there answers nothing, and its silence is no answer.
    asked.write("list.txt", LIST);
    asked.run(&["import", "list.txt", "--pap", "green"]).exits(0);
    let told = asked.run(&["observe", "evil[.]example.com", "--json"]).exits(1).json();
    let counts = ["observables", "answers", "changed"].map(|key| told["summary"][key].clone());
    assert_eq!(counts, [1, 0, 0]);
    assert!(told["summary"]["failed"].as_u64() > Some(0), "{told}");
}

#[test]
fn doctor_greets_the_mail_server_and_never_shows_its_password() {
    let health = |lockstep: &Lockstep, code| {
        let run = lockstep.run(&["doctor", "--json"]).exits(code);
        assert!(!run.out.contains("hunter2") && !run.err.contains("hunter2"));
        let check = run.lines().into_iter().find(|check| check["check"] == "mail").expect("a check");
        check["health"].as_str().expect("a health").to_owned()
    };
    let plain = Lockstep::new();
    assert_eq!(health(&plain, 0), "ok", "off is a dry run");
    let redirect = plain.with("LOCKSTEP__MAIL__DELIVERY", "redirect");
    assert_eq!(health(&redirect, 1), "fail", "to nobody");
    let redirect = redirect.with("LOCKSTEP__MAIL__REDIRECT_TO", "us@lab.example");
    let dead = redirect.with("LOCKSTEP__MAIL__SMTP", "smtp://ana:hunter2@127.0.0.1:1");
    assert_eq!(health(&dead, 1), "fail");
    assert!(!dead.run(&["config"]).exits(0).out.contains("hunter2"));

    let server = std::net::TcpListener::bind("127.0.0.1:0").expect("a socket");
    let url = format!("smtp://{}", server.local_addr().expect("an address"));
    std::thread::spawn(move || {
        use std::io::Write;
        for stream in server.incoming() {
            stream.expect("a connection").write_all(b"220 mail.lab.example ESMTP\r\n").expect("written");
        }
    });
    assert_eq!(health(&redirect.with("LOCKSTEP__MAIL__SMTP", &url), 0), "ok");
    assert_eq!(health(&plain.with("LOCKSTEP__MAIL__DELIVERY", "on"), 1), "fail", "nothing says who we are");
    redirect.with("LOCKSTEP__MAIL__DELIVERY", "post").run(&["serve"]).exits(2);
}
