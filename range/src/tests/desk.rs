use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::{MailClient, small};
use crate::desk::named;
use crate::internet::Internet;
use crate::{Domain, Range, Scenario, Suspension};

const MERIDIAN: &str = "abuse@meridian-names.net.example";
const SILENT: &str = "abuse@bulk-barn.net.example";

/// Malicious domains of the registrar with this abuse mailbox.
fn sponsored(range: &Range, mailbox: &str) -> Vec<String> {
    let index = range.scenario().registrars.iter().position(|r| r.abuse == mailbox).unwrap();
    let mine = |d: &&Domain| d.registrar == index && d.family().is_some();
    range.world().domains.iter().filter(mine).map(|d| d.name.clone()).collect()
}

fn held(range: &Range) -> Vec<String> {
    range.truth().into_iter().filter(|t| t.held_since.is_some()).map(|t| t.domain).collect()
}

/// A notice with one XARF attachment per report.
fn notice(text: &str, reports: &[String]) -> String {
    let mut mail = format!(
        "From: desk@lockstep.example\r\nSubject: report\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=edge\r\n\r\n--edge\r\nContent-Type: text/plain\r\n\r\n{text}\r\n"
    );
    for (i, report) in reports.iter().enumerate() {
        let name = format!("xarf-{i}.json");
        mail.push_str(&format!(
            "--edge\r\nContent-Type: application/json; name=\"{name}\"\r\n\
             Content-Disposition: attachment; filename=\"{name}\"\r\n\r\n{report}\r\n"
        ));
    }
    mail + "--edge--\r\n"
}

fn by_identifier(domain: &str) -> String {
    serde_json::json!({"xarf_version": "4.2.0", "category": "content", "type": "malware",
        "source_identifier": domain, "url": format!("https://{domain}/api")})
    .to_string()
}

fn by_url(domain: &str) -> String {
    serde_json::json!({"xarf_version": "4.2.0", "url": format!("https://cdn.{domain}:8443/api?x=1")})
        .to_string()
}

async fn send(range: &Range, to: &str, mail: &str) {
    let mut client = MailClient::connect(range.smtp()).await;
    assert!(client.deliver(to, mail).await.starts_with("250 "));
}

#[tokio::test]
async fn a_desk_acts_after_its_delay_and_not_before() {
    let (range, clock) = small().await;
    let mine = sponsored(&range, MERIDIAN);
    let sent = clock.now();
    send(&range, MERIDIAN, &notice("see attached", &[by_identifier(&mine[0]), by_url(&mine[1])])).await;
    assert_eq!(range.act(), []);
    clock.forward_minutes(29);
    assert_eq!(range.act(), [], "the shortest delay is 30 minutes");
    assert!(held(&range).is_empty());
    clock.forward_minutes(240 - 29 + 1);
    let done = range.act();
    let names: Vec<&str> = done.iter().map(|s: &Suspension| s.domain.as_str()).collect();
    let mut wanted = [mine[0].as_str(), mine[1].as_str()];
    wanted.sort_by_key(|n| range.net.index_of(n));
    assert_eq!(names, wanted);
    for s in &done {
        let minutes = (s.since - sent).whole_minutes();
        assert!((30..=240).contains(&minutes) && s.registrar == "Meridian Names", "{s:?}");
    }
    assert_eq!(range.act(), [], "a mail is dealt with once");
    assert_eq!(held(&range).len(), 2);
}

#[tokio::test]
async fn the_delay_comes_from_the_seed() {
    let mut moments = Vec::new();
    for _ in 0..2 {
        let (range, clock) = small().await;
        let mine = sponsored(&range, MERIDIAN);
        send(&range, MERIDIAN, &notice("", &[by_identifier(&mine[0])])).await;
        clock.forward_minutes(300);
        moments.push(range.act());
    }
    assert_eq!(moments[0], moments[1]);
    assert_eq!(moments[0].len(), 1);
}

#[tokio::test]
async fn a_silent_desk_never_acts() {
    let (range, clock) = small().await;
    let mine = sponsored(&range, SILENT);
    send(&range, SILENT, &notice("", &[by_identifier(&mine[0])])).await;
    clock.forward_minutes(60 * 24 * 365);
    assert_eq!(range.act(), []);
    assert!(held(&range).is_empty());
    assert_eq!(range.mailbox(SILENT).len(), 1, "the mail is kept all the same");
    assert!(range.registrars().iter().any(|r| r.abuse_mail == SILENT && !r.acts));
}

#[tokio::test]
async fn names_of_others_and_strange_reports_are_ignored() {
    let (range, clock) = small().await;
    let (mine, theirs) = (sponsored(&range, MERIDIAN), sponsored(&range, SILENT));
    let reports = [
        by_identifier(&theirs[0]),
        by_identifier("never-registered.shop.example"),
        by_identifier("shop.example"),
        "{\"xarf_version\": \"4.2.0\"}".to_owned(),
    ];
    // The text names a domain of ours, but the attachments are what counts when there are any.
    send(&range, MERIDIAN, &notice(&mine[0], &reports)).await;
    let reply = format!("Auto-Submitted: auto-replied\r\nSubject: away\r\n\r\n{}", mine[0]);
    send(&range, MERIDIAN, &reply).await;
    send(&range, "abuse@hydra-edge.net.example", &notice("", &[by_identifier(&mine[0])])).await;
    clock.forward_minutes(10_000);
    assert_eq!(range.act(), []);
}

#[tokio::test]
async fn without_a_report_the_text_is_read() {
    let (range, clock) = small().await;
    let mine = sponsored(&range, MERIDIAN);
    let defanged = |n: &str| n.replace('.', "[.]");
    let text = format!(
        "Subject: abuse\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nPlease suspend {}, hxxps://{}/api\r\n\
         and (www.{}). Thank you.\r\n\r\nNot a domain: setup.exe, example[.]org, {}",
        defanged(&mine[0]),
        defanged(&mine[1]),
        mine[2],
        defanged(&sponsored(&range, SILENT)[0]),
    );
    send(&range, MERIDIAN, &text).await;
    send(&range, MERIDIAN, &notice("", &["not json".to_owned()])).await;
    clock.forward_minutes(241);
    let mut done: Vec<String> = range.act().into_iter().map(|s| s.domain).collect();
    done.sort();
    let mut wanted = mine[..3].to_vec();
    wanted.sort();
    assert_eq!(done, wanted);
}

#[tokio::test]
async fn a_name_that_came_back_is_suspended_on_a_new_notice_only() {
    let (range, clock) = small().await;
    let name = &sponsored(&range, MERIDIAN)[0];
    let mail = notice("", &[by_identifier(name)]);
    send(&range, MERIDIAN, &mail).await;
    clock.forward_minutes(241);
    assert_eq!(range.act().len(), 1);
    assert!(range.restore(name).unwrap());
    assert_eq!(range.act(), []);
    send(&range, MERIDIAN, &mail).await;
    clock.forward_minutes(241);
    assert_eq!(range.act().len(), 1);
    assert_eq!(held(&range), [name.as_str()]);
}

#[tokio::test]
async fn desks_work_by_themselves_when_asked() {
    let (range, clock) = small().await;
    let name = &sponsored(&range, MERIDIAN)[0];
    send(&range, MERIDIAN, &notice("", &[by_identifier(name)])).await;
    clock.forward_minutes(241);
    range.run_desks(Duration::from_millis(1));
    // Each turn is a whole mail session, so that the loop's own task gets its turns too.
    for _ in 0..500 {
        if !held(&range).is_empty() {
            break;
        }
        let mut client = MailClient::connect(range.smtp()).await;
        client.ask("QUIT\r\n").await;
    }
    assert_eq!(held(&range), [name.as_str()]);
    range.stop().await;
}

#[test]
fn whatever_is_in_a_mail_the_desk_survives() {
    let scenario = Scenario::small().unwrap();
    let start = scenario.starts_at();
    let net = Internet::new(scenario, Arc::new(move || start));
    let part = "Content-Type: application/json; name=xarf.json\r\n\r\n";
    proptest!(ProptestConfig::with_cases(200), |(bytes in proptest::collection::vec(any::<u8>(), 0..600))| {
        named(&net, &bytes);
        named(&net, &[part.as_bytes(), &bytes].concat());
    });
    let deep = format!("{part}{}", "[".repeat(200_000));
    assert!(named(&net, deep.as_bytes()).is_empty());
}
