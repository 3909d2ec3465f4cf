use std::{collections::BTreeMap, path::Path, time::Duration};

use entities::{
    Handling, NoticeState, ObservableId, ObservableState, Role, TaskId, TaskState, Tlp, audit_event, job,
    notice, observable, task,
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, IntoActiveModel};

use super::*;
use crate::{
    actor::Actor,
    error::Error,
    job::{JobError, Run, kinds::SendNotice},
    outside::mail::Mail,
    settings::{Delivery, MailSettings, Settings},
    task::{Scope, approve as approve_tasks, open},
    testing::{Seed, Test, ana, lea, smtp},
};

fn settings() -> Settings {
    let mail = MailSettings {
        org: "Example Malware Lab".into(),
        about: "A non-profit that tracks information stealers since 2019; https://lab.example/about".into(),
        domain: "lab.example".into(),
        from: "Example Malware Lab <takedown@lab.example>".into(),
        reply_to: Some("cases@lab.example".into()),
        ..MailSettings::default()
    };
    Settings { mail, ..Settings::default() }
}

const FLEET: [Seed<'static>; 4] = [
    Seed { name: "aurum-vault.example", ..SEED },
    Seed { name: "quickpay-login.example", address: "198.51.100.23", ..SEED },
    Seed { name: "xn--mnchen-3ya.example", address: "2001:db8::7", ..SEED },
    Seed { name: "other.example", registrar: "64497", abuse: Some("abuse@second.example"), ..SEED },
];

const SEED: Seed<'static> = Seed {
    name: "bad.example",
    family: "Lumma Stealer",
    registrar: "64496",
    abuse: Some("abuse@registrar.example"),
    registrant: None,
    name_servers: &["ns1.dns.example", "ns2.dns.example"],
    address: "192.0.2.7",
    tlp: Tlp::Clear,
    listed: None,
};

/// Plants, opens and approves; returns the targets and the tasks.
async fn approved(test: &Test, seeds: &[Seed<'_>]) -> (Vec<ObservableId>, Vec<TaskId>) {
    let targets = test.plant(seeds).await;
    let scope = Scope::Targets(targets.clone());
    let report = open(test, &ana(), &scope, "registrar-suspension", &BTreeMap::new()).await.unwrap();
    approve_tasks(test, &lea(), &report.opened).await.unwrap();
    (targets, report.opened)
}

async fn drafted(test: &Test, seeds: &[Seed<'_>]) -> Vec<notice::Model> {
    let (_, tasks) = approved(test, seeds).await;
    draft(test, &Actor::System("draft-notices"), &tasks).await.unwrap();
    test.all::<notice::Entity>().await
}

async fn send(test: &Test, row: &notice::Model) -> Result<(), JobError> {
    SendNotice { notice: row.id }.run(test).await
}

async fn states(test: &Test) -> Vec<TaskState> {
    test.all::<task::Entity>().await.into_iter().map(|row| row.state).collect()
}

#[tokio::test]
async fn one_desk_gets_one_notice_with_all_its_domains() {
    let test = Test::with(settings()).await;
    let notices = drafted(&test, &FLEET).await;
    let to: Vec<_> =
        notices.iter().map(|n| (n.recipient.as_str(), n.xarf.as_array().unwrap().len())).collect();
    assert_eq!(to, [("abuse@registrar.example", 3), ("abuse@second.example", 1)]);
    for row in &notices {
        assert_eq!(row.sha256, sha256(row));
        assert_eq!((row.state, row.tlp), (NoticeState::Draft, Tlp::Clear));
    }
    // Drafting again changes nothing.
    let tasks: Vec<TaskId> = test.all::<task::Entity>().await.into_iter().map(|row| row.id).collect();
    assert!(draft(&test, &Actor::System("draft-notices"), &tasks).await.unwrap().is_empty());
    insta::assert_snapshot!(
        "notice_of_three",
        format!("Subject: {}\n\n{}", notices[0].subject, notices[0].body)
    );
    insta::assert_snapshot!(
        "notice_of_one",
        format!("Subject: {}\n\n{}", notices[1].subject, notices[1].body)
    );
    insta::assert_json_snapshot!("xarf", notices[0].xarf.as_array().unwrap());
}

#[tokio::test]
async fn a_body_names_no_live_name_and_is_ascii() {
    let test = Test::with(settings()).await;
    for row in drafted(&test, &FLEET).await {
        for seed in FLEET {
            assert!(!row.body.contains(seed.name) && !row.subject.contains(seed.name), "{}", seed.name);
        }
        assert!(row.body.is_ascii() && row.body.lines().all(|line| line.len() <= 160));
    }
}

#[tokio::test]
async fn reports_are_valid_by_the_published_schemas() {
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/xarf/schemas/v4");
    let Ok(core) = std::fs::read_to_string(schemas.join("xarf-v4-master.json")) else {
        eprintln!("SKIPPED: no XARF schemas at {}", schemas.display());
        return;
    };
    let mut resources = Vec::new();
    for file in ["xarf-core.json".to_owned()].into_iter().chain(
        std::fs::read_dir(schemas.join("types"))
            .unwrap()
            .map(|f| format!("types/{}", f.unwrap().file_name().display())),
    ) {
        let path = schemas.join(&file);
        if path.extension().is_some_and(|kind| kind == "json") {
            let schema: serde_json::Value =
                serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
            resources.push((format!("https://xarf.org/schemas/v4/{file}"), schema));
        }
    }
    let registry = jsonschema::Registry::new()
        .extend(
            resources
                .iter()
                .map(|(uri, schema)| (uri.as_str(), jsonschema::Resource::from_contents(schema.clone()))),
        )
        .unwrap()
        .prepare()
        .unwrap();
    let master: serde_json::Value = serde_json::from_str(&core).unwrap();
    let validator =
        jsonschema::options().should_validate_formats(true).with_registry(&registry).build(&master).unwrap();
    let test = Test::with(settings()).await;
    let mut checked = 0;
    for row in drafted(&test, &FLEET).await {
        for report in row.xarf.as_array().unwrap() {
            let wrong: Vec<String> = validator.iter_errors(report).map(|error| error.to_string()).collect();
            assert!(wrong.is_empty(), "{wrong:#?} in {report:#}");
            checked += 1;
        }
    }
    assert_eq!(checked, 4);
    // The validator does reject: a wrong domain field, a tag with a dot.
    let mut report = drafted(&Test::with(settings()).await, &FLEET).await[0].xarf[0].clone();
    report["domain"] = "xn--mnchen-3ya.example".into();
    assert!(!validator.is_valid(&report));
}

#[tokio::test]
async fn off_is_the_default_and_sends_nothing() {
    let test = Test::with(settings()).await;
    let row = drafted(&test, &FLEET[..1]).await.remove(0);
    approve(&test, &lea(), row.id).await.unwrap();
    send(&test, &row).await.unwrap();
    send(&test, &row).await.unwrap();
    let row = test.all::<notice::Entity>().await.remove(0);
    assert_eq!((row.state, row.reason.as_deref()), (NoticeState::Approved, Some("delivery is off: dry run")));
    assert_eq!(states(&test).await, [TaskState::Queued]);
    let dry =
        test.all::<audit_event::Entity>().await.into_iter().filter(|e| e.verb == "dry_run_notice").count();
    assert_eq!(dry, 1);
}

#[tokio::test]
async fn who_opened_the_tasks_cannot_approve_their_notice() {
    let test = Test::with(settings()).await;
    let row = drafted(&test, &FLEET[..1]).await.remove(0);
    let opener = Actor::person("ana", entities::ActorRole::Lead);
    assert!(matches!(approve(&test, &opener, row.id).await, Err(Error::Forbidden { .. })));
    assert!(matches!(approve(&test, &Actor::System("x"), row.id).await, Err(Error::Forbidden { .. })));
    assert!(approve(&test, &lea(), row.id).await.is_ok());
    assert!(matches!(approve(&test, &lea(), row.id).await, Err(Error::Conflict { .. })));
}

#[tokio::test]
async fn an_approved_notice_leaves_once_and_starts_the_clock() {
    let dir = tempfile::tempdir().unwrap();
    let mut test = Test::with(settings()).await;
    test.env.outside.mail = Mail::File { dir: dir.path().to_owned() };
    let row = drafted(&test, &FLEET[..3]).await.remove(0);
    // Not approved: nothing leaves.
    send(&test, &row).await.unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    approve(&test, &lea(), row.id).await.unwrap();
    test.advance(Duration::from_secs(60));
    send(&test, &row).await.unwrap();
    send(&test, &row).await.unwrap();
    let sent = test.all::<notice::Entity>().await.remove(0);
    assert_eq!(sent.state, NoticeState::Sent);
    assert!(sent.smtp_reply.unwrap().starts_with("written to"));
    for row in test.all::<task::Entity>().await {
        assert_eq!((row.state, row.first_notice_at), (TaskState::Sent, sent.sent_at));
        assert_eq!(row.next_check_at, Some(sent.sent_at.unwrap().plus(Duration::from_secs(1_800))));
    }
    let file = std::fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap();
    let mail = std::fs::read(file.path()).unwrap();
    let parsed = mail_parser::MessageParser::default().parse(&mail).unwrap();
    assert_eq!(parsed.attachments().count(), 3);
    assert_eq!(parsed.message_id(), Some(row.message_id.as_str()));
    assert_eq!(parsed.body_text(0).unwrap().replace("\r\n", "\n"), row.body);
}

#[tokio::test]
async fn markings_stop_a_draft_and_a_later_marking_stops_the_sending() {
    let dir = tempfile::tempdir().unwrap();
    let mut test = Test::with(settings()).await;
    test.env.outside.mail = Mail::File { dir: dir.path().to_owned() };
    let amber = Seed { name: "marked.example", tlp: Tlp::Amber, ..SEED };
    let notices = drafted(&test, &[SEED, amber]).await;
    assert_eq!(notices[0].xarf.as_array().unwrap().len(), 1);
    assert_eq!(states(&test).await, [TaskState::Approved, TaskState::Held]);
    let held = test.all::<task::Entity>().await.remove(1);
    assert!(held.reason.unwrap().contains("TLP:AMBER"));
    approve(&test, &lea(), notices[0].id).await.unwrap();
    // Somebody marks the name before the mail goes.
    let mut sighting = test.all::<entities::sighting::Entity>().await.remove(0);
    sighting.id = test.id();
    (sighting.tlp, sighting.role) = (Tlp::Green, Role::Panel);
    test.insert(vec![sighting]).await;
    send(&test, &notices[0]).await.unwrap();
    let row = test.all::<notice::Entity>().await.remove(0);
    assert_eq!(row.state, NoticeState::Withdrawn);
    assert!(row.reason.unwrap().starts_with("bad[.]example: "));
    assert_eq!(states(&test).await[0], TaskState::Approved);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    let redraft = test.all::<job::Entity>().await.into_iter().filter(|j| j.name == "draft-notices").count();
    assert_eq!(redraft, 2);
}

#[tokio::test]
async fn what_is_down_already_gets_no_mail() {
    let dir = tempfile::tempdir().unwrap();
    let mut test = Test::with(settings()).await;
    test.env.outside.mail = Mail::File { dir: dir.path().to_owned() };
    let row = drafted(&test, &[SEED]).await.remove(0);
    approve(&test, &lea(), row.id).await.unwrap();
    let target = test.all::<observable::Entity>().await.remove(0);
    let dark = observable::ActiveModel { state: Set(ObservableState::Dark), ..target.into_active_model() };
    dark.update(&test.db).await.unwrap();
    send(&test, &row).await.unwrap();
    assert_eq!(states(&test).await, [TaskState::Superseded]);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_was_changed_after_its_approval_does_not_leave() {
    let dir = tempfile::tempdir().unwrap();
    let mut test = Test::with(settings()).await;
    test.env.outside.mail = Mail::File { dir: dir.path().to_owned() };
    let row = drafted(&test, &[SEED]).await.remove(0);
    let row = approve(&test, &lea(), row.id).await.unwrap();
    let forged =
        notice::ActiveModel { body: Set("something else".into()), ..row.clone().into_active_model() };
    forged.update(&test.db).await.unwrap();
    send(&test, &row).await.unwrap();
    assert_eq!(test.all::<notice::Entity>().await[0].state, NoticeState::Withdrawn);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_refusing_server_bounces_and_a_busy_one_is_tried_again() {
    for (reply, notice, task) in [
        ("550 5.1.1 no such user", NoticeState::Failed, TaskState::Bounced),
        ("451 4.7.1 greylisted", NoticeState::Queued, TaskState::Queued),
        ("250 ok", NoticeState::Sent, TaskState::Sent),
    ] {
        let mut test = Test::with(settings()).await;
        let server = smtp(reply).await;
        test.env.outside.mail = Mail::open(&server).unwrap();
        let row = drafted(&test, &[SEED]).await.remove(0);
        approve(&test, &lea(), row.id).await.unwrap();
        let outcome = send(&test, &row).await;
        assert_eq!(matches!(outcome, Err(JobError::Retry { .. })), notice == NoticeState::Queued, "{reply}");
        assert_eq!(test.all::<notice::Entity>().await[0].state, notice, "{reply}");
        assert_eq!(states(&test).await, [task], "{reply}");
    }
}

#[tokio::test]
async fn a_large_fleet_is_told_in_parts() {
    let mut settings = settings();
    settings.mail.names_per_notice = 200;
    let test = Test::with(settings).await;
    let names: Vec<String> = (0..450).map(|n| format!("name-{n}.example")).collect();
    let seeds: Vec<Seed<'_>> = names.iter().map(|name| Seed { name, ..SEED }).collect();
    let notices = drafted(&test, &seeds).await;
    assert_eq!(notices.len(), 3);
    assert!(notices[1].subject.ends_with(", part 2 of 3"));
    let tokens: std::collections::BTreeSet<_> = notices.iter().map(|n| n.subject.split(']').next()).collect();
    assert_eq!(tokens.len(), 3);
}

#[tokio::test]
async fn a_withdrawn_notice_gives_its_tasks_back() {
    let test = Test::with(Settings {
        mail: MailSettings { delivery: Delivery::Off, ..settings().mail },
        ..settings()
    })
    .await;
    let row = drafted(&test, &[SEED]).await.remove(0);
    approve(&test, &lea(), row.id).await.unwrap();
    assert!(matches!(withdraw(&test, &lea(), row.id, " ").await, Err(Error::Invalid { .. })));
    withdraw(&test, &lea(), row.id, "another way was found").await.unwrap();
    assert_eq!(states(&test).await, [TaskState::Approved]);
    assert!(matches!(withdraw(&test, &lea(), row.id, "again").await, Err(Error::Conflict { .. })));
}

#[tokio::test]
async fn what_its_provider_keeps_back_is_held_and_what_it_keeps_from_courts_says_so() {
    let test = Test::with(settings()).await;
    let other = Seed { name: "other-one.example", ..SEED };
    let (targets, tasks) = approved(&test, &[SEED, other]).await;
    for row in test.all::<entities::sighting::Entity>().await {
        let handling = if row.observable_id == targets[0] { Handling::H1 } else { Handling::H2 };
        let row = entities::sighting::ActiveModel { handling: Set(handling), ..row.into_active_model() };
        row.update(&test.db).await.unwrap();
    }
    draft(&test, &Actor::System("draft-notices"), &tasks).await.unwrap();
    let notices = test.all::<notice::Entity>().await;
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].handling, Handling::H1);
    let rows = test.all::<task::Entity>().await;
    let held = rows.iter().find(|row| row.state == TaskState::Held).unwrap();
    assert_eq!(held.target_id, targets[1]);
    assert!(held.reason.as_deref().is_some_and(|reason| reason.contains("H2")), "{held:?}");
}
