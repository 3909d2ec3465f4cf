//! An operation always has somebody who can read it.

use super::*;
use crate::people::retention;

/// An operation of these members, besides who makes it.
async fn made(test: &Test, by: &Actor, tlp: Tlp, members: Vec<Who>) -> OperationId {
    create(test, by, NewOperation { tlp, members, ..sealed("Magnus") }).await.unwrap().id
}

#[tokio::test]
async fn no_change_of_a_person_takes_an_operation_its_last_reader() {
    let test = Test::new().await;
    let root = Actor::person("root", ActorRole::Admin);
    let lea = account(&test, "lea", ActorRole::Lead, None).await;
    let bka = agency(&test, "agency:de:bka").await;
    let bo = account(&test, "bo", ActorRole::Partner, Some(bka)).await;
    let (lea_id, bo_id) = (lea.account().unwrap(), bo.account().unwrap());
    let operation = made(&test, &lea, Tlp::Amber, vec![Who::Person(bo_id)]).await;
    let refused = |result: Result<person::Model, Error>| {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Conflict { .. }), "{error}");
        let told = error.to_string();
        assert!(told.contains("an operation would lose its last member"), "{told}");
        assert!(!told.contains(&operation.to_string()) && !told.contains("Magnus"), "{told}");
    };
    // A partner who is a member reads nothing.
    refused(people::set_disabled(&test, &root, lea_id, true).await);
    refused(retention::erase(&test, &root, lea_id).await);
    refused(people::set_role(&test, &root, lea_id, ActorRole::Admin, None, None).await);
    refused(people::set_role(&test, &root, lea_id, ActorRole::Lead, None, Some(Tlp::Green)).await);
    let events = test.all::<audit_event::Entity>().await;
    assert!(
        !events.iter().any(|event| ["disable_person", "erase_person", "change_role"].contains(&&*event.verb))
    );
    // What leaves her reading is no matter, and who reads nothing may go.
    people::set_role(&test, &root, lea_id, ActorRole::Analyst, None, Some(Tlp::Amber)).await.unwrap();
    people::set_role(&test, &root, lea_id, ActorRole::Lead, None, None).await.unwrap();
    let analyst = people::set_role(&test, &root, bo_id, ActorRole::Analyst, None, None);
    analyst.await.unwrap();
    // Somebody else reads it now; of the two, one may go.
    people::set_disabled(&test, &root, lea_id, true).await.unwrap();
    refused(people::set_disabled(&test, &root, bo_id, true).await);
    people::set_disabled(&test, &root, lea_id, false).await.unwrap();
    retention::erase(&test, &root, bo_id).await.unwrap();
    refused(people::set_disabled(&test, &root, lea_id, true).await);
}

#[tokio::test]
async fn a_party_reads_as_long_as_one_of_its_people_does() {
    let test = Test::new().await;
    let root = Actor::person("root", ActorRole::Admin);
    let (bka, ncsc) = (agency(&test, "agency:de:bka").await, agency(&test, "agency:nl:ncsc").await);
    let lea = account(&test, "lea", ActorRole::Lead, None).await;
    let kim = account(&test, "kim", ActorRole::Liaison, Some(bka)).await;
    account(&test, "pim", ActorRole::Partner, Some(ncsc)).await;
    let (lea_id, kim_id) = (lea.account().unwrap(), kim.account().unwrap());
    // A liaison of a party that is a member reads it for the party; a partner reads nothing.
    let amber = made(&test, &lea, Tlp::AmberStrict, vec![Who::Party(bka), Who::Party(ncsc)]).await;
    remove(&test, &lea, amber, Who::Person(lea_id)).await.unwrap();
    assert!(people::set_disabled(&test, &root, kim_id, true).await.is_err());
    let moved = people::set_role(&test, &root, kim_id, ActorRole::Liaison, Some(ncsc), None).await.unwrap();
    assert_eq!(moved.party_id, Some(ncsc), "which is a member, too");
    assert!(people::set_role(&test, &root, kim_id, ActorRole::Analyst, None, None).await.is_err());
    // Of a RED one, no liaison is a reader; its last one cannot be removed, and who removes knows which it is.
    let red = made(&test, &lea, Tlp::Red, vec![Who::Party(ncsc)]).await;
    let refused = remove(&test, &lea, red, Who::Person(lea_id)).await;
    assert!(
        matches!(&refused, Err(Error::Conflict { from, .. }) if from.contains(&red.to_string())),
        "{refused:?}"
    );
    assert!(people::set_disabled(&test, &root, lea_id, true).await.is_err());
    remove(&test, &lea, red, Who::Party(ncsc)).await.unwrap();
}
