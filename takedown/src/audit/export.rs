//! The ledger as JSON Lines, with what proves it: whoever has the public key can check a copy without us.
#![expect(clippy::disallowed_methods, reason = "the ledger has its own rule: `Action::ReadLedger`")]

use std::io::BufRead;

use entities::{OperationId, Timestamp, audit_checkpoint, audit_event};
use futures::TryStreamExt;
use sea_orm::{EntityTrait, QueryOrder};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Chain, Walk, checkpoint};
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    audit,
    env::Env,
    error::Error,
};

/// The longest line that is read.
const LINE: usize = 64 << 20;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Event {
    seq: i64,
    at: Timestamp,
    actor: String,
    verb: String,
    subject: String,
    /// JSON text, hashed as it stands.
    detail: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operation: Option<OperationId>,
    prev_hash: String,
    hash: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Checkpoint {
    seq: i64,
    hash: String,
    at: Timestamp,
    public_key: String,
    signature: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", untagged)]
enum Line {
    Event(Event),
    Proof { checkpoints: Vec<Checkpoint> },
}

/// Gives every event to `line` as JSON, oldest first, and last the checkpoints. That it was exported is an event, too,
/// and in it.
///
/// # Errors
/// The actor may not, the database refused, or `line` did.
pub async fn export(
    env: &Env,
    actor: &Actor,
    mut line: impl FnMut(String) -> std::io::Result<()>,
) -> Result<u64, Error> {
    access::check(actor, Action::ReadLedger, Subject::System)?;
    let txn = env.begin().await?;
    let through = audit::record(&txn, env.now(), actor, "export_ledger", "ledger", json!({})).await?.seq;
    env.commit(txn).await?;
    let mut events = 0;
    let mut stream =
        audit_event::Entity::find().order_by_asc(audit_event::Column::Seq).stream(&env.db).await?;
    while let Some(event) = stream.try_next().await? {
        if event.seq > through {
            break;
        }
        let (prev_hash, hash) = (crate::hex(&event.prev_hash), crate::hex(&event.hash));
        let audit_event::Model { seq, at, actor, verb, subject, detail, operation_id: operation, .. } = event;
        let event = Event { seq, at, actor, verb, subject, detail, operation, prev_hash, hash };
        line(serde_json::to_string(&event).map_err(Error::internal)?).map_err(Error::internal)?;
        events += 1;
    }
    drop(stream);
    let checkpoints = checkpoint::all(&env.db).await?.into_iter().filter(|row| row.seq <= through);
    let checkpoints = checkpoints
        .map(|row| Checkpoint {
            seq: row.seq,
            hash: crate::hex(&row.hash),
            at: row.at,
            public_key: crate::hex(&row.public_key),
            signature: crate::hex(&row.signature),
        })
        .collect();
    let proof = serde_json::to_string(&Line::Proof { checkpoints }).map_err(Error::internal)?;
    line(proof).map_err(Error::internal)?;
    Ok(events)
}

/// Checks an export, without a database: the chain, and its checkpoints against `key`, if one is given.
///
/// # Errors
/// It cannot be read, or is no export.
pub fn check(input: impl BufRead, key: Option<&[u8]>) -> Result<Chain, Error> {
    let not = |number: usize, why: &str| Error::invalid("file", format!("line {number}: {why}"));
    let (mut walk, mut hashes, mut proof) = (Walk::default(), Vec::new(), None);
    for (number, line) in (1..).zip(input.lines()) {
        let line = line.map_err(|error| not(number, &error.to_string()))?;
        if line.len() > LINE || proof.is_some() {
            return Err(not(number, "is too long, or after the end"));
        }
        match serde_json::from_str(&line).map_err(|_| not(number, "is no event and no proof"))? {
            Line::Proof { checkpoints } => proof = Some(checkpoints),
            Line::Event(event) => {
                let bytes = |hex: &str| unhex(hex).ok_or_else(|| not(number, "has a hash that is no hex"));
                let (prev_hash, hash) = (bytes(&event.prev_hash)?, bytes(&event.hash)?);
                let Event { seq, at, actor, verb, subject, detail, operation: operation_id, .. } = event;
                let event = audit_event::Model {
                    seq,
                    at,
                    actor,
                    verb,
                    subject,
                    detail,
                    prev_hash,
                    hash,
                    trace_id: None,
                    operation_id,
                };
                hashes.push(event.hash.clone());
                if let Some(broken) = walk.step(event) {
                    return Ok(broken);
                }
            }
        }
    }
    let Some(proof) = proof else {
        let seq = i64::try_from(hashes.len()).unwrap_or(i64::MAX).saturating_add(1);
        return Ok(Chain::Broken { seq, reason: "the export ends before its proof: it was cut off".into() });
    };
    let mut rows = Vec::with_capacity(proof.len());
    for Checkpoint { seq, hash, at, public_key, signature } in proof {
        let bytes =
            |hex: &str| unhex(hex).ok_or_else(|| Error::invalid("file", "has a checkpoint that is no hex"));
        let (hash, public_key, signature) = (bytes(&hash)?, bytes(&public_key)?, bytes(&signature)?);
        rows.push(audit_checkpoint::Model { seq, hash, at, public_key, signature });
    }
    Ok(walk.end(&rows, key, |seq| hashes.get(usize::try_from(seq - 1).ok()?).cloned()))
}

/// Bytes of lower-case or upper-case hex.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::try_from(digit(pair.first()?)? * 16 + digit(pair.get(1)?)?).ok()).collect()
}
