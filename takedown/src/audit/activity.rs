//! Who did what, and what was done to what: the ledger by person and by subject.
#![expect(
    clippy::disallowed_methods,
    reason = "the ledger has its own rule: `Action::ReadLedger`, or one's own acts"
)]

use entities::audit_event::{Column, Entity, Model};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    env::Env,
    error::Error,
    reads::{Page, Slice},
};

/// Which events are wanted; what is left out does not limit.
#[derive(Clone, Debug, Default)]
pub struct ActivityFilter {
    /// By whom: as the ledger keeps it, of an account its id.
    pub actor: Option<String>,
    /// To what: a prefixed id.
    pub subject: Option<String>,
    /// What was done.
    pub verb: Option<String>,
}

/// Events, newest first: `before` is the number of the event before which the page begins. Everyone may read what they
/// did themselves; what others did is for who may read the ledger. What tells of an operation is there for who knows of it.
///
/// # Errors
/// The actor may not, the page is out of bounds, or the database refused.
pub async fn activity(
    env: &Env,
    actor: &Actor,
    filter: &ActivityFilter,
    first: u64,
    before: Option<i64>,
    total: bool,
) -> Result<Slice<Model>, Error> {
    access::signed_in(actor)?;
    if filter.actor.as_deref() != Some(actor.to_string().as_str()) {
        access::check(actor, Action::ReadLedger, Subject::System)?;
    }
    if first == 0 || first > Page::MOST {
        return Err(Error::invalid("first", format!("must be 1 to {}", Page::MOST)));
    }
    let mut select = Entity::find().filter(access::ledger(actor));
    for (column, wanted) in
        [(Column::Actor, &filter.actor), (Column::Subject, &filter.subject), (Column::Verb, &filter.verb)]
    {
        if let Some(wanted) = wanted {
            select = select.filter(column.eq(wanted.as_str()));
        }
    }
    let total = if total { Some(select.clone().count(&env.db).await?) } else { None };
    if let Some(before) = before {
        select = select.filter(Column::Seq.lt(before));
    }
    let mut rows = select.order_by_desc(Column::Seq).limit(first + 1).all(&env.db).await?;
    let wanted = usize::try_from(first).unwrap_or(usize::MAX);
    let more = rows.len() > wanted;
    rows.truncate(wanted);
    actor.shown(rows.iter().map(|row| row.operation_id));
    Ok(Slice { rows, more, total })
}
