//! The GraphQL schema: one file a concept. No rule of its own: every resolver calls one function of the work,
//! which asks `access`.
#![recursion_limit = "512"]

pub mod case;
pub mod context;
pub mod enums;
pub mod error;
pub mod import;
mod load;
mod loaders;
pub mod mutation;
pub mod observable;
pub mod page;
pub mod query;

use std::sync::Arc;

use async_graphql::{EmptySubscription, Request, SDLExportOptions, dataloader::DataLoader};
use takedown::{actor::Actor, env::Env};

use crate::{loaders::Batch, mutation::Mutation, query::Query};

/// The schema.
pub type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// How deep a query may nest.
const DEPTH: usize = 12;
/// How many fields a query may have.
const COMPLEXITY: usize = 2_000;

fn builder() -> async_graphql::SchemaBuilder<Query, Mutation, EmptySubscription> {
    Schema::build(Query, Mutation, EmptySubscription).limit_depth(DEPTH).limit_complexity(COMPLEXITY)
}

/// The schema over the surroundings of the work.
pub fn schema(env: Arc<Env>) -> Schema {
    builder().data(env).finish()
}

/// The request as `actor` asks it: what its resolvers load, they load for that actor only.
pub fn request(request: Request, env: Arc<Env>, actor: Actor) -> Request {
    let batch = Batch { env, actor: actor.clone() };
    request.data(actor).data(DataLoader::new(batch, tokio::spawn))
}

/// The schema in the schema definition language, sorted, with descriptions.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items();
    builder().finish().sdl_with_options(options)
}
