use super::*;

fn named(kind: ObservableKind, value: &str, registrable: Option<&str>) -> Named {
    Named { kind, value: value.to_owned(), display: None, registrable: registrable.map(str::to_owned) }
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    dir
}

#[test]
fn each_way_of_matching() {
    let dir = folder(&[
        (
            "lists/tops/list.json",
            r#"{"name":"Top 1000 sites","type":"string","list":["big.example","Tiny.Example"]}"#,
        ),
        ("lists/dyn/list.json", r#"{"name":"Dynamic DNS","type":"hostname","list":[".dyn.example"]}"#),
        (
            "lists/cf/list.json",
            r#"{"name":"Cloudflare ranges","type":"cidr","list":["192.0.2.0/24","2001:db8::/32","198.51.100.7"]}"#,
        ),
        ("lists/sub/list.json", r#"{"name":"Parts","type":"substring","list":["sandbox."]}"#),
        (
            "lists/re/list.json",
            r#"{"name":"Patterns","type":"regex","list":["/^ns[0-9]+\\.park\\.example$/i"]}"#,
        ),
        ("lists/allow.txt", "# ours\nours.example # all below\n203.0.113.0/24\n"),
    ]);
    let mut benign = Benign::default();
    benign.load(dir.path()).expect("lists");
    assert_eq!(benign.len(), 6);
    use ObservableKind as K;
    for (what, lists) in [
        (named(K::DomainName, "big.example", Some("big.example")), &["Top 1000 sites"][..]),
        (named(K::HostName, "www.big.example", Some("big.example")), &["Top 1000 sites"]),
        (named(K::DomainName, "tiny.example", None), &["Top 1000 sites"]),
        (named(K::DomainName, "x.dyn.example", None), &["Dynamic DNS"]),
        (named(K::DomainName, "xdyn.example", None), &[]),
        (named(K::Url, "http://a.dyn.example:8080/x", None), &["Dynamic DNS"]),
        (named(K::Ipv4Address, "192.0.2.9", None), &["Cloudflare ranges"]),
        (named(K::Ipv4Address, "198.51.100.7", None), &["Cloudflare ranges"]),
        (named(K::Ipv4Address, "198.51.100.8", None), &[]),
        (named(K::Endpoint, "192.0.2.9:443", None), &["Cloudflare ranges"]),
        (named(K::Endpoint, "[2001:db8::9]:443", None), &["Cloudflare ranges"]),
        (named(K::Url, "http://[2001:db8::9]/", None), &["Cloudflare ranges"]),
        (named(K::Prefix, "192.0.2.128/25", None), &["Cloudflare ranges"]),
        (named(K::HostName, "a.sandbox.example", None), &["Parts"]),
        (named(K::NameServer, "ns1.park.example", None), &["Patterns"]),
        (named(K::HostName, "a.ours.example", None), &["allow"]),
        (named(K::Ipv4Address, "203.0.113.1", None), &["allow"]),
    ] {
        let got: Vec<&str> = benign.matches(&what).into_iter().map(|(list, _)| list).collect();
        assert_eq!(got, lists, "{what:?}");
    }
    assert_eq!(benign.kind_of("allow"), Some(BenignKind::Allowed));
    assert_eq!(benign.kind_of("Dynamic DNS"), Some(BenignKind::DynamicDns));
    let facts = benign.facts(&named(K::Ipv4Address, "192.0.2.9", None));
    assert_eq!((facts[0].kind, facts[0].detail.as_str()), (FactKind::Listed, "cdn: 192.0.2.0/24"));
}

#[test]
fn a_bad_list_is_named_with_its_field() {
    for (text, wanted) in [
        (
            r#"{"name":"x","type":"cidr","list":["192.0.2.0/24","nonsense"]}"#,
            "list[1]: `nonsense` is not an address or prefix",
        ),
        (r#"{"name":"x","type":"magic","list":["a"]}"#, "type: unknown type `magic`"),
        (r#"{"name":"x","type":"string","list":["a",7]}"#, "list[1]: a text is expected"),
        (r#"{"name":"x","type":"regex","list":["(a"]}"#, "list[0]: not a pattern"),
        (r#"{"name":"x","list":["(a"]}"#, "missing field `type`"),
        ("nonsense", "list: expected"),
    ] {
        let dir = folder(&[("bad/list.json", text)]);
        let error = Benign::default().load(dir.path()).expect_err("a bad list").to_string();
        assert!(error.contains("list.json: ") && error.contains(wanted), "{error}");
    }
    assert!(Benign::default().load(Path::new("/nonexistent")).is_err());
}

#[test]
fn the_published_lists_load_and_hit() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/misp-warninglists"));
    if !root.exists() {
        eprintln!("SKIPPED: {} is not there", root.display());
        return;
    }
    let mut benign = Benign::default();
    benign.load(root).expect("the published lists");
    assert!(benign.len() > 100);
    let on = |kind, value: &str| !benign.matches(&named(kind, value, None)).is_empty();
    assert!(on(ObservableKind::Ipv4Address, "172.67.178.210"), "Cloudflare");
    assert!(on(ObservableKind::HostName, "evil.duckdns.org"), "dynamic DNS");
    assert!(on(ObservableKind::Url, "https://bit.ly/abc"), "shortener");
    assert!(on(ObservableKind::FileHash, "md5:44d88612fea8a8f36de82e1278abb02f"), "EICAR");
    assert!(!on(ObservableKind::DomainName, "kyliansuperm92139124.sbs"));
}
