//! What one operation does changes nothing that others see: desks, and rulings on shared values.

use std::time::Duration;

use entities::{Channel, DeskId, ObservableId, PivotRuling, desk, pivot, task};

use super::*;
use crate::{
    cluster::{kind::PivotKind, ruling},
    task::desk as desks,
};

/// Names of one registrar in an operation or in none, with the mailbox that RDAP gives for each.
async fn named(test: &Test, of: Option<OperationId>, names: &[(&str, Option<&str>)]) -> Vec<ObservableId> {
    let seeds: Vec<Seed<'_>> =
        names.iter().map(|(name, abuse)| Seed { name, abuse: *abuse, ..Seed::default() }).collect();
    let ids = test.plant(&seeds).await;
    for id in &ids {
        let own = observable::ActiveModel { id: Unchanged(*id), operation_id: Set(of), ..Default::default() };
        own.update(&test.db).await.unwrap();
    }
    ids
}

/// Opens tasks for these; the desk of each.
async fn opened(test: &Test, by: &Actor, of: &[ObservableId]) -> Vec<Option<DeskId>> {
    let scope = crate::task::Scope::Targets(of.to_vec());
    crate::task::open(test, by, &scope, "registrar-suspension", &BTreeMap::new()).await.unwrap();
    let tasks = test.all::<task::Entity>().await;
    of.iter().map(|id| tasks.iter().find(|row| row.target_id == *id).unwrap().desk_id).collect()
}

/// The only desk that belongs to `of`.
async fn desk_of(test: &Test, of: Option<OperationId>) -> Option<desk::Model> {
    let mut rows: Vec<_> = test.all::<desk::Entity>().await;
    rows.retain(|row| row.operation_id == of);
    assert!(rows.len() < 2, "{rows:?}");
    rows.pop()
}

const DESK: &str = "abuse@registrar.example";
const ODD: &str = "abuse@elsewhere.example";

#[tokio::test]
async fn an_operation_neither_shows_nor_moves_the_desks_of_others() {
    let test = Test::new().await;
    let lea = account(&test, "lea", ActorRole::Lead, None).await;
    let max = account(&test, "max", ActorRole::Lead, None).await;
    let one = create(&test, &lea, sealed("One")).await.unwrap().id;
    let two = create(&test, &lea, sealed("Two")).await.unwrap().id;
    // Who is first, in an operation, leaves nothing for others to find.
    let inside = named(&test, Some(one), &[("a.example", Some(ODD))]).await;
    let found = opened(&test, &lea, &inside).await[0].unwrap();
    assert_eq!(desk_of(&test, None).await, None);
    assert!(cases::desks(&test, &max, &[found]).await.unwrap().is_empty());
    let request = lea.clone().afresh();
    assert_eq!(cases::desks(&test, &request, &[found]).await.unwrap()[&found].email.as_deref(), Some(ODD));
    assert_eq!(request.take_shown(), [one].into(), "reading it is noted");
    // Others find theirs, with another mailbox, and later.
    test.advance(Duration::from_secs(60));
    let outside = named(&test, None, &[("b.example", Some(DESK))]).await;
    let common = opened(&test, &max, &outside).await[0].unwrap();
    assert_ne!(common, found);
    let before = desk_of(&test, None).await.unwrap();
    assert_eq!((before.id, before.email.as_deref(), before.created_at), (common, Some(DESK), test.now()));
    // More of the operation's change its own and nothing else; together with others', too.
    test.advance(Duration::from_secs(60));
    let more = named(&test, Some(one), &[("c.example", Some(ODD)), ("d.example", Some(ODD))]).await;
    assert_eq!(opened(&test, &lea, &more).await, [Some(found), Some(found)]);
    assert_eq!(desk_of(&test, None).await.as_ref(), Some(&before));
    assert_eq!(desk_of(&test, Some(one)).await.unwrap().verified_at, Some(test.now()));
    // One for which RDAP gives nothing uses what everybody has, as it is.
    let silent = named(&test, Some(two), &[("e.example", None)]).await;
    assert_eq!(opened(&test, &lea, &silent).await, [Some(common)]);
    assert_eq!(desk_of(&test, None).await, Some(before));
    assert_eq!(desk_of(&test, Some(two)).await, None);
}

#[tokio::test]
async fn what_a_person_records_is_for_every_operation() {
    let test = Test::new().await;
    let lea = account(&test, "lea", ActorRole::Lead, None).await;
    let operation = create(&test, &lea, sealed("Magnus")).await.unwrap().id;
    let first = named(&test, Some(operation), &[("a.example", Some(ODD))]).await;
    let found = opened(&test, &lea, &first).await[0].unwrap();
    let ana = crate::testing::ana();
    let recorded =
        desks::record(&test, &ana, Channel::Registrar, "iana:64496", "A registrar", DESK).await.unwrap();
    assert_ne!(recorded.id, found, "theirs is not told");
    let second = named(&test, Some(operation), &[("b.example", Some(ODD))]).await;
    assert_eq!(opened(&test, &lea, &second).await, [Some(recorded.id)]);
    assert_eq!(desk_of(&test, None).await, Some(recorded));
}

#[tokio::test]
async fn a_token_for_an_operation_rules_on_nothing_that_is_everybodys() {
    let test = Test::new().await;
    let lea = account(&test, "lea", ActorRole::Lead, None).await;
    let operation = create(&test, &lea, sealed("Magnus")).await.unwrap().id;
    let rule = async |by: &Actor, value: &str| {
        ruling::pivot(&test, by, PivotKind::Address, value, PivotRuling::Excluded, "a reason").await
    };
    rule(&lea, "192.0.2.7").await.unwrap();
    let Actor::Person { name, role, agency, id, clearance, only, trail, .. } = lea else { return };
    let knows = Knows::Only([operation].into());
    let token = Actor::Person { name, role, agency, id, clearance, only, knows, trail };
    // Alike for a value that somebody ruled on and one that nobody did.
    for value in ["192.0.2.7", "192.0.2.8"] {
        let refused = rule(&token, value).await;
        assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
    }
    let recorded = desks::record(&test, &token, Channel::Registrar, "iana:4", "Four", DESK).await;
    assert!(matches!(recorded, Err(Error::Forbidden { .. })), "{recorded:?}");
    assert_eq!(test.all::<pivot::Entity>().await.len(), 1);
}
