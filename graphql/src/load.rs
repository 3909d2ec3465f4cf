//! Asking a batch from a resolver.

use std::{hash::Hash, sync::Arc};

use async_graphql::{
    Context,
    dataloader::{DataLoader, Loader},
};
use takedown::error::Error;

use crate::{
    error::{ApiError, Result},
    loaders::Batch,
};

/// What the batch has for `key`; `None` if nothing visible is there.
///
/// # Errors
/// The database refused.
pub async fn load<K>(ctx: &Context<'_>, key: K) -> Result<Option<<Batch as Loader<K>>::Value>>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    Batch: Loader<K, Error = Arc<Error>>,
{
    let loader = ctx.data_unchecked::<DataLoader<Batch>>();
    loader.load_one(key).await.map_err(|error| ApiError(Error::internal(Shared(error))))
}

/// What the batch has for `keys`, in one statement; what is not visible is left out.
///
/// # Errors
/// The database refused.
pub async fn load_many<K>(
    ctx: &Context<'_>,
    keys: impl IntoIterator<Item = K> + Clone,
) -> Result<Vec<<Batch as Loader<K>>::Value>>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    Batch: Loader<K, Error = Arc<Error>>,
{
    let loader = ctx.data_unchecked::<DataLoader<Batch>>();
    let mut found =
        loader.load_many(keys.clone()).await.map_err(|error| ApiError(Error::internal(Shared(error))))?;
    Ok(keys.into_iter().filter_map(|key| found.remove(&key)).collect())
}

/// An error that several resolvers of one batch share.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Shared(#[source] Arc<Error>);
