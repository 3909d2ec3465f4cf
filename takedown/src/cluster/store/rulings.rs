//! The rulings of people about memberships.

use std::collections::{BTreeMap, BTreeSet};

use entities::{ClusterId, ClusterRulingKind, ObservableId, cluster_ruling};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::error::Error;

/// What people ruled about memberships, the latest of each.
#[derive(Default)]
pub struct Memberships {
    /// Where an observable is pinned, with the reason.
    pub pinned: BTreeMap<ObservableId, (ClusterId, String)>,
    /// Where it may not be.
    pub barred: BTreeSet<(ClusterId, ObservableId)>,
}

/// The membership rulings that stand.
///
/// # Errors
/// The database refused.
#[expect(clippy::disallowed_methods, reason = "rulings bind every run, whoever asks for it")]
pub async fn memberships(db: &impl ConnectionTrait) -> Result<Memberships, Error> {
    let rows = cluster_ruling::Entity::find()
        .filter(cluster_ruling::Column::ObservableId.is_not_null())
        .order_by_asc(cluster_ruling::Column::Id)
        .all(db)
        .await?;
    let mut standing = Memberships::default();
    for row in rows {
        let Some(observable) = row.observable_id else { continue };
        let key = (row.cluster_id, observable);
        match row.kind {
            ClusterRulingKind::Pinned => {
                standing.barred.remove(&key);
                standing
                    .pinned
                    .insert(observable, (row.cluster_id, format!("{}: {}", row.ruled_by, row.reason)));
            }
            ClusterRulingKind::Barred | ClusterRulingKind::Withdrawn => {
                if standing.pinned.get(&observable).is_some_and(|(cluster, _)| *cluster == row.cluster_id) {
                    standing.pinned.remove(&observable);
                }
                if row.kind == ClusterRulingKind::Barred {
                    standing.barred.insert(key);
                } else {
                    standing.barred.remove(&key);
                }
            }
            ClusterRulingKind::Accepted | ClusterRulingKind::Rejected => {}
        }
    }
    Ok(standing)
}
