//! What can happen to a task.

use entities::{Timestamp, Verdict};

use super::Approval;

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
