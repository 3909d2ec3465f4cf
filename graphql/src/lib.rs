//! The GraphQL schema: one file a concept. No rule of its own: every resolver calls one function of the work,
//! which asks `access`.
#![recursion_limit = "512"]

mod activity;
mod attribution;
mod bounded;
pub mod case;
mod cluster;
pub mod context;
pub mod enums;
pub mod error;
mod graph;
pub mod guard;
pub mod import;
mod link;
mod load;
mod loaders;
pub mod mutation;
pub mod node;
pub mod observable;
mod operation;
pub mod operations;
pub mod page;
mod party;
mod people;
pub mod query;
mod rows;
pub mod subscription;
pub mod viewer;
mod who;

use std::{collections::BTreeSet, sync::Arc};

use async_graphql::{Pos, Request, Response, SDLExportOptions, ValidationMode, parser::types::OperationType};
use entities::OperationId;
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use takedown::{actor::Actor, env::Env, operation::record_reads, reads::feed::Tide};

use crate::{
    guard::{Asked, Guard, Limits, Refusal, Why},
    load::{Driven, Loads},
    loaders::Batch,
    mutation::Mutation,
    query::Query,
    rows::{AskedTwice, Json},
    subscription::Subscription,
};

/// The schema.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// Nesting that the library itself would refuse; the guard's own limits are below it.
const RECURSION: usize = 256;

fn builder() -> async_graphql::SchemaBuilder<Query, Mutation, Subscription> {
    // The guard has validated what gets here; what the library checks in this mode is cheap.
    let builder = Schema::build(Query, Mutation, Subscription);
    builder.validation_mode(ValidationMode::Fast).limit_recursive_depth(RECURSION)
}

/// The schema over the surroundings of the work, with its guard.
pub fn schema(env: Arc<Env>) -> Schema {
    let builder = builder().data(env).data(Arc::new(Tide::default()));
    match Guard::new(&sdl(), Limits::default()) {
        Ok(guard) => builder.data(guard).finish(),
        Err(error) => {
            // A defect; `prepare` then refuses everything.
            tracing::error!(error = &error as &dyn std::error::Error, "the schema's own text does not read");
            builder.finish()
        }
    }
}

/// A request that the guard has admitted.
pub struct Prepared {
    request: Request,
    loads: Arc<Loads>,
    env: Arc<Env>,
    actor: Actor,
    /// What kind of operation it is.
    pub kind: OperationType,
}

impl Prepared {
    /// Executes a query or mutation. What it waits for is dropped with it.
    pub async fn execute(self, schema: &Schema) -> Response {
        let (schema, request) = (schema.clone(), self.request);
        let executed = async move { schema.execute(request).await };
        let mut driven = Driven::new(stream::once(Box::pin(executed)), self.loads);
        let response = driven.next().await.unwrap_or_default();
        witnessed(&self.env, &self.actor, &mut BTreeSet::new(), response).await
    }

    /// The answers of a subscription, until it is dropped.
    pub fn stream(self, schema: &Schema) -> BoxStream<'static, Response> {
        let answers = Driven::new(schema.execute_stream(self.request), self.loads);
        let told = (answers, self.env, self.actor, BTreeSet::new());
        stream::unfold(told, async |(mut answers, env, actor, mut known)| {
            let response = answers.next().await?;
            let response = witnessed(&env, &actor, &mut known, response).await;
            Some((response, (answers, env, actor, known)))
        })
        .boxed()
    }
}

/// The response, once it is written down which sealed operations it shows something of; else the error alone.
async fn witnessed(
    env: &Env,
    actor: &Actor,
    known: &mut BTreeSet<OperationId>,
    response: Response,
) -> Response {
    match record_reads(env, actor, known).await {
        Ok(()) => response,
        Err(error) => {
            let error = async_graphql::Error::from(error::ApiError(error));
            Response::from_errors(vec![error.into_server_error(Pos::default())])
        }
    }
}

/// The response as JSON text.
pub fn text(response: &Response) -> String {
    let mut json = Json::default();
    json.raw("{\"data\":");
    json.value(&response.data);
    if !response.errors.is_empty() {
        json.raw(",\"errors\":");
        json.serialised(&response.errors);
    }
    json.raw("}");
    json.into_text()
}

/// Holds a request to the guard and gives it to `actor`: what its resolvers load, they load for that actor only, and
/// what they load is dropped with it.
///
/// # Errors
/// Every reason against the document.
pub fn prepare(
    schema: &Schema,
    mut request: Request,
    env: Arc<Env>,
    actor: Actor,
) -> Result<Prepared, Vec<Refusal>> {
    let Some(guard) = schema.data::<Guard>() else {
        return Err(vec![Refusal {
            why: Why::Request,
            message: "internal error".into(),
            places: Vec::new(),
        }]);
    };
    let admitted = guard.admit(Asked {
        query: &request.query,
        operation: request.operation_name.as_deref(),
        variables: &request.variables,
        uploads: request.uploads.len(),
        signed_in: actor != Actor::Nobody,
    })?;
    request.set_parsed_query(admitted.document);
    let actor = actor.afresh();
    let loads = Arc::new(Loads::new(Batch { env: env.clone(), actor: actor.clone() }));
    let request = request.data(actor.clone()).data(loads.clone()).data(AskedTwice(admitted.twice));
    Ok(Prepared { request, loads, env, actor, kind: admitted.kind })
}

/// The schema in the schema definition language, sorted, with descriptions. The directives that every schema has
/// (§3.13) are left out, as tools expect.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items();
    let whole = builder().finish().sdl_with_options(options);
    let mut kept: Vec<&str> = Vec::new();
    for line in whole.lines() {
        let name = line.strip_prefix("directive @").and_then(|rest| rest.split('(').next());
        if !name.is_some_and(|name| BUILT_IN.contains(&name)) {
            kept.push(line);
            continue;
        }
        // Its description goes with it.
        if kept.last() == Some(&QUOTES) {
            kept.pop();
            while kept.pop().is_some_and(|line| line != QUOTES) {}
        }
    }
    kept.join("\n") + "\n"
}

const QUOTES: &str = "\"\"\"";
const BUILT_IN: [&str; 5] = ["deprecated", "include", "oneOf", "skip", "specifiedBy"];
