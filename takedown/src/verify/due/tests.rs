use std::collections::BTreeMap;

use super::*;
use crate::{
    task::{Scope, approve, open},
    testing::{Seed, Test, ana, lea},
};

fn rules() -> Verification {
    super::rules("registrar-suspension@1").unwrap()
}

#[test]
fn two_of_the_last_three_rounds_must_agree_and_unclear_ones_do_not() {
    let held = Verdict::HeldByRegistrar;
    assert_eq!(agreeing(&[], &rules(), held), 1);
    assert_eq!(agreeing(&[held], &rules(), held), 2);
    assert_eq!(agreeing(&[Verdict::Live, held], &rules(), held), 2);
    assert_eq!(agreeing(&[Verdict::Live, Verdict::Live, held], &rules(), held), 1);
    assert_eq!(agreeing(&[Verdict::Inconclusive, Verdict::Inconclusive], &rules(), held), 1);
    assert_eq!(agreeing(&[Verdict::HeldByRegistry], &rules(), held), 2);
}

#[test]
fn what_is_down_is_looked_at_often_then_seldom() {
    let hours = |hours: u64| cadence(Duration::from_secs(hours * 3_600)).as_secs() / 60;
    assert_eq!(
        [0, 1, 2, 47, 48, 719, 720, 90_000].map(hours),
        [15, 15, 60, 60, 1_440, 1_440, 10_080, 10_080]
    );
}

/// A task whose desk was asked, due for its first look.
async fn asked() -> (Test, task::Model) {
    let test = Test::new().await;
    let targets = test.plant(&[Seed::default()]).await;
    let scope = Scope::Targets(targets);
    let report = open(&test, &ana(), &scope, "registrar-suspension", &BTreeMap::new()).await.unwrap();
    let row = approve(&test, &lea(), &report.opened).await.unwrap().remove(0);
    let now = test.now();
    let events = vec![Event::Queue, Event::Send { at: now, check_at: now }];
    let txn = test.begin().await.unwrap();
    let row = apply(&test, &txn, &lea(), "test", vec![(row, events)]).await.unwrap().remove(0);
    txn.commit().await.unwrap();
    (test, row)
}

#[tokio::test]
async fn a_look_that_brings_nothing_is_stored_and_comes_again() {
    let (test, _) = asked().await;
    let actor = Actor::System("verify-due");
    assert_eq!(verify_due(&test, &actor).await.unwrap(), 1);
    assert_eq!(verify_due(&test, &actor).await.unwrap(), 0);
    let rounds = test.all::<verification::Entity>().await;
    assert_eq!(rounds[0].verdict, Verdict::Inconclusive);
    let row = test.all::<task::Entity>().await.remove(0);
    assert_eq!((row.state, row.verdict), (TaskState::Sent, Some(Verdict::Inconclusive)));
    assert!(row.next_check_at > Some(test.now()));
}

#[tokio::test]
async fn a_claimed_task_is_not_claimed_twice_until_the_claim_ends() {
    let (test, _) = asked().await;
    let actor = Actor::System("verify-due");
    assert_eq!(claim(&test, &actor).await.unwrap().len(), 1);
    assert_eq!(claim(&test, &actor).await.unwrap().len(), 0);
    test.advance(CLAIM);
    assert_eq!(claim(&test, &actor).await.unwrap().len(), 1);
}

#[tokio::test]
async fn after_a_year_a_task_is_closed_and_watched_again_when_its_target_answers() {
    let (test, row) = asked().await;
    let actor = Actor::System("verify-due");
    let now = test.now();
    let held = Verdict::HeldByRegistrar;
    let move_on = async |row: task::Model, events: Vec<Event>| {
        let txn = test.begin().await.unwrap();
        let row = apply(&test, &txn, &actor, "test", vec![(row, events)]).await.unwrap().remove(0);
        txn.commit().await.unwrap();
        row
    };
    let down = vec![Event::Confirm { at: now, verdict: held }, Event::Watch { check_at: now.plus(WATCH) }];
    let row = move_on(row, down).await;
    let after = |days: u64| now.plus(Duration::from_secs(days * 24 * 3_600));
    let ends = |verdict, days| events(&row, verdict, 2, &rules(), after(days)).contains(&Event::Close);
    assert_eq!([ends(held, 364), ends(held, 365), ends(Verdict::Seized, 365)], [false, true, false]);
    let closed = move_on(row.clone(), events(&row, held, 2, &rules(), after(365))).await;
    assert_eq!((closed.state, closed.next_check_at), (TaskState::Closed, None));

    let state = async |state: ObservableState| {
        let update = observable::Entity::update_many()
            .col_expr(observable::Column::State, Expr::value(state))
            .filter(observable::Column::Id.eq(row.target_id));
        update.exec(&test.db).await.unwrap();
    };
    state(ObservableState::Dark).await;
    watch_closed(&test, &actor).await.unwrap();
    assert_eq!(test.all::<task::Entity>().await[0].state, TaskState::Closed);
    state(ObservableState::Active).await;
    watch_closed(&test, &actor).await.unwrap();
    let row = test.all::<task::Entity>().await.remove(0);
    assert_eq!((row.state, row.next_check_at), (TaskState::Monitoring, Some(now)));
}

#[tokio::test]
async fn what_happened_while_we_looked_stands() {
    let (test, _) = asked().await;
    let actor = Actor::System("verify-due");
    let row = claim(&test, &actor).await.unwrap().remove(0);
    let look = |row: &task::Model| {
        vec![(row.clone(), vec![Event::SeeUp { verdict: Verdict::Live, check_at: test.now() }])]
    };
    // Another worker's claim does not lose the look.
    test.advance(CLAIM);
    claim(&test, &actor).await.unwrap();
    let txn = test.begin().await.unwrap();
    let kept = unmoved(&txn, &actor, look(&row)).await.unwrap();
    assert_eq!((kept.len(), kept[0].0.version), (1, row.version + 1));
    // A person's decision does.
    let cancel = vec![(kept[0].0.clone(), vec![Event::Cancel { reason: "by hand".into() }])];
    apply(&test, &txn, &lea(), "test", cancel).await.unwrap();
    assert!(unmoved(&txn, &actor, look(&row)).await.unwrap().is_empty());
}
