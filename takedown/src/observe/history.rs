//! What was the answer on a given day.

use entities::{ObservableId, Timestamp, observation};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder};

use crate::{actor::Actor, error::Error, visible};

/// The observations of one observable that held at `at`: first seen by then and last seen no earlier, or, where
/// nobody looked just then, the last one before it. In the order of question and server.
///
/// # Errors
/// The database refused.
pub async fn as_of(
    db: &impl ConnectionTrait,
    actor: &Actor,
    observable: ObservableId,
    at: Timestamp,
) -> Result<Vec<observation::Model>, Error> {
    let rows = visible::observations(actor)
        .filter(observation::Column::ObservableId.eq(observable))
        .filter(observation::Column::FirstSeen.lte(at))
        .order_by_asc(observation::Column::Probe)
        .order_by_asc(observation::Column::Server)
        .order_by_desc(observation::Column::FirstSeen)
        .order_by_desc(observation::Column::Id)
        .all(db)
        .await?;
    let mut held: Vec<observation::Model> = Vec::new();
    for row in rows {
        if held.last().is_none_or(|last| (last.probe, &last.server) != (row.probe, &row.server)) {
            held.push(row);
        }
    }
    Ok(held)
}
