//! Checkpoints: heads of the ledger signed with Ed25519 (RFC 8032) under a key that is not in the database, so that who
//! writes the database cannot cut the ledger off, or write it anew, without it showing.
#![expect(clippy::disallowed_methods, reason = "the ledger reads itself, for no actor")]

use entities::audit_checkpoint::{ActiveModel, Column, Entity, Model};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryOrder};

use crate::{
    env::Env,
    error::Error,
    job::{JobError, Run, kinds::SignCheckpoint},
    people::Seal,
};

/// What is signed.
fn message(seq: i64, hash: &[u8], at: i64) -> String {
    format!("lockstep checkpoint v1\n{seq}\n{}\n{at}\n", crate::hex(hash))
}

fn pair(seal: &Seal) -> Result<Ed25519KeyPair, Error> {
    let seed = seal.derived("ledger checkpoints").map_err(Error::internal)?;
    Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|error| Error::internal(error.to_string()))
}

/// The key that verifies the checkpoints of this installation: keep it elsewhere.
///
/// # Errors
/// There is no key on this machine.
pub fn public_key(env: &Env) -> Result<Vec<u8>, Error> {
    key_of(env.seal()?)
}

/// The public key that goes with a machine's key.
///
/// # Errors
/// Never in practice.
pub fn key_of(seal: &Seal) -> Result<Vec<u8>, Error> {
    Ok(pair(seal)?.public_key().as_ref().to_vec())
}

/// Signs the present head, if it is not signed already.
///
/// # Errors
/// There is no key on this machine, or the database refused.
pub async fn sign(env: &Env) -> Result<Option<Model>, Error> {
    let pair = pair(env.seal()?)?;
    let txn = env.begin().await?;
    let Some(head) = super::head(&txn).await? else { return Ok(None) };
    if newest(&txn).await?.is_some_and(|last| last.seq >= head.seq) {
        return Ok(None);
    }
    let at = env.now();
    let signature = pair.sign(message(head.seq, &head.hash, at.0).as_bytes()).as_ref().to_vec();
    let public_key = pair.public_key().as_ref().to_vec();
    let row = Model { seq: head.seq, hash: head.hash, at, public_key, signature };
    let stored: ActiveModel = row.clone().into_active_model().reset_all();
    stored.insert(&txn).await?;
    env.commit(txn).await?;
    Ok(Some(row))
}

/// The newest checkpoint.
///
/// # Errors
/// The database refused.
pub async fn newest(db: &impl ConnectionTrait) -> Result<Option<Model>, Error> {
    Ok(Entity::find().order_by_desc(Column::Seq).one(db).await?)
}

/// All checkpoints, oldest first.
pub(super) async fn all(db: &impl ConnectionTrait) -> Result<Vec<Model>, Error> {
    Ok(Entity::find().order_by_asc(Column::Seq).all(db).await?)
}

/// What is wrong with a checkpoint of an event with that hash, if something is. Without a key of ours the one that it
/// names is taken: it shows that something was changed since, not by whom it was signed.
pub(super) fn wrong(row: &Model, hash: &[u8], key: Option<&[u8]>) -> Option<&'static str> {
    if key.is_some_and(|key| key != row.public_key) {
        return Some("a checkpoint was signed with another key");
    }
    let verified = UnparsedPublicKey::new(&ED25519, &row.public_key)
        .verify(message(row.seq, &row.hash, row.at.0).as_bytes(), &row.signature);
    if verified.is_err() {
        return Some("a checkpoint's signature is not that of its key");
    }
    (row.hash != hash).then_some("a signed checkpoint has another hash for it: the ledger was written anew")
}

impl Run for SignCheckpoint {
    async fn run(self, env: &Env) -> Result<(), JobError> {
        // A worker on a machine without the key leaves it to the others.
        if env.seal.is_some() {
            sign(env).await?;
        }
        Ok(())
    }
}
