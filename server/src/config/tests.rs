use std::path::Path;

use super::*;

fn from(text: &str, variables: &[(&str, &str)]) -> Result<Loaded, String> {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(FILE), text).expect("a file");
    let loaded = load(&Surroundings::new(folder.path(), variables), None);
    loaded.map_err(|problems| problems.to_string().replace(&format!("{}/", folder.path().display()), ""))
}

fn refused(text: &str, variables: &[(&str, &str)]) -> String {
    from(text, variables).expect_err("to be refused")
}

#[test]
fn the_built_in_file_names_exactly_the_keys_that_there_are() {
    let loaded = load(&Surroundings::default(), Some(Path::new("/dev/null"))).expect("the built-in file");
    let typed = toml::Table::try_from(&loaded.config).expect("a table");
    let written: toml::Table = toml::from_str(DEFAULT).expect("the built-in file");
    assert_eq!(typed, written, "each value prints as the built-in file writes it");
}

#[test]
fn the_environment_goes_over_the_file_and_the_file_over_the_built_in() {
    let text = "[http]\nlisten = \"127.0.0.1:1\"\n[jobs]\nconcurrency = 9\n";
    let loaded =
        from(text, &[("LOCKSTEP__HTTP__LISTEN", "127.0.0.1:2"), ("LOCKSTEP_TEST", "x")]).expect("good");
    assert_eq!(loaded.config.http.listen.port(), 2);
    assert_eq!(loaded.config.jobs.concurrency.get(), 9);
    assert_eq!(loaded.layers.origin("http", "listen"), Origin::Variable("LOCKSTEP__HTTP__LISTEN".into()));
    assert!(loaded.layers.origin("jobs", "concurrency").to_string().ends_with("lockstep.toml:4"));
    assert_eq!(loaded.layers.origin("jobs", "lease"), Origin::BuiltIn);
}

#[test]
fn everything_that_is_wrong_is_told_at_once_with_where_and_what_was_meant() {
    let text = "[http]\nlisten = 8080\nbody_limt = \"1 MiB\"\n\n[htpp]\nx = 1\n\n[jobs]\nlease = \"soon\"\nconcurrency = 0\n";
    let variables = [
        ("LOCKSTEP__DATABASE__CONECTIONS", "4"),
        ("LOCKSTEP__DATABASE__CONNECTIONS", "many"),
        ("LOCKSTEP__LOG", "debug"),
        ("LOCKSTEP__LOG__FORMAT", "xml"),
    ];
    insta::assert_snapshot!(refused(text, &variables), @r"
    the configuration cannot be used
      lockstep.toml:2: http.listen: must be a string, not an integer
      lockstep.toml:3: there is no setting `http.body_limt`: did you mean `body_limit`?
      lockstep.toml:5: there is no section `htpp`: did you mean `http`?
      lockstep.toml:9: jobs.lease: `soon` is not a duration: write a number and ms, s, m, h or d, such as 20s
      lockstep.toml:10: jobs.concurrency: invalid value: integer `0`, expected a nonzero usize
      LOCKSTEP__DATABASE__CONECTIONS: there is no setting `database.conections`: did you mean `connections`?
      LOCKSTEP__DATABASE__CONNECTIONS: database.connections: `many` is not an integer
      LOCKSTEP__LOG: a setting's variable is named LOCKSTEP__SECTION__KEY
      LOCKSTEP__LOG__FORMAT: log.format: unknown variant `xml`, expected one of `auto`, `human`, `json`
    ");
}

#[test]
fn a_file_that_is_not_toml_is_refused_with_its_line() {
    insta::assert_snapshot!(refused("[http]\nlisten = \n", &[]), @r"
    the configuration cannot be used
      lockstep.toml:2: string values must be quoted, expected literal string
    ");
}

#[test]
fn a_named_file_must_be_there() {
    let problems =
        load(&Surroundings::default(), Some(Path::new("/nowhere/lockstep.toml"))).expect_err("refused");
    assert!(problems.to_string().contains("/nowhere/lockstep.toml:1: cannot be read"), "{problems}");
}

#[test]
fn the_effective_configuration_shows_origins_and_no_secret() {
    let variables = [("LOCKSTEP__DATABASE__URL", "postgres://ana:hunter2@db.example/lockstep")];
    let loaded = from("[log]\nlevel = \"debug\"\n", &variables).expect("good");
    let shown = loaded.to_toml().expect("TOML");
    let json = loaded.to_json().expect("JSON").to_string();
    assert!(
        !shown.contains("hunter2") && !json.contains("hunter2") && !format!("{loaded:?}").contains("hunter2")
    );
    let lines: Vec<_> = shown.lines().filter(|line| !line.ends_with("# built in")).collect();
    assert!(
        lines.contains(&r#"url = "postgres://ana:(redacted)@db.example/lockstep" # LOCKSTEP__DATABASE__URL"#)
    );
}

#[test]
fn a_url_can_come_from_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("url");
    std::fs::write(&file, "postgres://ana:hunter2@db.example/lockstep\n").expect("a file");
    let file = file.display().to_string();
    let loaded = from("", &[("LOCKSTEP__DATABASE__URL_FILE", &file)]).expect("good");
    let url = loaded.config.database.url().expect("a URL");
    assert_eq!(url.expose(), "postgres://ana:hunter2@db.example/lockstep");
}
