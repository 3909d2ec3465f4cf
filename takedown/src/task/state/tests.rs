use std::str::FromStr;

use entities::task;

use super::*;

const NOW: Timestamp = Timestamp(7_000_000);

fn approval() -> Approval {
    Approval { by: "lea".into(), at: Timestamp(1) }
}

fn asked() -> Asked {
    Asked {
        approval: approval(),
        first_notice_at: Timestamp(2),
        ack_at: None,
        claimed_at: None,
        first_seen_down_at: None,
        verdict: None,
        next_check_at: Some(Timestamp(3)),
    }
}

fn down() -> Down {
    Down {
        verdict: Verdict::HeldByRegistrar,
        first_seen_down_at: Timestamp(4),
        confirmed_at: Timestamp(5),
        next_check_at: None,
    }
}

fn states() -> Vec<State> {
    let reason = || "why".to_owned();
    vec![
        State::Draft { missing: None },
        State::EvidenceReady { reemerged_at: None },
        State::Review,
        State::Approved(approval()),
        State::Held { approval: approval(), reason: reason() },
        State::Queued(approval()),
        State::Sent(asked()),
        State::Delivered(asked()),
        State::Bounced { asked: asked(), reason: reason() },
        State::Acked(asked()),
        State::InProgress(asked()),
        State::MitigatedClaimed(asked()),
        State::VerifiedDown(down()),
        State::Monitoring(down()),
        State::Closed(down()),
        State::ReEmerged { at: NOW, verdict: Verdict::Live },
        State::Refused { reason: reason() },
        State::Redirected { reason: reason() },
        State::Superseded { reason: reason() },
        State::Cancelled { reason: reason() },
        State::Failed { reason: reason() },
    ]
}

fn events() -> Vec<Event> {
    let reason = || "why".to_owned();
    let verdict = Verdict::HeldByRegistrar;
    vec![
        Event::Complete,
        Event::Submit,
        Event::Approve(approval()),
        Event::Hold { reason: reason() },
        Event::Release,
        Event::Queue,
        Event::Unqueue,
        Event::Send { at: NOW, check_at: NOW },
        Event::Deliver,
        Event::Bounce { at: NOW, reason: reason() },
        Event::Acknowledge { at: NOW },
        Event::Begin,
        Event::Claim { at: NOW },
        Event::SeeDown { at: NOW, verdict, check_at: NOW },
        Event::SeeUp { verdict: Verdict::Live, check_at: NOW },
        Event::Confirm { at: NOW, verdict },
        Event::Watch { check_at: NOW },
        Event::Close,
        Event::Return { at: NOW, verdict: Verdict::Live },
        Event::Reopen,
        Event::Refuse { reason: reason() },
        Event::Redirect { reason: reason() },
        Event::Supersede { reason: reason() },
        Event::Cancel { reason: reason() },
        Event::Fail { reason: reason() },
    ]
}

#[test]
fn every_state_is_tried_with_every_event() {
    assert_eq!(states().iter().map(State::stored).collect::<Vec<_>>(), TaskState::ALL);
    let mut table = String::new();
    for state in states() {
        let from = state.stored();
        let led: Vec<String> = events()
            .into_iter()
            .filter_map(|event| {
                let name = event.name();
                state.clone().on(event).ok().map(|to| format!("{name} → {}", to.stored()))
            })
            .collect();
        table += &format!("{from}: {}\n", led.join(", "));
    }
    insta::assert_snapshot!(table);
}

#[test]
fn a_refusal_names_state_and_event() {
    let refused = State::Review.on(Event::Queue).expect_err("not approved");
    assert_eq!(refused.to_string(), "a task that is review cannot queue");
}

#[test]
fn a_row_reads_back_as_the_state_that_was_written() {
    for state in states() {
        let mut row = row();
        state.clone().write(&mut row);
        assert_eq!(State::try_from(&row).expect("a state"), state);
    }
}

#[test]
fn a_row_that_lacks_what_its_state_owns_is_a_defect() {
    for state in [TaskState::Approved, TaskState::Sent, TaskState::Monitoring, TaskState::ReEmerged] {
        let row = task::Model { state, ..row() };
        assert!(matches!(State::try_from(&row), Err(Error::Internal(_))), "{state}");
    }
}

#[test]
fn an_inconclusive_look_does_not_end_being_down() {
    let down_since = |state: &State| state.asked().and_then(|asked| asked.first_seen_down_at);
    let see_up = |verdict| Event::SeeUp { verdict, check_at: NOW };
    let seen = State::Sent(asked())
        .on(Event::SeeDown { at: NOW, verdict: Verdict::HeldByRegistrar, check_at: NOW })
        .expect("possible");
    let unclear = seen.on(see_up(Verdict::Inconclusive)).expect("possible");
    assert_eq!(down_since(&unclear), Some(NOW));
    assert_eq!(down_since(&unclear.on(see_up(Verdict::Live)).expect("possible")), None);
}

fn row() -> task::Model {
    let id = entities::TaskId::from_str("tsk_00000000000000000000000001").expect("an id");
    task::Model {
        id,
        target_id: uuid::Uuid::nil().into(),
        channel: entities::Channel::Registrar,
        authority: entities::Authority::AbusePolicy,
        cluster_id: None,
        desk_id: None,
        playbook: String::new(),
        state: TaskState::Draft,
        reason: None,
        verdict: None,
        opened_by: "ana".into(),
        approved_by: None,
        opened_at: Timestamp(0),
        approved_at: None,
        first_notice_at: None,
        ack_at: None,
        claimed_at: None,
        first_seen_down_at: None,
        confirmed_at: None,
        reemerged_at: None,
        next_check_at: None,
        version: 1,
        operation_id: None,
    }
}
