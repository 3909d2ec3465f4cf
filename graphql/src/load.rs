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

/// An error that several resolvers of one batch share.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Shared(#[source] Arc<Error>);
