//! The observation rows: a new one only when an answer changed, else the one there lasts longer.
#![expect(
    clippy::disallowed_methods,
    reason = "the one writer of observations, for rows that were seen already"
)]

use std::collections::HashMap;

use entities::{ObservableId, ObservationId, Probe, Timestamp, observation};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter,
    QuerySelect, sea_query::Expr,
};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::look::{Look, Reading, Seen};
use crate::{env::Env, error::Error};

/// Rows in one statement: below SQLite's limit of 32,766 parameters at ten a row.
const ROWS: usize = 2_000;

/// What the present row of one question to one server says.
struct Present {
    id: ObservationId,
    digest: Vec<u8>,
    last_seen: Timestamp,
}

/// Stores the answers of many looks; returns, per look, the answers that are new or changed.
///
/// # Errors
/// The database refused.
pub async fn store<'a>(
    env: &Env,
    txn: &DatabaseTransaction,
    looks: &'a [Look],
) -> Result<Vec<Vec<&'a Seen>>, Error> {
    let mut present = present(txn, looks).await?;
    let (mut same, mut rows) = (Vec::new(), Vec::new());
    let mut changed = Vec::with_capacity(looks.len());
    for look in looks {
        let mut new = Vec::new();
        for seen in &look.answers {
            let reading = value(&seen.reading)?;
            let digest = digest(seen.probe, &reading);
            match present.remove(&(look.observable, seen.probe, seen.server.clone())) {
                Some(row) if row.digest == digest => same.push((row.id, look.at)),
                _ => {
                    rows.push(row(env.ids.next(look.at), look, seen, reading, digest));
                    new.push(seen);
                }
            }
        }
        changed.push(new);
    }
    for part in chunks(&same) {
        extend(txn, part).await?;
    }
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        observation::Entity::insert_many(rows.by_ref().take(ROWS)).exec_without_returning(txn).await?;
    }
    Ok(changed)
}

/// Groups of ids that were looked at at one instant, so that one statement extends many.
fn chunks(same: &[(ObservationId, Timestamp)]) -> impl Iterator<Item = &[(ObservationId, Timestamp)]> {
    same.chunk_by(|a, b| a.1 == b.1).flat_map(|group| group.chunks(ROWS * 5))
}

async fn extend(txn: &DatabaseTransaction, same: &[(ObservationId, Timestamp)]) -> Result<(), Error> {
    let Some((_, at)) = same.first() else { return Ok(()) };
    observation::Entity::update_many()
        .col_expr(observation::Column::LastSeen, Expr::value(*at))
        .col_expr(observation::Column::Count, Expr::col(observation::Column::Count).add(1))
        .filter(observation::Column::Id.is_in(same.iter().map(|(id, _)| *id)))
        .exec(txn)
        .await?;
    Ok(())
}

/// The newest row of every question about what was looked at.
async fn present(
    txn: &impl ConnectionTrait,
    looks: &[Look],
) -> Result<HashMap<(ObservableId, Probe, String), Present>, Error> {
    let mut newest: HashMap<_, Present> = HashMap::new();
    let ids: Vec<_> = looks.iter().map(|look| look.observable).collect();
    for part in ids.chunks(ROWS * 5) {
        let rows: Vec<(ObservableId, Probe, String, ObservationId, Vec<u8>, Timestamp)> =
            observation::Entity::find()
                .select_only()
                .columns([
                    observation::Column::ObservableId,
                    observation::Column::Probe,
                    observation::Column::Server,
                    observation::Column::Id,
                    observation::Column::Digest,
                    observation::Column::LastSeen,
                ])
                .filter(observation::Column::ObservableId.is_in(part.iter().copied()))
                .into_tuple()
                .all(txn)
                .await?;
        for (observable, probe, server, id, digest, last_seen) in rows {
            let key = (observable, probe, server);
            if newest.get(&key).is_none_or(|row| (row.last_seen, row.id) < (last_seen, id)) {
                newest.insert(key, Present { id, digest, last_seen });
            }
        }
    }
    Ok(newest)
}

fn row(
    id: ObservationId,
    look: &Look,
    seen: &Seen,
    reading: Value,
    digest: Vec<u8>,
) -> observation::ActiveModel {
    observation::ActiveModel {
        id: Set(id),
        observable_id: Set(look.observable),
        probe: Set(seen.probe),
        server: Set(seen.server.clone()),
        reading: Set(reading),
        raw: Set(seen.raw.clone()),
        digest: Set(digest),
        first_seen: Set(look.at),
        last_seen: Set(look.at),
        count: Set(1),
    }
}

/// A reading as it is stored.
///
/// # Errors
/// It does not serialise: a defect.
pub fn value(reading: &Reading) -> Result<Value, Error> {
    let value = match reading {
        Reading::Dns(dns) => serde_json::to_value(dns),
        Reading::RdapDomain(rdap) => serde_json::to_value(rdap),
        Reading::RdapNetwork(rdap) => serde_json::to_value(rdap),
        Reading::Route { prefix, asn, name } => {
            Ok(serde_json::json!({ "prefix": prefix, "asn": asn, "name": name }))
        }
    };
    value.map_err(Error::internal)
}

/// SHA-256 of what counts as the answer: the reading's JSON text. Field order is the struct's and sets are sorted by
/// the port, so the same answer has the same digest. An SOA's serial moves with every edit of its zone, several
/// times an hour at large operators, and says nothing about the name: it is kept in the row but not compared.
fn digest(probe: Probe, reading: &Value) -> Vec<u8> {
    if probe == Probe::Soa {
        let mut compared = reading.clone();
        let records = compared.get_mut("records").and_then(Value::as_array_mut);
        for record in records.into_iter().flatten() {
            let fields = record.as_str().unwrap_or_default().split(' ').enumerate();
            *record = fields
                .filter(|(at, _)| *at != 2)
                .map(|(_, field)| field)
                .collect::<Vec<_>>()
                .join(" ")
                .into();
        }
        return Sha256::digest(compared.to_string()).to_vec();
    }
    Sha256::digest(reading.to_string()).to_vec()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_new_serial_is_no_change_and_a_new_primary_is() {
        let soa = |text: &str| digest(Probe::Soa, &json!({ "outcome": "answer", "records": [text] }));
        let first = soa("ns1.example hostmaster.example 7 3600 900 86400 300");
        assert_eq!(first, soa("ns1.example hostmaster.example 8 3600 900 86400 300"));
        assert_ne!(first, soa("ns2.example hostmaster.example 7 3600 900 86400 300"));
        let txt = |text: &str| digest(Probe::Txt, &json!({ "outcome": "answer", "records": [text] }));
        assert_ne!(txt("a b 7 c"), txt("a b 8 c"));
    }
}
