//! That somebody read what belongs to a sealed operation is in the ledger: once a request and operation, not once a row.

use std::collections::BTreeSet;

use entities::{OperationId, operation};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use crate::{actor::Actor, audit, env::Env, error::Error};

/// Writes down of which sealed operations the actor was shown something since this was asked last, those in `known` left
/// out, and notes them there. What cannot be written down must not be shown: the caller keeps it back.
///
/// # Errors
/// The ledger cannot be written now.
pub async fn record_reads(env: &Env, actor: &Actor, known: &mut BTreeSet<OperationId>) -> Result<(), Error> {
    let shown: Vec<OperationId> = actor.take_shown().difference(known).copied().collect();
    if shown.is_empty() {
        return Ok(());
    }
    let sealed = sealed(env, &shown).await?;
    if sealed.is_empty() {
        return Ok(());
    }
    // Only these: one that is open now may be sealed while a subscription runs.
    known.extend(sealed.iter().copied());
    let written = async {
        let txn = env.begin().await?;
        for id in sealed {
            audit::record_of(&txn, env.now(), actor, Some(id), "read_operation", id, json!({})).await?;
        }
        env.commit(txn).await
    };
    written.await.map_err(|error| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "a read of a sealed operation was not recorded"
        );
        Error::Unavailable { what: "the ledger, in which this read must be written,".into() }
    })
}

#[expect(clippy::disallowed_methods, reason = "of operations that were shown, whether they are sealed")]
async fn sealed(env: &Env, ids: &[OperationId]) -> Result<Vec<OperationId>, Error> {
    let sealed = operation::Entity::find()
        .select_only()
        .column(operation::Column::Id)
        .filter(operation::Column::Id.is_in(ids.iter().copied()))
        .filter(operation::Column::SealedAt.is_not_null())
        .order_by_asc(operation::Column::Id);
    Ok(sealed.into_tuple().all(&env.db).await?)
}
