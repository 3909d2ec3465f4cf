//! The bootstrap registries, and bytes of any kind.

use proptest::prelude::*;
use serde_json::json;

use super::{
    super::{bootstrap::Registry, *},
    shared,
};

#[test]
fn bootstrap_finds_the_longest_match() {
    let mut bootstrap = Bootstrap::default();
    let services = json!({"services": [[[""], ["https://root.example"]], [["com"], ["https://com.example/v1/"]],
        [["Sub.Example.com"], ["http://a.example", "https://b.example"]]]});
    assert!(bootstrap.add(Registry::Dns, services.to_string().as_bytes()).unwrap().is_empty());
    let first = |urls: &[Url]| urls.first().map(|url| url.host_str().unwrap().to_owned());
    assert_eq!(first(bootstrap.domain("x.com")).as_deref(), Some("com.example"));
    assert_eq!(first(bootstrap.domain("x.sub.example.com.")).as_deref(), Some("a.example"));
    assert_eq!(first(bootstrap.domain("xsub.example.com")).as_deref(), Some("com.example"));
    assert_eq!(first(bootstrap.domain("x.net")).as_deref(), Some("root.example"));
    let ranges = json!({"services": [[["1-5", "9", "20-10", "x"], ["https://asn.example"]]]});
    assert_eq!(bootstrap.add(Registry::Asn, ranges.to_string().as_bytes()).unwrap().len(), 2);
    assert!(!bootstrap.autnum(5).is_empty() && !bootstrap.autnum(9).is_empty());
    assert!(
        bootstrap.autnum(6).is_empty() && bootstrap.autnum(0).is_empty() && bootstrap.autnum(15).is_empty()
    );
    let nets = json!({"services": [[["10.0.0.0/8", "10.0.0.0/99"], ["https://a.example"]], [["10.1.0.0/16"], ["https://b.example"]]]});
    assert_eq!(bootstrap.add(Registry::Ipv4, nets.to_string().as_bytes()).unwrap().len(), 1);
    assert_eq!(first(bootstrap.address("10.1.2.3".parse().unwrap())).as_deref(), Some("b.example"));
    assert_eq!(first(bootstrap.address("::ffff:10.2.2.3".parse().unwrap())).as_deref(), Some("a.example"));
}

#[test]
fn published_bootstrap_files_load_and_broken_ones_say_where() {
    let folder = shared("rdap/openrdap/bootstrap");
    if !folder.exists() {
        eprintln!("SKIPPED: {} is absent", folder.display());
        return;
    }
    let (bootstrap, passed_over) = Bootstrap::from_folder(&folder).unwrap();
    assert!(passed_over.is_empty(), "{passed_over:?}");
    assert_eq!(bootstrap.domain("registro.br")[0].as_str(), "https://rdap.registro.br/");
    assert_eq!(bootstrap.address("2001:4200::1".parse().unwrap())[0].host_str(), Some("rdap.afrinic.net"));
    assert!(!bootstrap.autnum(3333).is_empty());
    assert_eq!(bootstrap.tagged("XXX-ARIN")[0].host_str(), Some("rdap.arin.net"));
    let mut iana = Bootstrap::default();
    let full = std::fs::read(shared("iana/rdap-bootstrap/dns-2022-12-21.json")).unwrap();
    assert!(iana.add(Registry::Dns, &full).unwrap().is_empty());
    assert!(!iana.domain("evil.com").is_empty() && !iana.domain("evil.shop").is_empty());
    let broken = |file: &str| {
        let bytes = std::fs::read(shared("rdap/openrdap").join(file)).unwrap();
        Bootstrap::default().add(Registry::Dns, &bytes)
    };
    let error = broken("bootstrap_malformed/dns_syntax_error.json").unwrap_err().to_string();
    assert!(error.starts_with("dns.json: line "), "{error}");
    assert!(broken("bootstrap_http_error/404.html").is_err());
    let passed_over = broken("bootstrap_malformed/dns_bad_services.json").unwrap();
    assert_eq!(passed_over, ["dns.json: service 4: not a list of entries and a list of servers"]);
    // A bad escape in a path is no matter for a URL (WHATWG); the good server beside it is what is asked.
    assert!(broken("bootstrap_malformed/dns_bad_url.json").is_ok());
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for class in [Class::Domain, Class::IpNetwork, Class::Autnum, Class::Entity] {
            let _ = read(&bytes, class);
        }
        let _ = Bootstrap::default().add(Registry::Dns, &bytes);
    }
}
