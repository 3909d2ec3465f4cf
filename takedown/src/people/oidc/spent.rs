//! What counts once: states and logout tokens.
#![expect(clippy::disallowed_methods, reason = "the store file of what counts once")]

use entities::{Timestamp, spent};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel,
    QueryFilter, sea_query::OnConflict,
};
use sha2::{Digest, Sha256};

use crate::error::Error;

/// Spends something; whether it was not spent before. The row holds a hash: what is spent may be a secret.
pub(super) async fn spend(
    txn: &DatabaseTransaction,
    what: &str,
    text: &str,
    until: Timestamp,
) -> Result<bool, Error> {
    let key = format!("{what}:{}", crate::hex(&Sha256::digest(text)[..]));
    let row = spent::Model { key, expires_at: until };
    let written = spent::Entity::insert(row.into_active_model().reset_all())
        .on_conflict(OnConflict::column(spent::Column::Key).do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    Ok(written == 1)
}

/// Forgets what would not count any more.
pub(super) async fn forget(db: &impl ConnectionTrait, now: Timestamp) -> Result<(), Error> {
    spent::Entity::delete_many().filter(spent::Column::ExpiresAt.lt(now)).exec(db).await?;
    Ok(())
}
