use std::collections::BTreeMap;

use entities::{ActorRole, Channel, TaskState, Tlp, audit_event, desk as desk_row, task};

use super::*;
use crate::{
    actor::Actor,
    audit,
    error::Error,
    party,
    testing::{Seed, Test, ana, lea},
};

const BOOK: &str = "registrar-suspension";

async fn open_all(test: &Test, ids: &[entities::ObservableId]) -> OpenReport {
    open(test, &ana(), &Scope::Targets(ids.to_vec()), BOOK, &BTreeMap::new()).await.unwrap()
}

#[tokio::test]
async fn opening_and_approving_takes_two_people_and_leaves_a_ledger() {
    let test = Test::new().await;
    let ids = test.plant(&[Seed::default(), Seed { name: "worse.example", ..Seed::default() }]).await;
    let report = open_all(&test, &ids).await;
    assert_eq!((report.opened.len(), report.without_desk.len(), report.refused.len()), (2, 0, 0));
    let desks = test.all::<desk_row::Entity>().await;
    assert_eq!(desks.len(), 1);
    assert_eq!(desks[0].scope, "iana:64496");
    assert_eq!(desks[0].email.as_deref(), Some("abuse@registrar.example"));
    assert_eq!(desks[0].source, "rdap:rdap.registry.example");

    let opener = Actor::person("ana", ActorRole::Lead);
    assert!(matches!(approve(&test, &opener, &report.opened).await, Err(Error::Forbidden { .. })));
    let approved = approve(&test, &lea(), &report.opened).await.unwrap();
    assert!(approved.iter().all(|row| row.state == TaskState::Approved));
    assert!(approved.iter().all(|row| row.approved_by.as_deref() == Some("lea") && row.version == 2));
    let jobs = test.all::<entities::job::Entity>().await;
    assert_eq!(jobs.iter().map(|job| job.name.as_str()).collect::<Vec<_>>(), ["draft-notices"]);
    let verbs: Vec<String> = test.all::<audit_event::Entity>().await.into_iter().map(|e| e.verb).collect();
    assert_eq!(verbs, ["record_desk", "open_tasks", "approve_tasks"]);
    assert!(matches!(audit::verify(&test.db, None).await.unwrap(), audit::Chain::Intact { events: 3, .. }));

    assert!(matches!(approve(&test, &lea(), &report.opened).await, Err(Error::Conflict { .. })));
}

#[tokio::test]
async fn what_is_listed_is_refused_until_a_person_gives_a_reason() {
    let test = Test::new().await;
    let ids = test.plant(&[Seed { listed: Some("tranco"), ..Seed::default() }]).await;
    let report = open_all(&test, &ids).await;
    assert!(report.opened.is_empty() && report.refused[0].yields_to_a_reason);
    assert!(report.refused[0].reasons[0].contains("tranco"));
    let reasons = BTreeMap::from([(ids[0], "the owner asked for it".to_owned())]);
    let report = open(&test, &ana(), &Scope::Targets(ids), BOOK, &reasons).await.unwrap();
    assert_eq!(report.opened.len(), 1);
    let rows = test.all::<task::Entity>().await;
    assert_eq!(rows[0].reason.as_deref(), Some("the owner asked for it"));
    let ledger = test.all::<audit_event::Entity>().await;
    assert!(ledger.last().unwrap().detail.contains("the owner asked for it"));
}

#[tokio::test]
async fn a_registrant_and_the_name_itself_are_never_the_desk() {
    let test = Test::new().await;
    let ids = test
        .plant(&[
            Seed {
                name: "a.example",
                registrar: "1",
                abuse: Some("me@mail.example"),
                registrant: Some("ME@mail.example"),
                ..Seed::default()
            },
            Seed { name: "b.example", registrar: "2", abuse: Some("abuse@mx.b.example"), ..Seed::default() },
            Seed { name: "c.example", registrar: "3", abuse: Some("not an address"), ..Seed::default() },
            Seed { name: "d.example", registrar: "4", abuse: None, ..Seed::default() },
        ])
        .await;
    let report = open_all(&test, &ids).await;
    assert_eq!((report.opened.len(), report.without_desk.len()), (0, 4));
    for row in test.all::<task::Entity>().await {
        assert_eq!(row.state, TaskState::Draft);
        assert!(row.desk_id.is_none() && row.reason.unwrap().contains("find its desk"));
    }
    // A person finds one; opening again takes that draft up and only that.
    desk::record(&test, &ana(), Channel::Registrar, "iana:4", "Registrar 4", "Desk@four.example")
        .await
        .unwrap();
    let report = open_all(&test, &ids).await;
    assert_eq!((report.opened.len(), report.without_desk.len(), report.refused.len()), (1, 0, 3));
    let waiting = test.all::<task::Entity>().await;
    assert_eq!(waiting.iter().filter(|row| row.state == TaskState::Review).count(), 1);
}

#[tokio::test]
async fn the_directory_knows_a_desk_where_rdap_does_not_unless_its_lists_disagree() {
    let test = Test::new().await;
    let list = |email: &str| {
        format!(
            "iana_id,name,link,email,form,api,notes,found,as_of\n4,Four,,{email},,,,TRUE,\n5,Five,,a@five.example,,,,TRUE,\n"
        )
    };
    for (source, email) in [("a.csv", "a@four.example"), ("b.csv", "b@four.example")] {
        let list = list(email);
        let given = party::Given { source, bytes: list.as_bytes(), replace: false };
        party::load(&test, &lea(), given).await.unwrap();
    }
    let ids = test
        .plant(&[
            Seed { name: "d.example", registrar: "4", abuse: None, ..Seed::default() },
            Seed { name: "e.example", registrar: "5", abuse: None, ..Seed::default() },
        ])
        .await;
    let report = open_all(&test, &ids).await;
    assert_eq!((report.opened.len(), report.without_desk.len()), (1, 1));
    let desks = test.all::<desk_row::Entity>().await;
    let five = desks.iter().find(|desk| desk.scope == "iana:5").unwrap();
    let told = (five.email.as_deref(), five.source.as_str());
    assert_eq!(told, (Some("a@five.example"), "directory:a.csv"));
}

#[tokio::test]
async fn one_odd_answer_does_not_redirect_a_fleet() {
    let test = Test::new().await;
    let odd = Seed { name: "odd.example", abuse: Some("abuse@aaa.example"), ..Seed::default() };
    let ids = test
        .plant(&[
            odd,
            Seed { name: "x.example", ..Seed::default() },
            Seed { name: "y.example", ..Seed::default() },
        ])
        .await;
    open_all(&test, &ids).await;
    let desks = test.all::<desk_row::Entity>().await;
    assert_eq!(desks[0].email.as_deref(), Some("abuse@registrar.example"));
}

#[tokio::test]
async fn a_liaison_sees_no_red_target_and_may_not_open() {
    let test = Test::new().await;
    let ids = test.plant(&[Seed { tlp: Tlp::Red, ..Seed::default() }]).await;
    let liaison = Actor::liaison("kim", "police");
    let refused = open(&test, &liaison, &Scope::Targets(ids), BOOK, &BTreeMap::new()).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })));
}

#[tokio::test]
async fn a_row_that_moved_on_is_stale() {
    let test = Test::new().await;
    let ids = test.plant(&[Seed::default()]).await;
    open_all(&test, &ids).await;
    let row = test.all::<task::Entity>().await.remove(0);
    let cancel = || vec![(row.clone(), vec![Event::Cancel { reason: "x".into() }])];
    let txn = test.begin().await.unwrap();
    apply(&test, &txn, &ana(), "cancel_tasks", cancel()).await.unwrap();
    let second = apply(&test, &txn, &ana(), "cancel_tasks", cancel()).await;
    assert!(matches!(second, Err(Error::Stale)));
}

#[tokio::test]
async fn two_thousand_domains_are_opened_and_approved_with_one_ledger_event_each() {
    let test = Test::new().await;
    let names: Vec<String> = (0..2_000).map(|n| format!("name-{n}.example")).collect();
    let seeds: Vec<Seed<'_>> = names.iter().map(|name| Seed { name, ..Seed::default() }).collect();
    test.plant(&seeds).await;
    let report = open_for_family(&test, &ana(), "Lumma Stealer", BOOK, &BTreeMap::new()).await.unwrap();
    approve(&test, &lea(), &report.opened).await.unwrap();
    assert_eq!(report.opened.len(), 2_000);
    let ledger = test.all::<audit_event::Entity>().await;
    assert_eq!(ledger.len(), 3);
    assert!(ledger[1].detail.contains("\"count\":2000"));
}
