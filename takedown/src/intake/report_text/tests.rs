use entities::Role;
use proptest::prelude::*;

use super::*;

fn values(text: &str) -> Vec<String> {
    let entries = read(text, "", &Context::default());
    let all = entries
        .iter()
        .filter_map(|e| e.parsed.as_ref().ok())
        .flat_map(|p| p.sightings.iter().map(|(n, _)| n.value.clone()));
    all.collect()
}

fn reason(text: &str, line: usize) -> String {
    read(text, "", &Context::default())[line - 1].parsed.clone().expect_err("refused")
}

#[test]
fn joins_what_was_wrapped() {
    for (text, expected) in [
        ("- hxxps[:]//evil[.]com/?a=\n  V0hl1BTA5JD\n", "https://evil.com/?a=V0hl1BTA5JD"),
        ("- x('hxxps[:]//\n  a.evil[.]com/b.ps1'))\n", "https://a.evil.com/b.ps1"),
        ("- hxxp://evil[.]com/gate?a=1&\n  b=2&\n  c=3\n", "http://evil.com/gate?a=1&b=2&c=3"),
        ("see hxxp://evil[.]\n  com/x\n", "http://evil.com/x"),
        (
            "- hxxp://evil[.]com/a-very-long-path-that-runs-to-the-edge-of-the-page/and\n    /more.php\n",
            "http://evil.com/a-very-long-path-that-runs-to-the-edge-of-the-page/and/more.php",
        ),
    ] {
        assert_eq!(values(text), [expected], "{text}");
        assert_eq!(reason(text, 2), "continues the line above");
    }
    // These are two.
    assert_eq!(values("- hxxp://evil[.]com/\n  evil[.]net\n"), ["http://evil.com/", "evil.net"]);
    assert_eq!(values("- hxxp://evil[.]com/a\n- b=2\n"), ["http://evil.com/a"]);
}

#[test]
fn knows_styles_and_punctuation() {
    for (text, expected) in [
        ("the C2 evil[.]com, then (b.evil[.]net).", vec!["evil.com", "b.evil.net"]),
        (
            "\"hxxps[:]//evil[.]com/a\" and hxxp://8.8.4[.]4:81/x;",
            vec!["https://evil.com/a", "http://8.8.4.4:81/x"],
        ),
        ("| evil(dot)com | 8.8.4[.]4 |", vec!["evil.com", "8.8.4.4"]),
        ("evil [.] com", vec!["evil.com"]),
        ("evil[.]com's panel", vec!["evil.com"]),
        ("a[.]com,b[.]net;c[.]org", vec!["a.com", "b.net", "c.org"]),
        ("8.8.4[.]4:443 - TCP traffic", vec!["8.8.4.4:443"]),
        ("\\\\8.8.4[.]4@80\\share\\a.msi", vec!["8.8.4.4"]),
        ("hxxp://evil[.]com/a.php?id=[random string]", vec!["http://evil.com/a.php?id="]),
        (
            "SHA256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            vec!["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
        ),
    ] {
        assert_eq!(values(text), expected, "{text}");
    }
}

#[test]
fn leaves_alone_what_only_looks_like_an_indicator() {
    let report = "REFERENCES:\n- https://x.com/a/status/1\nNOTES:\n- The lure mimics remove.bg, says https://vendor.com/blog\n\
        - run C:\\Users\\a\\evil.com and setup.exe.config, version 1.2.3.4\n- mail from a@evil.com\n\
        - $w=New-Object System.Net.WebClient; document.location\n- https://[random].[apex]/x\nC2:\n- evil[.]com\n";
    assert_eq!(values(report), ["evil.com"]);
    assert!(reason(report, 2).contains("report itself"));
    assert!(reason(report, 6).contains("mail"));
    // A file's ending can be a top-level domain too.
    let kit = "- kit[.]zip (~6.7 MB)\n- hxxp://evil[.]com/other[.]zip\n- other[.]zip\n";
    assert_eq!(values(kit), ["http://evil.com/other.zip"]);
}

#[test]
fn a_bare_name_counts_where_the_report_says_so() {
    assert_eq!(
        values("C2 TRAFFIC:\n\n- evil.shop  <-- HTTPS C2 traffic\n- hxxp://evil[.]com/\n"),
        ["evil.shop", "http://evil.com/"]
    );
    assert_eq!(
        values(
            "TRAFFIC:\n- 8.8.4.4 port 1775 - evil.xyz:1775 - GET / HTTP/1.1\n- DNS query for evil2.xyz (no answer)\n"
        ),
        ["8.8.4.4", "evil.xyz:1775", "evil2.xyz"]
    );
    assert_eq!(
        values("Received: from mail.evil.site (mail.evil.site [8.8.4.4])"),
        ["mail.evil.site", "8.8.4.4"]
    );
    assert_eq!(values("FILES:\n- File name: review.one\n"), Vec::<String>::new());
}

#[test]
fn headings_remarks_and_rows_tell_more() {
    let text = "2025-05-13 (TUESDAY): VIDAR STEALER\n\nPAYLOAD URLS:\n- hxxp://evil[.]com/a\n\nLUMMA STEALER C2:\n- evil[.]net\n\n\
        2025-05-13 20:18:30 UTC  8.8.4[.]4   443  evil[.]org   Client Hello\n";
    let entries = read(text, "", &Context::default());
    let claim = |line: usize| entries[line - 1].parsed.as_ref().expect("accepted").sightings[0].1.clone();
    assert_eq!((claim(4).role, claim(4).family.as_deref()), (Some(Role::Payload), Some("VIDAR STEALER")));
    assert_eq!((claim(7).role, claim(7).family.as_deref()), (Some(Role::C2), Some("LUMMA STEALER")));
    assert_eq!(claim(4).seen_at.map(|t| t.to_string()).as_deref(), Some("2025-05-13T00:00:00Z"));
    let row = entries[8].parsed.as_ref().expect("accepted");
    let link = row.links.iter().find(|l| l.kind == LinkKind::ResolvesTo).expect("a link");
    assert_eq!((link.from.value.as_str(), link.to.value.as_str()), ("evil.org", "8.8.4.4"));
    assert_eq!(link.seen.map(|(a, _)| a.to_string()).as_deref(), Some("2025-05-13T20:18:30Z"));
    let sentence = read("- The name evil[.]com equates to 8.8.4[.]4.", "", &Context::default());
    let links = &sentence[0].parsed.as_ref().expect("accepted").links;
    assert!(links.iter().all(|l| l.kind != LinkKind::ResolvesTo));
}

proptest! {
    #[test]
    fn every_line_gets_an_entry_whatever_it_is(
        text in "\\PC{0,60}",
        words in prop::collection::vec("hxxps?|\\[:\\]//|://|\\[\\.\\]|\\[|\\]|\\(|evil|com|8\\.8\\.4\\[\\.\\]4|:443|\n  |\n- | |,|\\\\|/a\\?b=|'|\"|C2:|~6|é|\u{3002}", 0..40),
    ) {
        for text in [text, words.concat(), words.join(" ")] {
            let entries = read(&text, &text, &Context::default());
            prop_assert_eq!(entries.len(), text.lines().count());
            let _ = looks_like(&text);
        }
    }
}
