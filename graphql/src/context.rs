//! What a resolver finds in its context.

use std::sync::Arc;

use async_graphql::{Context, ID};
use takedown::{actor::Actor, env::Env, error::Error};

use crate::error::{ApiError, Result};

/// Short ways to the surroundings and the actor of a request.
pub trait ContextExt {
    /// The surroundings of the work.
    fn env(&self) -> &Arc<Env>;
    /// Who asks; nobody if the server did not say.
    fn actor(&self) -> &Actor;
}

impl ContextExt for Context<'_> {
    fn env(&self) -> &Arc<Env> {
        self.data_unchecked::<Arc<Env>>()
    }

    fn actor(&self) -> &Actor {
        self.data_opt::<Actor>().unwrap_or(&Actor::Nobody)
    }
}

/// Reads an id argument; an id of another kind, or none at all, names nothing: NOT_FOUND.
///
/// # Errors
/// The text is not an id of that kind.
pub fn id<T: std::str::FromStr>(kind: &'static str, text: &ID) -> Result<T> {
    text.parse().map_err(|_| ApiError(Error::not_found(kind, text.as_str())))
}

/// A count as a GraphQL Int, which has 32 bits; larger ones stop at the largest.
pub fn int(count: impl TryInto<i32>) -> i32 {
    count.try_into().unwrap_or(i32::MAX)
}
