//! The values that too many hold.

use std::collections::HashMap;

use entities::{OperationId, PivotRuling, pivot};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel,
    QueryFilter,
};

use super::{Scope, insert_all, of};
use crate::{
    cluster::{engine::Hub, holdings::Value},
    env::Env,
    error::Error,
};

/// Parks the hubs of a run over the names of an operation, or of none, and lets those go that shrank; of a `scope` those
/// alone that were counted. Returns how many rows changed.
///
/// # Errors
/// The database refused.
#[expect(clippy::disallowed_methods, reason = "the one writer of pivots, for all of them")]
pub async fn hubs(
    env: &Env,
    txn: &DatabaseTransaction,
    operation: Option<OperationId>,
    hubs: &[Hub],
    scope: Option<&Scope>,
) -> Result<usize, Error> {
    let mut present: HashMap<Value, pivot::Model> = pivot::Entity::find()
        .filter(of(pivot::Column::OperationId, operation))
        .all(txn)
        .await?
        .into_iter()
        .map(|row| ((row.kind.clone(), row.value.clone()), row))
        .filter(|(value, _)| scope.is_none_or(|scope| scope.counts.contains_key(value)))
        .collect();
    let (mut new, mut changed) = (Vec::new(), 0);
    for hub in hubs {
        let shared_by = i64::try_from(hub.shared_by).unwrap_or(i64::MAX);
        match present.remove(&(hub.kind.as_str().to_owned(), hub.value.clone())) {
            Some(row) if row.shared_by == shared_by && row.parked_at.is_some() => {}
            Some(row) => {
                let parked_at = row.parked_at.unwrap_or_else(|| env.now());
                let mut active = row.into_active_model();
                active.shared_by = Set(shared_by);
                active.parked_at = Set(Some(parked_at));
                active.update(txn).await?;
                changed += 1;
            }
            None => new.push(pivot::ActiveModel {
                id: Set(env.id()),
                kind: Set(hub.kind.as_str().to_owned()),
                value: Set(hub.value.clone()),
                shared_by: Set(shared_by),
                parked_at: Set(Some(env.now())),
                ruling: Set(PivotRuling::Unruled),
                reason: Set(String::new()),
                ruled_by: Set(String::new()),
                ruled_at: Set(None),
                operation_id: Set(operation),
            }),
        }
    }
    for row in present.into_values() {
        if row.ruling == PivotRuling::Unruled {
            pivot::Entity::delete_many().filter(pivot::Column::Id.eq(row.id)).exec(txn).await?;
            changed += 1;
        } else if row.parked_at.is_some() {
            let mut active = row.into_active_model();
            active.parked_at = Set(None);
            active.update(txn).await?;
            changed += 1;
        }
    }
    changed += new.len();
    insert_all::<pivot::Entity, _>(txn, new).await?;
    Ok(changed)
}
