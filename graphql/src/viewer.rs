//! Who asks, and what they may do. The rules are `access`'s; this only tells their answer.

use async_graphql::{Context, Enum, Object};
use takedown::{
    access::{self, Subject},
    actor::Actor,
};

use crate::{context::ContextExt, enums::ActorRole};

/// An act, as `access` knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "takedown::access::Action")]
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
    /// Open tasks.
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
}

/// Whether who asks may do it to what `drafted_by` prepared.
pub fn can(ctx: &Context<'_>, action: Action, drafted_by: &str) -> bool {
    access::check(ctx.actor(), action.into(), Subject::DraftedBy(drafted_by)).is_ok()
}

/// Who is signed in.
pub struct Viewer;

/// Who is signed in.
#[Object]
impl Viewer {
    /// The name, as the ledger keeps it.
    async fn name(&self, ctx: &Context<'_>) -> String {
        ctx.actor().to_string()
    }

    /// The role; null for machine work.
    async fn role(&self, ctx: &Context<'_>) -> Option<ActorRole> {
        ctx.actor().role().map(Into::into)
    }

    /// The agency of a liaison.
    async fn agency(&self, ctx: &Context<'_>) -> Option<String> {
        match ctx.actor() {
            Actor::Person { agency, .. } => agency.clone(),
            Actor::System(_) | Actor::Nobody => None,
        }
    }

    /// Whether they may do this at all; a task and a notice have a field of their own, since four eyes count there.
    async fn can(&self, ctx: &Context<'_>, #[graphql(desc = "The act.")] action: Action) -> bool {
        access::check(ctx.actor(), action.into(), Subject::System).is_ok()
    }
}
