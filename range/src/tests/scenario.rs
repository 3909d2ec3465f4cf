use crate::{SMALL, Scenario, ScenarioError};

#[test]
fn shipped_scenarios_are_good() {
    let lumma = Scenario::lumma().unwrap();
    let main: usize = lumma.families[0].campaigns.iter().map(|c| c.domains).sum();
    assert_eq!(main, 2_300);
    let small = Scenario::small().unwrap();
    assert_eq!(small.families.iter().flat_map(|f| &f.campaigns).map(|c| c.domains).sum::<usize>(), 60);
}

/// What is changed in the small scenario, and what the error must name.
#[test]
fn errors_name_file_and_line_or_field() {
    let cases = [
        ("seed: 7", "seed: many", "small.yaml:3:", "seed"),
        ("seed: 7", "sead: 7", "small.yaml:3:", "sead"),
        ("start: 2025-05-23", "start: 2025-05-43", "small.yaml:4:", "2025-05-43"),
        ("iana_id: 9990", "iana_id: 146", "registrars[0].iana_id", "9990 or more"),
        ("asn: 64500", "asn: 13335", "networks[0].asn", "64496-64511"),
        ("198.18.0.0/18", "104.21.0.0/18", "networks[0].prefixes", "104.21.0.0/18"),
        ("top.example, live", "top.com, live", "suffixes[1]", ".example"),
        (
            "{Meridian Names: 70, Gingko",
            "{Meridian Nomes: 70, Gingko",
            "`storm`.registrars",
            "Meridian Nomes",
        ),
        ("[10, 7]", "[40, 7]", "`storm`.registered.largest", "too few"),
        ("days: 12,", "days: 120,", "`storm`.registered.days", "fit between"),
        ("to: 2025-05-22", "to: 2025-05-23", "`storm`.registered.to", "before `start`"),
        ("mx: 0.2", "mx: 20", "`storm`.mx", "between 0 and 1"),
        ("minutes: [30, 240]", "minutes: [300, 240]", "registrars[0].desk", "longest"),
        ("name: garden", "name: storm", "campaign `storm`", "twice"),
        ("listed_by_mistake: 1", "listed_by_mistake: 9", "listed_by_mistake", "popular"),
        ("zone: owl-dns.net.example", "zone: owl.dns.net.example", "name_servers[1].zone", "one label"),
    ];
    for (from, to, place, word) in cases {
        assert!(SMALL.contains(from), "`{from}` is not in the scenario");
        let error = Scenario::parse(&SMALL.replacen(from, to, 1), "small.yaml").unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("small.yaml") && text.contains(place), "{to}: {text}");
        assert!(text.contains(word), "{to}: {text}");
    }
}

#[test]
fn text_that_is_no_scenario_is_refused() {
    for text in ["", "[]", "a: [", "\0", "&a [*a, *a]"] {
        assert!(matches!(Scenario::parse(text, "x"), Err(ScenarioError::Syntax { .. })), "{text:?}");
    }
}
