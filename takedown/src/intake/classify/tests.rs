use super::*;

fn read(token: &str) -> Result<Named, String> {
    classify(token, &Context::default()).map(|(named, _)| named)
}

#[test]
fn each_kind_has_one_canonical_form() {
    use ObservableKind as K;
    let sha256 = "9fa904ec5d1f49ecbf7602491f00015a9fa904ec5d1f49ecbf7602491f00015a";
    for (token, kind, value) in [
        ("Evil.Example.", K::DomainName, "evil.example"),
        ("www[.]evil[.]example", K::HostName, "www.evil.example"),
        ("*.evil.example", K::DomainName, "evil.example"),
        (".evil.example", K::DomainName, "evil.example"),
        ("\"evil.example\",", K::DomainName, "evil.example"),
        ("гала-про.рф", K::DomainName, "xn----7sbak5bugi.xn--p1ai"),
        ("192.0.2.1", K::Ipv4Address, "192.0.2.1"),
        ("2001:DB8::0:1", K::Ipv6Address, "2001:db8::1"),
        ("[2001:db8::1]", K::Ipv6Address, "2001:db8::1"),
        ("192.0.2.1:443", K::Endpoint, "192.0.2.1:443"),
        ("[2001:db8::1]:443", K::Endpoint, "[2001:db8::1]:443"),
        ("Evil.example:8443", K::Endpoint, "evil.example:8443"),
        ("tcp://evil.example:8443", K::Endpoint, "evil.example:8443"),
        ("192.0.2.1:443/tcp", K::Endpoint, "192.0.2.1:443"),
        ("192.0.2.7/24", K::Prefix, "192.0.2.0/24"),
        ("2001:db8::1/32", K::Prefix, "2001:db8::/32"),
        ("HTTP://Evil.Example", K::Url, "http://evil.example/"),
        ("http://evil.example:80/A?b=%20C#d", K::Url, "http://evil.example/A?b=%20C"),
        ("https://evil.example:8443/a/../b", K::Url, "https://evil.example:8443/a/../b"),
        ("http://user:pw@evil.example/", K::Url, "http://evil.example/"),
        ("http://evil.example?x=1", K::Url, "http://evil.example/?x=1"),
        ("hxxp://[2001:DB8::1]/x", K::Url, "http://[2001:db8::1]/x"),
        ("evil.example/gate.php", K::Url, "http://evil.example/gate.php"),
        ("192.0.2.1/gate.php", K::Url, "http://192.0.2.1/gate.php"),
        ("192.0.2.1:8080/24", K::Url, "http://192.0.2.1:8080/24"),
        ("http://пример.рф/x", K::Url, "http://xn--e1afmkfd.xn--p1ai/x"),
        ("as64496", K::AutonomousSystem, "AS64496"),
        ("ASN 64496", K::AutonomousSystem, "AS64496"),
        ("ACC39A1FDFCECAE66662397C3D8E49D2", K::FileHash, "md5:acc39a1fdfcecae66662397c3d8e49d2"),
        (
            "SHA-1: 58bdeed8ab97eca14e68259c9762fb34bb65196c",
            K::FileHash,
            "sha1:58bdeed8ab97eca14e68259c9762fb34bb65196c",
        ),
        (sha256, K::FileHash, &format!("sha256:{sha256}")),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", K::Wallet, "btc:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ] {
        let named = read(token).unwrap_or_else(|why| panic!("{token}: {why}"));
        assert_eq!((named.kind, named.value.as_str()), (kind, value), "{token}");
        // The canonical form of a canonical form is itself, and its harmless form reads back.
        let harmless = super::super::refang::defang(&named.value);
        let again = if kind == K::Wallet {
            named.clone()
        } else {
            read(&harmless).unwrap_or_else(|why| panic!("{harmless}: {why}"))
        };
        assert_eq!(again, named, "{harmless}");
    }
}

#[test]
fn what_is_no_indicator_gets_a_reason() {
    for (token, reason) in [
        ("", "blank"),
        ("10.0.0.1:443", "a private address, not on the public internet"),
        ("http://127.0.0.1/", "a loopback address, not on the public internet"),
        ("192.0.2.01", "leading zeros in an IPv4 address: some tools read them as octal; write it without"),
        ("2.0.31.4", ""),
        ("2.0.314.4", "a number over 255: not an IPv4 address; a version number?"),
        ("setup.exe.config", "`config` is not a top-level domain: looks like a file name"),
        ("http://evil/", "`evil` is a single word, not a name"),
        ("http:///x", "a URL without a host"),
        ("/cvdfnaFJBmC1/clip.dll", "a path without a host"),
        ("and/or", "a path, not a URL: no host name before the first slash"),
        ("javascript://evil.example", "`javascript` is not the scheme of a network address"),
        ("evil.example:0", "`0` is not a port (1–65535)"),
        ("evil.example:99999", "`99999` is not a port (1–65535)"),
        ("info@evil.example", "a mail address, which is no indicator here: give its domain if that is meant"),
        ("stealer", "`stealer` is not an indicator: no dot, slash or colon in it"),
        ("some words here", "words, not an indicator"),
        ("http://evil.example/a b", "a URL has no spaces: encode them as %20, or give one URL a line"),
        ("abcdef0123456789abcdef", "22 hex digits: not the length of an MD5, SHA-1, SHA-256 or SHA-512"),
        ("fe80::1", "a link-local address, not on the public internet"),
        ("x:y:z", "`x[:]y[:]z` is not an indicator: too many colons"),
        ("12:30", "`12:30` is not an indicator: no host before the colon"),
    ] {
        match read(token) {
            Ok(_) => assert_eq!(reason, "", "{token} was taken"),
            Err(why) => assert_eq!(why, reason, "{token}"),
        }
    }
    assert!(read(&format!("http://evil.example/{}", "a".repeat(5_000))).is_err());
}

#[test]
fn links_and_facts_follow_from_the_form() {
    let context = Context::default();
    let parsed = parsed("https://www.phish.vercel.app/x", Claim::default(), &context).expect("a URL");
    let kinds: Vec<_> =
        parsed.links.iter().map(|l| (l.from.value.as_str(), l.kind, l.to.value.as_str())).collect();
    assert_eq!(
        kinds,
        [
            ("https://www.phish.vercel.app/x", LinkKind::HostedOn, "www.phish.vercel.app"),
            ("www.phish.vercel.app", LinkKind::BelowDomain, "phish.vercel.app"),
        ]
    );
    assert_eq!(parsed.facts.len(), 1);
    assert_eq!(
        (parsed.facts[0].kind, parsed.facts[0].detail.as_str()),
        (FactKind::PrivateSuffix, "vercel.app")
    );
    assert_eq!(parsed.sightings[0].0.registrable.as_deref(), Some("phish.vercel.app"));
}

#[test]
fn a_dead_drop_is_a_url_and_an_account() {
    let context = Context::default();
    for token in ["https://t.me/Evil_Drop", "t.me/Evil_Drop"] {
        let parsed = parsed(token, Claim::default(), &context).expect("a dead drop");
        let sighted: Vec<_> = parsed.sightings.iter().map(|(n, _)| (n.kind, n.value.as_str())).collect();
        assert_eq!(sighted[1], (ObservableKind::Account, "telegram:evil_drop"));
        assert!(
            parsed.links.iter().any(|l| l.kind == LinkKind::HostedOn && l.to.kind == ObservableKind::Account)
        );
    }
}

#[test]
fn a_mixed_name_is_flagged_at_its_domain() {
    let parsed = parsed("http://login.pаypal.com/", Claim::default(), &Context::default()).expect("a URL");
    assert_eq!(parsed.facts[0].kind, FactKind::MixedScript);
    let below = parsed.links.iter().find(|l| l.kind == LinkKind::BelowDomain).expect("a link");
    assert_eq!(below.to.display.as_deref(), Some("pаypal.com"));
}

#[test]
fn fields_that_name_their_kind() {
    let context = Context::default();
    let of = |kind, text| of_kind(kind, text, &context).map(|n| n.value);
    assert_eq!(
        of(ObservableKind::NameServer, "Kate.NS.Cloudflare.com.").as_deref(),
        Ok("kate.ns.cloudflare.com")
    );
    assert_eq!(of(ObservableKind::Registrar, "146").as_deref(), Ok("iana:146"));
    assert_eq!(of(ObservableKind::Registrar, "COSMOTOWN,  INC.").as_deref(), Ok("name:cosmotown, inc."));
    assert_eq!(of(ObservableKind::Registry, "Com").as_deref(), Ok("com"));
    assert_eq!(of(ObservableKind::AutonomousSystem, "13335").as_deref(), Ok("AS13335"));
    let print = "20:95:14:0F:99:A6:D1:EA:2E:8E:48:75:89:0C:07:79:98:D5:F1:03";
    assert_eq!(
        of(ObservableKind::Certificate, print).as_deref(),
        Ok("2095140f99a6d1ea2e8e4875890c077998d5f103")
    );
    let why = of(ObservableKind::Ipv4Address, "evil.example").expect_err("a name");
    assert_eq!(why, "a ipv4 address is expected, this is a domain name");
}

proptest::proptest! {
    #[test]
    fn no_token_panics_and_canonical_forms_are_stable(token in "\\PC{0,60}|[a-z0-9.:/\\[\\]@?#xn*-]{0,40}|.{0,30}") {
        let context = Context::default();
        if let Ok((named, _)) = classify(&token, &context)
            && !matches!(named.kind, ObservableKind::Wallet | ObservableKind::Account)
        {
            let again = classify(&named.value, &context).map(|(n, _)| n);
            proptest::prop_assert_eq!(again.as_ref(), Ok(&named));
            let harmless = super::super::refang::defang(&named.value);
            let again = classify(&harmless, &context).map(|(n, _)| n);
            proptest::prop_assert_eq!(again.as_ref(), Ok(&named), "{}", harmless);
        }
    }
}
