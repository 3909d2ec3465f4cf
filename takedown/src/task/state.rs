//! The life of a task (reference/domain.md §6): every state owns the data that is true in it, every event
//! consumes the state before it. Pure.

use entities::{TaskState, Timestamp, Verdict, task};

use crate::error::Error;

/// A second person's yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A desk was asked, and what came of it so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Who approved the asking.
    pub approval: Approval,
    /// When the first notice went out.
    pub first_notice_at: Timestamp,
    /// When the desk confirmed receipt.
    pub ack_at: Option<Timestamp>,
    /// When the desk said that it is done.
    pub claimed_at: Option<Timestamp>,
    /// Since when looks say that it is down, not confirmed yet.
    pub first_seen_down_at: Option<Timestamp>,
    /// The last look's verdict.
    pub verdict: Option<Verdict>,
    /// When to look next.
    pub next_check_at: Option<Timestamp>,
}

/// It is down, by enough looks that agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Down {
    /// How it is down.
    pub verdict: Verdict,
    /// The first of the looks.
    pub first_seen_down_at: Timestamp,
    /// The look that made them enough: the clock stops here.
    pub confirmed_at: Timestamp,
    /// When to look next.
    pub next_check_at: Option<Timestamp>,
}

/// Where a task stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Opened; something that the playbook asks for, such as a desk, is missing.
    Draft {
        /// What is missing.
        missing: Option<String>,
    },
    /// Everything that the playbook asks for is there.
    EvidenceReady {
        /// When the target came back, if it did.
        reemerged_at: Option<Timestamp>,
    },
    /// Waits for a second person.
    Review,
    /// A second person said yes.
    Approved(Approval),
    /// Approved, but stopped.
    Held {
        /// The approval, which stands when the hold is released.
        approval: Approval,
        /// What stops it.
        reason: String,
    },
    /// Its notice is approved and waits to go out.
    Queued(Approval),
    /// The recipient's server took the notice.
    Sent(Asked),
    /// Delivery was confirmed.
    Delivered(Asked),
    /// The notice came back.
    Bounced {
        /// What was asked.
        asked: Asked,
        /// Why it came back.
        reason: String,
    },
    /// The desk confirmed receipt.
    Acked(Asked),
    /// The desk works on it.
    InProgress(Asked),
    /// The desk says that it is done; nobody has seen it yet.
    MitigatedClaimed(Asked),
    /// We saw that it is down.
    VerifiedDown(Down),
    /// Down and watched for return.
    Monitoring(Down),
    /// Ended, down.
    Closed(Down),
    /// It came back.
    ReEmerged {
        /// When we saw it.
        at: Timestamp,
        /// The verdict of that look.
        verdict: Verdict,
    },
    /// The desk said no.
    Refused {
        /// Why.
        reason: String,
    },
    /// The desk named another.
    Redirected {
        /// Whom.
        reason: String,
    },
    /// Something else did it.
    Superseded {
        /// What.
        reason: String,
    },
    /// A person withdrew it.
    Cancelled {
        /// Why.
        reason: String,
    },
    /// It could not be done.
    Failed {
        /// Why.
        reason: String,
    },
}

/// What happens to a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Everything that the playbook asks for is there.
    Complete,
    /// A person puts it before a second one.
    Submit,
    /// A second person says yes.
    Approve(Approval),
    /// Something stops it.
    Hold {
        /// What.
        reason: String,
    },
    /// What stopped it is gone.
    Release,
    /// Its notice was approved.
    Queue,
    /// Its notice was withdrawn: another is to be drafted.
    Unqueue,
    /// The recipient's server took the notice.
    Send {
        /// When.
        at: Timestamp,
        /// When to look first.
        check_at: Timestamp,
    },
    /// Delivery was confirmed.
    Deliver,
    /// The notice came back, at once or later.
    Bounce {
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// The desk confirmed receipt.
    Acknowledge {
        /// When.
        at: Timestamp,
    },
    /// The desk says that it works on it.
    Begin,
    /// The desk says that it is done.
    Claim {
        /// When.
        at: Timestamp,
    },
    /// A look says down, not confirmed yet; or, while watched, still down.
    SeeDown {
        /// When.
        at: Timestamp,
        /// How.
        verdict: Verdict,
        /// When to look next.
        check_at: Timestamp,
    },
    /// A look does not say down.
    SeeUp {
        /// What it says.
        verdict: Verdict,
        /// When to look next.
        check_at: Timestamp,
    },
    /// Enough looks agree that it is down.
    Confirm {
        /// When.
        at: Timestamp,
        /// How.
        verdict: Verdict,
    },
    /// Watch it for return; again, when it was closed and something answers.
    Watch {
        /// When to look next.
        check_at: Timestamp,
    },
    /// Watched long enough.
    Close,
    /// Enough looks agree that it is back.
    Return {
        /// When.
        at: Timestamp,
        /// What the look says.
        verdict: Verdict,
    },
    /// Take it up again.
    Reopen,
    /// The desk says no.
    Refuse {
        /// Why.
        reason: String,
    },
    /// The desk names another.
    Redirect {
        /// Whom.
        reason: String,
    },
    /// Something else did it.
    Supersede {
        /// What.
        reason: String,
    },
    /// A person withdraws it.
    Cancel {
        /// Why.
        reason: String,
    },
    /// It cannot be done.
    Fail {
        /// Why.
        reason: String,
    },
}

impl Event {
    /// The event's name, for messages and the ledger.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Submit => "submit",
            Self::Approve(_) => "approve",
            Self::Hold { .. } => "hold",
            Self::Release => "release",
            Self::Queue => "queue",
            Self::Unqueue => "unqueue",
            Self::Send { .. } => "send",
            Self::Deliver => "deliver",
            Self::Bounce { .. } => "bounce",
            Self::Acknowledge { .. } => "acknowledge",
            Self::Begin => "begin",
            Self::Claim { .. } => "claim",
            Self::SeeDown { .. } => "see down",
            Self::SeeUp { .. } => "see up",
            Self::Confirm { .. } => "confirm",
            Self::Watch { .. } => "watch",
            Self::Close => "close",
            Self::Return { .. } => "return",
            Self::Reopen => "reopen",
            Self::Refuse { .. } => "refuse",
            Self::Redirect { .. } => "redirect",
            Self::Supersede { .. } => "supersede",
            Self::Cancel { .. } => "cancel",
            Self::Fail { .. } => "fail",
        }
    }
}

/// An event that has no meaning in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a task that is {from} cannot {event}")]
pub struct InvalidTransition {
    /// Where the task stands.
    pub from: TaskState,
    /// What was to happen.
    pub event: &'static str,
}

impl From<InvalidTransition> for Error {
    fn from(refused: InvalidTransition) -> Self {
        Self::Conflict {
            from: format!("the task is {}", refused.from),
            event: format!("`{}`", refused.event),
        }
    }
}

impl State {
    /// The stored name of the state.
    pub const fn stored(&self) -> TaskState {
        match self {
            Self::Draft { .. } => TaskState::Draft,
            Self::EvidenceReady { .. } => TaskState::EvidenceReady,
            Self::Review => TaskState::Review,
            Self::Approved(_) => TaskState::Approved,
            Self::Held { .. } => TaskState::Held,
            Self::Queued(_) => TaskState::Queued,
            Self::Sent(_) => TaskState::Sent,
            Self::Delivered(_) => TaskState::Delivered,
            Self::Bounced { .. } => TaskState::Bounced,
            Self::Acked(_) => TaskState::Acked,
            Self::InProgress(_) => TaskState::InProgress,
            Self::MitigatedClaimed(_) => TaskState::MitigatedClaimed,
            Self::VerifiedDown(_) => TaskState::VerifiedDown,
            Self::Monitoring(_) => TaskState::Monitoring,
            Self::Closed(_) => TaskState::Closed,
            Self::ReEmerged { .. } => TaskState::ReEmerged,
            Self::Refused { .. } => TaskState::Refused,
            Self::Redirected { .. } => TaskState::Redirected,
            Self::Superseded { .. } => TaskState::Superseded,
            Self::Cancelled { .. } => TaskState::Cancelled,
            Self::Failed { .. } => TaskState::Failed,
        }
    }

    /// The state that `event` leads to.
    ///
    /// # Errors
    /// The event has no meaning in this state.
    pub fn on(self, event: Event) -> Result<Self, InvalidTransition> {
        let refused = InvalidTransition { from: self.stored(), event: event.name() };
        match event {
            Event::Complete
            | Event::Submit
            | Event::Approve(_)
            | Event::Hold { .. }
            | Event::Release
            | Event::Queue
            | Event::Unqueue => self.prepare(event, refused),
            Event::Send { .. }
            | Event::Deliver
            | Event::Bounce { .. }
            | Event::Acknowledge { .. }
            | Event::Begin
            | Event::Claim { .. } => self.correspond(event, refused),
            Event::SeeDown { .. }
            | Event::SeeUp { .. }
            | Event::Confirm { .. }
            | Event::Watch { .. }
            | Event::Close
            | Event::Return { .. }
            | Event::Reopen => self.watch(event, refused),
            Event::Refuse { .. }
            | Event::Redirect { .. }
            | Event::Supersede { .. }
            | Event::Cancel { .. }
            | Event::Fail { .. } => self.leave(event, refused),
        }
    }

    /// From opened to queued: people's decisions.
    fn prepare(self, event: Event, refused: InvalidTransition) -> Result<Self, InvalidTransition> {
        Ok(match (self, event) {
            (Self::Draft { .. }, Event::Complete) => Self::EvidenceReady { reemerged_at: None },
            (Self::EvidenceReady { .. }, Event::Submit) => Self::Review,
            (Self::Review, Event::Approve(approval)) => Self::Approved(approval),
            (Self::Approved(approval) | Self::Queued(approval), Event::Hold { reason }) => {
                Self::Held { approval, reason }
            }
            (Self::Held { approval, .. }, Event::Release) => Self::Approved(approval),
            (Self::Approved(approval), Event::Queue) => Self::Queued(approval),
            (Self::Queued(approval), Event::Unqueue) => Self::Approved(approval),
            _ => return Err(refused),
        })
    }

    /// From queued to the desk's last word.
    fn correspond(self, event: Event, refused: InvalidTransition) -> Result<Self, InvalidTransition> {
        let asked = |approval, at, check_at| Asked {
            approval,
            first_notice_at: at,
            ack_at: None,
            claimed_at: None,
            first_seen_down_at: None,
            verdict: None,
            next_check_at: check_at,
        };
        Ok(match (self, event) {
            (Self::Queued(approval), Event::Send { at, check_at }) => {
                Self::Sent(asked(approval, at, Some(check_at)))
            }
            (Self::Sent(asked), Event::Deliver) => Self::Delivered(asked),
            // Refused by the recipient's server at once: nothing arrived, so there is nothing to verify.
            (Self::Queued(approval), Event::Bounce { at, reason }) => {
                Self::Bounced { asked: asked(approval, at, None), reason }
            }
            (Self::Sent(asked) | Self::Delivered(asked), Event::Bounce { reason, .. }) => {
                Self::Bounced { asked, reason }
            }
            (
                Self::Sent(asked) | Self::Delivered(asked) | Self::Bounced { asked, .. },
                Event::Acknowledge { at },
            ) => Self::Acked(Asked { ack_at: Some(at), ..asked }),
            (Self::Sent(asked) | Self::Delivered(asked) | Self::Acked(asked), Event::Begin) => {
                Self::InProgress(asked)
            }
            (
                Self::Sent(asked) | Self::Delivered(asked) | Self::Acked(asked) | Self::InProgress(asked),
                Event::Claim { at },
            ) => Self::MitigatedClaimed(Asked { claimed_at: Some(at), ..asked }),
            _ => return Err(refused),
        })
    }

    /// From asked to verified and watched, and back when it returns.
    #[expect(clippy::needless_pass_by_value, reason = "an event is used up, here as in its sisters")]
    fn watch(mut self, event: Event, refused: InvalidTransition) -> Result<Self, InvalidTransition> {
        match event {
            Event::SeeDown { at, verdict, check_at } => {
                if let Some(asked) = self.asked_mut() {
                    asked.first_seen_down_at.get_or_insert(at);
                    (asked.verdict, asked.next_check_at) = (Some(verdict), Some(check_at));
                    return Ok(self);
                }
                match self {
                    Self::Monitoring(down) => {
                        Ok(Self::Monitoring(Down { verdict, next_check_at: Some(check_at), ..down }))
                    }
                    _ => Err(refused),
                }
            }
            Event::SeeUp { verdict, check_at } => {
                if let Some(asked) = self.asked_mut() {
                    // An inconclusive look neither starts nor ends being down.
                    if verdict != Verdict::Inconclusive {
                        asked.first_seen_down_at = None;
                    }
                    (asked.verdict, asked.next_check_at) = (Some(verdict), Some(check_at));
                    return Ok(self);
                }
                match self {
                    // Down until enough looks say that it is back.
                    Self::Monitoring(down) => {
                        Ok(Self::Monitoring(Down { next_check_at: Some(check_at), ..down }))
                    }
                    _ => Err(refused),
                }
            }
            Event::Confirm { at, verdict } => match self.asked_mut() {
                Some(asked) => Ok(Self::VerifiedDown(Down {
                    verdict,
                    first_seen_down_at: asked.first_seen_down_at.unwrap_or(at),
                    confirmed_at: at,
                    next_check_at: None,
                })),
                None => Err(refused),
            },
            Event::Watch { check_at } => match self {
                Self::VerifiedDown(down) | Self::Closed(down) => {
                    Ok(Self::Monitoring(Down { next_check_at: Some(check_at), ..down }))
                }
                _ => Err(refused),
            },
            Event::Close => match self {
                Self::VerifiedDown(down) | Self::Monitoring(down) => {
                    Ok(Self::Closed(Down { next_check_at: None, ..down }))
                }
                _ => Err(refused),
            },
            Event::Return { at, verdict } => match self {
                Self::VerifiedDown(_) | Self::Monitoring(_) | Self::Closed(_) => {
                    Ok(Self::ReEmerged { at, verdict })
                }
                _ => Err(refused),
            },
            Event::Reopen => match self {
                Self::ReEmerged { at, .. } => Ok(Self::EvidenceReady { reemerged_at: Some(at) }),
                Self::Bounced { .. } | Self::Failed { .. } | Self::Cancelled { .. } => {
                    Ok(Self::EvidenceReady { reemerged_at: None })
                }
                _ => Err(refused),
            },
            _ => Err(refused),
        }
    }

    /// The side exits, from any state that has not ended.
    fn leave(self, event: Event, refused: InvalidTransition) -> Result<Self, InvalidTransition> {
        let (asked, ended) = (self.asked().is_some(), self.ended());
        match event {
            _ if ended => Err(refused),
            Event::Refuse { reason } if asked => Ok(Self::Refused { reason }),
            Event::Redirect { reason } if asked => Ok(Self::Redirected { reason }),
            Event::Supersede { reason } => Ok(Self::Superseded { reason }),
            Event::Cancel { reason } => Ok(Self::Cancelled { reason }),
            Event::Fail { reason } => Ok(Self::Failed { reason }),
            _ => Err(refused),
        }
    }

    /// What was asked, in the states in which an answer is awaited.
    pub const fn asked(&self) -> Option<&Asked> {
        match self {
            Self::Sent(asked)
            | Self::Delivered(asked)
            | Self::Bounced { asked, .. }
            | Self::Acked(asked)
            | Self::InProgress(asked)
            | Self::MitigatedClaimed(asked) => Some(asked),
            Self::Draft { .. }
            | Self::EvidenceReady { .. }
            | Self::Review
            | Self::Approved(_)
            | Self::Held { .. }
            | Self::Queued(_)
            | Self::VerifiedDown(_)
            | Self::Monitoring(_)
            | Self::Closed(_)
            | Self::ReEmerged { .. }
            | Self::Refused { .. }
            | Self::Redirected { .. }
            | Self::Superseded { .. }
            | Self::Cancelled { .. }
            | Self::Failed { .. } => None,
        }
    }

    fn asked_mut(&mut self) -> Option<&mut Asked> {
        match self {
            Self::Sent(asked)
            | Self::Delivered(asked)
            | Self::Bounced { asked, .. }
            | Self::Acked(asked)
            | Self::InProgress(asked)
            | Self::MitigatedClaimed(asked) => Some(asked),
            _ => None,
        }
    }

    /// Whether nothing more is expected to happen by itself.
    pub const fn ended(&self) -> bool {
        matches!(
            self,
            Self::Closed(_)
                | Self::Refused { .. }
                | Self::Redirected { .. }
                | Self::Superseded { .. }
                | Self::Cancelled { .. }
                | Self::Failed { .. }
        )
    }
}

/// Reads the state from a row.
impl TryFrom<&task::Model> for State {
    type Error = Error;

    fn try_from(row: &task::Model) -> Result<Self, Error> {
        let lacks = |column: &str| {
            Error::internal(format!("task {}: it is {} without `{column}`", row.id, row.state))
        };
        let reason = || row.reason.clone().unwrap_or_default();
        let approval = || {
            Ok::<_, Error>(Approval {
                by: row.approved_by.clone().ok_or_else(|| lacks("approved_by"))?,
                at: row.approved_at.ok_or_else(|| lacks("approved_at"))?,
            })
        };
        let asked = || {
            Ok::<_, Error>(Asked {
                approval: approval()?,
                first_notice_at: row.first_notice_at.ok_or_else(|| lacks("first_notice_at"))?,
                ack_at: row.ack_at,
                claimed_at: row.claimed_at,
                first_seen_down_at: row.first_seen_down_at,
                verdict: row.verdict,
                next_check_at: row.next_check_at,
            })
        };
        let down = || {
            Ok::<_, Error>(Down {
                verdict: row.verdict.ok_or_else(|| lacks("verdict"))?,
                first_seen_down_at: row.first_seen_down_at.ok_or_else(|| lacks("first_seen_down_at"))?,
                confirmed_at: row.confirmed_at.ok_or_else(|| lacks("confirmed_at"))?,
                next_check_at: row.next_check_at,
            })
        };
        Ok(match row.state {
            TaskState::Draft => Self::Draft { missing: row.reason.clone() },
            TaskState::EvidenceReady => Self::EvidenceReady { reemerged_at: row.reemerged_at },
            TaskState::Review => Self::Review,
            TaskState::Approved => Self::Approved(approval()?),
            TaskState::Held => Self::Held { approval: approval()?, reason: reason() },
            TaskState::Queued => Self::Queued(approval()?),
            TaskState::Sent => Self::Sent(asked()?),
            TaskState::Delivered => Self::Delivered(asked()?),
            TaskState::Bounced => Self::Bounced { asked: asked()?, reason: reason() },
            TaskState::Acked => Self::Acked(asked()?),
            TaskState::InProgress => Self::InProgress(asked()?),
            TaskState::MitigatedClaimed => Self::MitigatedClaimed(asked()?),
            TaskState::VerifiedDown => Self::VerifiedDown(down()?),
            TaskState::Monitoring => Self::Monitoring(down()?),
            TaskState::Closed => Self::Closed(down()?),
            TaskState::ReEmerged => Self::ReEmerged {
                at: row.reemerged_at.ok_or_else(|| lacks("reemerged_at"))?,
                verdict: row.verdict.ok_or_else(|| lacks("verdict"))?,
            },
            TaskState::Refused => Self::Refused { reason: reason() },
            TaskState::Redirected => Self::Redirected { reason: reason() },
            TaskState::Superseded => Self::Superseded { reason: reason() },
            TaskState::Cancelled => Self::Cancelled { reason: reason() },
            TaskState::Failed => Self::Failed { reason: reason() },
        })
    }
}

impl State {
    /// Writes the state's own data into the row. What an earlier state knew stays in the row as history, except
    /// that a task that is taken up again begins with empty clocks (the ledger keeps the old ones).
    pub fn write(self, row: &mut task::Model) {
        row.state = self.stored();
        match self {
            Self::Draft { missing } => row.reason = missing,
            Self::EvidenceReady { reemerged_at } => {
                (row.approved_by, row.approved_at, row.next_check_at) = (None, None, None);
                (row.first_notice_at, row.ack_at, row.claimed_at) = (None, None, None);
                (row.first_seen_down_at, row.confirmed_at) = (None, None);
                row.reemerged_at = reemerged_at.or(row.reemerged_at);
            }
            Self::Review => {}
            Self::Approved(approval) | Self::Queued(approval) => write_approval(approval, row),
            Self::Held { approval, reason } => {
                write_approval(approval, row);
                row.reason = Some(reason);
            }
            Self::Sent(asked)
            | Self::Delivered(asked)
            | Self::Acked(asked)
            | Self::InProgress(asked)
            | Self::MitigatedClaimed(asked) => write_asked(asked, row),
            Self::Bounced { asked, reason } => {
                write_asked(asked, row);
                row.reason = Some(reason);
            }
            Self::VerifiedDown(down) | Self::Monitoring(down) | Self::Closed(down) => {
                row.verdict = Some(down.verdict);
                row.first_seen_down_at = Some(down.first_seen_down_at);
                row.confirmed_at = Some(down.confirmed_at);
                row.next_check_at = down.next_check_at;
            }
            Self::ReEmerged { at, verdict } => {
                (row.reemerged_at, row.verdict, row.next_check_at) = (Some(at), Some(verdict), None);
            }
            Self::Refused { reason }
            | Self::Redirected { reason }
            | Self::Superseded { reason }
            | Self::Cancelled { reason }
            | Self::Failed { reason } => {
                (row.reason, row.next_check_at) = (Some(reason), None);
            }
        }
    }
}

fn write_approval(approval: Approval, row: &mut task::Model) {
    (row.approved_by, row.approved_at) = (Some(approval.by), Some(approval.at));
}

fn write_asked(asked: Asked, row: &mut task::Model) {
    write_approval(asked.approval, row);
    row.first_notice_at = Some(asked.first_notice_at);
    (row.ack_at, row.claimed_at) = (asked.ack_at, asked.claimed_at);
    row.first_seen_down_at = asked.first_seen_down_at;
    (row.verdict, row.next_check_at) = (asked.verdict, asked.next_check_at);
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

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
}
