//! Who asks, and what they may do. The rules are `access`'s; this only tells their answer.

use async_graphql::{Context, Enum, Object};
use takedown::{
    access::{self, Subject},
    actor::Actor,
};

use crate::{
    context::ContextExt,
    enums::ActorRole,
    error::Result,
    people::{self, AccessToken, Person, Session},
};

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
    /// Learn how families are told apart.
    TrainAttribution,
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

/// Whether who asks may do it to what `drafted_by` prepared.
pub fn can(ctx: &Context<'_>, action: Action, drafted_by: &str) -> bool {
    access::check(ctx.actor(), action.into(), Subject::DraftedBy(drafted_by)).is_ok()
}

/// Who is signed in.
pub struct Viewer;

/// Who is signed in.
#[Object]
impl Viewer {
    /// The name: of an account the one to sign in with, else the one that the ledger keeps.
    async fn name(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(match people::own(ctx).await? {
            Some(Person(row)) => row.name,
            None => ctx.actor().to_string(),
        })
    }

    /// The account; null for a program's token.
    async fn account(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        people::own(ctx).await
    }

    /// The browsers in which this account is signed in.
    async fn sessions(&self, ctx: &Context<'_>) -> Result<Vec<Session>> {
        people::own_sessions(ctx).await
    }

    /// The account's own tokens that were not revoked.
    async fn tokens(&self, ctx: &Context<'_>) -> Result<Vec<AccessToken>> {
        people::own_tokens(ctx).await
    }

    /// The role; null for machine work.
    async fn role(&self, ctx: &Context<'_>) -> Option<ActorRole> {
        ctx.actor().role().map(Into::into)
    }

    /// The party of a liaison, or of another person that has one, by its key.
    async fn agency(&self, ctx: &Context<'_>) -> Option<String> {
        match ctx.actor() {
            Actor::Person { agency, .. } => agency.clone(),
            Actor::System(_) | Actor::Confined(..) | Actor::Nobody => None,
        }
    }

    /// Whether they may do this at all; a task and a notice have a field of their own, since four eyes count there.
    async fn can(&self, ctx: &Context<'_>, #[graphql(desc = "The act.")] action: Action) -> bool {
        access::check(ctx.actor(), action.into(), Subject::System).is_ok()
    }
}
