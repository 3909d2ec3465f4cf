//! Storing what a list says: parties that are new, claims that are new, and which claims the list no longer makes.
//! What other lists say is not touched.
#![expect(
    clippy::disallowed_methods,
    reason = "the store file of the directory, which holds no case content"
)]

use std::collections::{HashMap, HashSet};

use entities::{ClaimField, PartyClaimId, PartyId, Timestamp, party, party_claim, party_source};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel,
    QueryFilter, sea_query::OnConflict,
};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::shape::{self, Reading, Remark, Said};
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    audit,
    env::Env,
    error::Error,
};

/// Rows in one statement: SQLite binds at most 32,766 values.
const ROWS: usize = 1_000;

/// A list to load.
#[derive(Clone, Debug)]
pub struct Given<'a> {
    /// What its claims will say they are from.
    pub source: &'a str,
    /// The list.
    pub bytes: &'a [u8],
    /// Take it even if it withdraws more than half of what it said before, which is most often half a file.
    pub replace: bool,
}

/// What loading a list did.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct LoadReport {
    /// The shape it was read as.
    pub shape: String,
    /// Its entries.
    pub entries: u64,
    /// Parties that were not known.
    pub parties: u64,
    /// Claims that are new, or made again.
    pub claims: u64,
    /// Claims that it makes as before.
    pub unchanged: u64,
    /// Claims that it no longer makes.
    pub withdrawn: u64,
    /// What could not be taken, with the entry.
    pub remarks: Vec<Remark>,
}

type Key = (PartyId, String, ClaimField, String);

/// Loads a list.
///
/// # Errors
/// The actor may not; the source has no name; the list is of no shape that is read, or withdraws too much; the
/// database refused.
pub async fn load(env: &Env, actor: &Actor, given: Given<'_>) -> Result<LoadReport, Error> {
    access::check(actor, Action::ManageParties, Subject::System)?;
    let source = given.source.trim();
    if source.is_empty() || source.len() > 200 || source.chars().any(char::is_control) {
        return Err(Error::invalid("source", "must be 1 to 200 bytes of text"));
    }
    let Reading { shape, entries, said, mut remarks } = shape::read(given.bytes)?;
    let txn = env.begin().await?;
    let mut report = LoadReport { shape: shape.to_string(), entries, ..LoadReport::default() };
    let parties = parties(env, &txn, &said, &mut report, &mut remarks).await?;
    claims(env, &txn, source, &said, &parties, &mut report).await?;
    if !given.replace && report.withdrawn > report.unchanged {
        return Err(Error::invalid(
            "file",
            format!(
                "no longer says {} of {} things that `{source}` said before: if it is whole, load it as a replacement",
                report.withdrawn,
                report.withdrawn + report.unchanged
            ),
        ));
    }
    let sha256 = crate::hex(&Sha256::digest(given.bytes));
    let row = party_source::Model {
        name: source.to_owned(),
        shape: report.shape.clone(),
        sha256: sha256.clone(),
        entries: i64::try_from(entries).unwrap_or(i64::MAX),
        read_by: actor.to_string(),
        read_at: env.now(),
    };
    let again = OnConflict::column(party_source::Column::Name)
        .update_columns([
            party_source::Column::Shape,
            party_source::Column::Sha256,
            party_source::Column::Entries,
            party_source::Column::ReadBy,
            party_source::Column::ReadAt,
        ])
        .to_owned();
    party_source::Entity::insert(row.into_active_model().reset_all())
        .on_conflict(again)
        .exec_without_returning(&txn)
        .await?;
    let detail = json!({
        "shape": report.shape, "sha256": sha256, "entries": entries, "parties": report.parties,
        "claims": report.claims, "withdrawn": report.withdrawn, "remarks": remarks.len(),
    });
    audit::record(&txn, env.now(), actor, "load_parties", format!("party_source:{source}"), detail).await?;
    env.commit(txn).await?;
    report.remarks = remarks;
    Ok(report)
}

/// The parties that the list speaks of, by key; those that are not known are made.
async fn parties(
    env: &Env,
    txn: &DatabaseTransaction,
    said: &[Said],
    report: &mut LoadReport,
    remarks: &mut Vec<Remark>,
) -> Result<HashMap<String, party::Model>, Error> {
    let mut known: HashMap<String, party::Model> = HashMap::new();
    let keys: HashSet<&str> = said.iter().map(|said| said.key.as_str()).collect();
    let keys: Vec<&str> = keys.into_iter().collect();
    for part in keys.chunks(ROWS) {
        let rows =
            party::Entity::find().filter(party::Column::Key.is_in(part.iter().copied())).all(txn).await?;
        known.extend(rows.into_iter().map(|row| (row.key.clone(), row)));
    }
    let mut fresh = Vec::new();
    let mut named: HashMap<PartyId, String> = HashMap::new();
    for one in said {
        match known.get_mut(&one.key) {
            Some(row) if row.kind != one.kind => remarks.push(Remark {
                entry: one.entry,
                message: format!("{} is a {} here, not a {}", one.key, row.kind, one.kind),
            }),
            // Who was known by its key alone gets its first name.
            Some(row) => {
                if let Some(name) = one.name.as_ref().filter(|_| row.name == row.key) {
                    row.name.clone_from(name);
                    named.insert(row.id, name.clone());
                }
            }
            None => {
                let row = party::Model {
                    id: env.id(),
                    key: one.key.clone(),
                    kind: one.kind,
                    name: one.name.clone().unwrap_or_else(|| one.key.clone()),
                    country: one.country.map(|country| country.to_string()),
                    created_at: env.now(),
                };
                fresh.push(row.id);
                known.insert(one.key.clone(), row);
            }
        }
    }
    let is_fresh: HashSet<PartyId> = fresh.iter().copied().collect();
    let mut rows: Vec<&party::Model> = known.values().filter(|row| is_fresh.contains(&row.id)).collect();
    rows.sort_unstable_by_key(|row| row.id);
    for part in rows.chunks(ROWS) {
        let rows = part.iter().map(|row| (*row).clone().into_active_model().reset_all());
        party::Entity::insert_many(rows).exec_without_returning(txn).await?;
    }
    for (id, name) in named.into_iter().filter(|(id, _)| !is_fresh.contains(id)) {
        let named = party::ActiveModel { name: Set(name), ..Default::default() };
        party::Entity::update_many().set(named).filter(party::Column::Id.eq(id)).exec(txn).await?;
    }
    report.parties = fresh.len() as u64;
    Ok(known)
}

/// Brings the source's claims to what the list says now.
async fn claims(
    env: &Env,
    txn: &DatabaseTransaction,
    source: &str,
    said: &[Said],
    parties: &HashMap<String, party::Model>,
    report: &mut LoadReport,
) -> Result<(), Error> {
    let before = party_claim::Entity::find().filter(party_claim::Column::Source.eq(source)).all(txn).await?;
    let mut before: HashMap<Key, party_claim::Model> = before
        .into_iter()
        .map(|row| ((row.party_id, row.origin.clone(), row.field, row.value.clone()), row))
        .collect();
    let (mut fresh, mut again, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    let mut dated: HashMap<Option<Timestamp>, Vec<PartyClaimId>> = HashMap::new();
    for one in said {
        let Some(party) = parties.get(&one.key).filter(|party| party.kind == one.kind) else { continue };
        for (field, value) in &one.claims {
            let key: Key = (party.id, one.origin.clone(), *field, value.clone());
            if !seen.insert(key.clone()) {
                continue;
            }
            let Some(row) = before.remove(&key) else {
                fresh.push(party_claim::Model {
                    id: env.id(),
                    party_id: party.id,
                    source: source.to_owned(),
                    origin: one.origin.clone(),
                    field: *field,
                    value: value.clone(),
                    as_of: one.as_of,
                    first_read_at: env.now(),
                    withdrawn_at: None,
                });
                continue;
            };
            if row.as_of != one.as_of {
                dated.entry(one.as_of).or_default().push(row.id);
            }
            if row.withdrawn_at.is_some() {
                again.push(row.id);
            } else {
                report.unchanged += 1;
            }
        }
    }
    let gone: Vec<PartyClaimId> =
        before.into_values().filter(|row| row.withdrawn_at.is_none()).map(|row| row.id).collect();
    (report.claims, report.withdrawn) = ((fresh.len() + again.len()) as u64, gone.len() as u64);
    for part in fresh.chunks(ROWS) {
        let rows = part.iter().map(|row| row.clone().into_active_model().reset_all());
        party_claim::Entity::insert_many(rows).exec_without_returning(txn).await?;
    }
    let withdrawn = |at| party_claim::ActiveModel { withdrawn_at: Set(at), ..Default::default() };
    update(txn, &gone, &withdrawn(Some(env.now()))).await?;
    update(txn, &again, &withdrawn(None)).await?;
    for (as_of, ids) in dated {
        update(txn, &ids, &party_claim::ActiveModel { as_of: Set(as_of), ..Default::default() }).await?;
    }
    Ok(())
}

async fn update(
    txn: &DatabaseTransaction,
    ids: &[PartyClaimId],
    change: &party_claim::ActiveModel,
) -> Result<(), Error> {
    for part in ids.chunks(ROWS) {
        party_claim::Entity::update_many()
            .set(change.clone())
            .filter(party_claim::Column::Id.is_in(part.iter().copied()))
            .exec(txn)
            .await?;
    }
    Ok(())
}
