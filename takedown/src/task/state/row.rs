//! The state of a task as columns of its row.

use entities::{TaskState, task};

use super::{Approval, Asked, Down, State};
use crate::error::Error;

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
