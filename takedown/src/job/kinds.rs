//! Every kind of machine work, by name. What a kind does is in its stage; here is only what it is told.

use entities::{NoticeId, ObservableId, TaskId};
use serde::{Deserialize, Serialize};

use super::Job;

/// Reconciler: looks at observables whose time has come.
#[derive(Debug, Serialize, Deserialize)]
pub struct ObserveDue {}

impl Job for ObserveDue {
    const NAME: &'static str = "observe-due";

    fn dedupe(&self) -> Option<String> {
        Some("all".into())
    }
}

/// Reads the registration data (RDAP) of domains and addresses. At most a few dozen, since registries allow
/// about one question a second.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReadRegistrations {
    /// Which.
    pub observables: Vec<ObservableId>,
}

impl Job for ReadRegistrations {
    const NAME: &'static str = "read-registrations";
    const PRIORITY: i16 = -1;
}

/// Groups observables anew; one waiting run serves every change before it begins.
#[derive(Debug, Serialize, Deserialize)]
pub struct Recluster {}

impl Job for Recluster {
    const NAME: &'static str = "recluster";
    const PRIORITY: i16 = -2;

    fn dedupe(&self) -> Option<String> {
        Some("all".into())
    }
}

/// Renders the notices for approved tasks, one per desk.
#[derive(Debug, Serialize, Deserialize)]
pub struct DraftNotices {
    /// The approved tasks.
    pub tasks: Vec<TaskId>,
}

impl Job for DraftNotices {
    const NAME: &'static str = "draft-notices";
}

/// Sends one approved notice.
#[derive(Debug, Serialize, Deserialize)]
pub struct SendNotice {
    /// Which.
    pub notice: NoticeId,
}

impl Job for SendNotice {
    const NAME: &'static str = "send-notice";
    const PRIORITY: i16 = 1;

    fn dedupe(&self) -> Option<String> {
        Some(self.notice.to_string())
    }
}

/// Reconciler: puts approved notices that wait (delivery was off, or a job was lost) on their way again.
#[derive(Debug, Serialize, Deserialize)]
pub struct SendWaiting {}

impl Job for SendWaiting {
    const NAME: &'static str = "send-waiting";

    fn dedupe(&self) -> Option<String> {
        Some("all".into())
    }
}

/// Reconciler: looks whether the targets of open tasks are down, and whether closed ones came back.
#[derive(Debug, Serialize, Deserialize)]
pub struct VerifyDue {}

impl Job for VerifyDue {
    const NAME: &'static str = "verify-due";

    fn dedupe(&self) -> Option<String> {
        Some("all".into())
    }
}

/// Signs the head of the ledger.
#[derive(Debug, Serialize, Deserialize)]
pub struct SignCheckpoint {}

impl Job for SignCheckpoint {
    const NAME: &'static str = "sign-checkpoint";

    fn dedupe(&self) -> Option<String> {
        Some("all".into())
    }
}

/// Asks sign-in providers whether they still vouch for the sessions that were begun with them.
#[derive(Debug, Serialize, Deserialize)]
pub struct RefreshSessions {}

impl Job for RefreshSessions {
    const NAME: &'static str = "refresh-sessions";

    fn dedupe(&self) -> Option<String> {
        Some("all".into())
    }
}

/// Takes away what is kept of people for longer than it is needed.
#[derive(Debug, Serialize, Deserialize)]
pub struct TidyPeople {}

impl Job for TidyPeople {
    const NAME: &'static str = "tidy-people";
    const PRIORITY: i16 = -1;

    fn dedupe(&self) -> Option<String> {
        Some("all".into())
    }
}
