//! The life of a task (reference/domain.md §6): every state owns the data that is true in it, every event
//! consumes the state before it. Pure.

mod event;
mod row;

use entities::{TaskState, Timestamp, Verdict};

pub use self::event::Event;
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

#[cfg(test)]
mod tests;
