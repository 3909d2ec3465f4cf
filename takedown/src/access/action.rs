//! The acts, and their names.

/// One variant per verb of the API and the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Read case content.
    Read,
    /// Bring in indicators.
    ImportIndicators,
    /// Look observables up now.
    Observe,
    /// Group observables anew.
    Recluster,
    /// Accept, reject, name, split and merge clusters, pin and bar members, exclude and trust pivots.
    RuleOnClusters,
    /// Learn how families are told apart.
    TrainAttribution,
    /// Open tasks for a cluster.
    OpenTasks,
    /// Approve tasks that another person opened.
    ApproveTasks,
    /// Render a notice.
    DraftNotice,
    /// Approve a notice that another person drafted.
    ApproveNotice,
    /// Send an approved notice.
    SendNotice,
    /// Say whether a target is down.
    Verify,
    /// Make an operation.
    CreateOperation,
    /// Add members to an operation and remove them, seal it.
    ManageOperation,
    /// Lift the seal of an operation.
    UnsealOperation,
    /// Make or revoke access tokens.
    ManageTokens,
    /// Read the ledger.
    ReadLedger,
    /// See the job queue and let dead jobs run again.
    ManageJobs,
    /// Read the directory of parties and the circle of countries: public knowledge, no case content.
    ReadDirectory,
    /// Load lists into the directory, decide about the circle.
    ManageParties,
    /// Make people, change what they are, end their sessions.
    ManagePeople,
    /// Let in whom a sign-in provider vouches for, as what its groups say.
    AdmitPeople,
    /// See and end one's own sessions, make and revoke one's own tokens, change one's password and second factor.
    ManageOwnAccess,
}

impl Action {
    /// Every action, in the matrix's order.
    pub const ALL: &'static [Self] = &[
        Self::Read,
        Self::ImportIndicators,
        Self::Observe,
        Self::Recluster,
        Self::RuleOnClusters,
        Self::TrainAttribution,
        Self::OpenTasks,
        Self::ApproveTasks,
        Self::DraftNotice,
        Self::ApproveNotice,
        Self::SendNotice,
        Self::Verify,
        Self::CreateOperation,
        Self::ManageOperation,
        Self::UnsealOperation,
        Self::ManageTokens,
        Self::ReadLedger,
        Self::ManageJobs,
        Self::ReadDirectory,
        Self::ManageParties,
        Self::ManagePeople,
        Self::AdmitPeople,
        Self::ManageOwnAccess,
    ];

    /// The name that a token keeps.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(action, _)| *action == self).map_or("", |(_, name)| name)
    }

    /// The act of that name.
    pub fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(action, _)| *action)
    }

    /// The verb, for messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "reading",
            Self::ImportIndicators => "importing indicators",
            Self::Observe => "observing",
            Self::Recluster => "clustering",
            Self::RuleOnClusters => "ruling on clusters",
            Self::TrainAttribution => "training the attribution",
            Self::OpenTasks => "opening tasks",
            Self::ApproveTasks => "approving tasks",
            Self::DraftNotice => "drafting a notice",
            Self::ApproveNotice => "approving a notice",
            Self::SendNotice => "sending a notice",
            Self::Verify => "verifying",
            Self::CreateOperation => "making an operation",
            Self::ManageOperation => "managing an operation",
            Self::UnsealOperation => "lifting the seal of an operation",
            Self::ManageTokens => "managing tokens",
            Self::ReadLedger => "reading the ledger",
            Self::ManageJobs => "managing jobs",
            Self::ReadDirectory => "reading the directory",
            Self::ManageParties => "managing parties",
            Self::ManagePeople => "managing people",
            Self::AdmitPeople => "admitting a provider's people",
            Self::ManageOwnAccess => "managing one's own access",
        }
    }
}

/// The names of acts in tokens, which outlive a version.
const NAMES: &[(Action, &str)] = &[
    (Action::Read, "read"),
    (Action::ImportIndicators, "import_indicators"),
    (Action::Observe, "observe"),
    (Action::Recluster, "recluster"),
    (Action::RuleOnClusters, "rule_on_clusters"),
    (Action::TrainAttribution, "train_attribution"),
    (Action::OpenTasks, "open_tasks"),
    (Action::ApproveTasks, "approve_tasks"),
    (Action::DraftNotice, "draft_notice"),
    (Action::ApproveNotice, "approve_notice"),
    (Action::SendNotice, "send_notice"),
    (Action::Verify, "verify"),
    (Action::CreateOperation, "create_operation"),
    (Action::ManageOperation, "manage_operation"),
    (Action::UnsealOperation, "unseal_operation"),
    (Action::ManageTokens, "manage_tokens"),
    (Action::ReadLedger, "read_ledger"),
    (Action::ManageJobs, "manage_jobs"),
    (Action::ReadDirectory, "read_directory"),
    (Action::ManageParties, "manage_parties"),
    (Action::ManagePeople, "manage_people"),
    (Action::AdmitPeople, "admit_people"),
    (Action::ManageOwnAccess, "manage_own_access"),
];
