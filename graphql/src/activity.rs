//! Who did what, and what was done to what.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use entities::audit_event;
use takedown::{access, audit};
use time::OffsetDateTime;

use crate::{
    context::{ContextExt, int},
    error::Result,
    page::invalid,
    who::Who,
};

/// An event of the ledger.
pub struct LedgerEvent(audit_event::Model);

/// An event of the ledger.
#[Object]
impl LedgerEvent {
    /// Its place in the chain, from 1; for `before`.
    async fn number(&self) -> String {
        self.0.seq.to_string()
    }

    /// When.
    async fn at(&self) -> OffsetDateTime {
        self.0.at.datetime()
    }

    /// Who.
    async fn actor(&self) -> Who {
        Who::of(&self.0.actor)
    }

    /// What was done.
    async fn verb(&self) -> &str {
        &self.0.verb
    }

    /// To what: a prefixed id.
    async fn subject(&self) -> &str {
        &self.0.subject
    }

    /// The facts, as JSON text; null for who does not see everything and did not do it.
    async fn detail(&self, ctx: &Context<'_>) -> Option<&str> {
        access::reads_facts(ctx.actor(), &self.0.actor).then_some(self.0.detail.as_str())
    }

    /// SHA-256 over it and the event before, lower-case hex.
    async fn hash(&self) -> String {
        takedown::hex(&self.0.hash)
    }

    /// The trace in which it was written.
    async fn trace_id(&self) -> Option<&str> {
        self.0.trace_id.as_deref()
    }
}

/// Which events are wanted; what is left out does not limit.
#[derive(InputObject, Default)]
pub struct ActivityFilter {
    /// By whom, as events name them.
    actor: Option<String>,
    /// To what: a prefixed id.
    subject: Option<String>,
    /// What was done.
    verb: Option<String>,
}

/// Events, newest first.
#[derive(SimpleObject)]
pub struct Activity {
    /// The events.
    nodes: Vec<LedgerEvent>,
    /// Whether there are older ones: ask again with `before` the last one's number.
    truncated: bool,
    /// The number of all that match; counted only when it is asked for.
    total: Option<i32>,
}

/// The events that are asked for.
///
/// # Errors
/// An argument is wrong, who asks may not, or the database refused.
pub async fn activity(
    ctx: &Context<'_>,
    filter: Option<ActivityFilter>,
    first: Option<i32>,
    before: Option<String>,
) -> Result<Activity> {
    let ActivityFilter { actor, subject, verb } = filter.unwrap_or_default();
    let filter = audit::ActivityFilter { actor, subject, verb };
    let first = u64::try_from(first.unwrap_or(50)).map_err(|_| invalid("first", "must not be negative"))?;
    let before = before.map(|number| number.parse::<i64>()).transpose();
    let before = before.map_err(|_| invalid("before", "is no event's number"))?;
    let total = ctx.look_ahead().field("total").exists();
    let slice = audit::activity(ctx.env(), ctx.actor(), &filter, first, before, total).await?;
    Ok(Activity {
        nodes: slice.rows.into_iter().map(LedgerEvent).collect(),
        truncated: slice.more,
        total: slice.total.map(int),
    })
}
