//! One operation, whichever way it came: held to the guard, executed within its deadline, told as JSON.

use async_graphql::{Response, Value as Data, parser::types::OperationType};
use futures::{Stream, StreamExt};
use graphql::{
    Prepared,
    guard::{self, Refusal, Why},
};
use serde_json::{Value, json};
use takedown::actor::Actor;

use super::App;

/// What became of a request that could be read.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The document or its variables were refused: no `data`.
    Refused(Value),
    /// It was executed: the answer as JSON text. There may be errors beside the data.
    Executed(String),
    /// It was given up at its deadline.
    TooLate(Value),
}

/// An operation that may run.
pub(super) struct Ready(Prepared);

/// Holds a request to the guard.
///
/// # Errors
/// The refusal as an outcome.
pub(super) fn ready(
    app: &App,
    request: async_graphql::Request,
    actor: Actor,
    streams: bool,
) -> Result<Ready, Outcome> {
    let refuse = |why, message: &str| {
        let refusal = Refusal { why, message: message.into(), places: Vec::new() };
        Outcome::Refused(refused(vec![refusal]))
    };
    if app.limits.trusted_documents_only && !graphql::operations::known(&request.query) {
        return Err(refuse(Why::Request, "only trusted documents are taken here: see `documentId`"));
    }
    let prepared = graphql::prepare(&app.schema, request, app.env.clone(), actor)
        .map_err(|refusals| Outcome::Refused(refused(refusals)))?;
    if prepared.kind == OperationType::Subscription && !streams {
        let message = "a subscription runs over a WebSocket (graphql-transport-ws) at this path";
        return Err(refuse(Why::Request, message));
    }
    Ok(Ready(prepared))
}

impl Ready {
    pub(super) fn writes(&self) -> bool {
        self.0.kind == OperationType::Mutation
    }

    pub(super) fn streams(&self) -> bool {
        self.0.kind == OperationType::Subscription
    }

    /// Executes it. When this is dropped, what it waits for is dropped too; at the deadline it is given up.
    pub(super) async fn execute(self, app: &App) -> Outcome {
        match tokio::time::timeout(app.limits.timeout.0, self.0.execute(&app.schema)).await {
            Ok(response) => Outcome::Executed(graphql::text(&coded(response))),
            Err(_) => {
                tracing::warn!("an operation took too long");
                let message = format!("it took longer than {} and was given up", app.limits.timeout);
                let error = json!({ "message": message, "extensions": { "code": "UNAVAILABLE" } });
                Outcome::TooLate(json!({ "errors": [error] }))
            }
        }
    }

    /// The events of a subscription as JSON texts, until it is dropped; the errors alone where its source fails.
    pub(super) fn stream(self, app: &App) -> impl Stream<Item = Result<String, Value>> + Send + use<> {
        self.0.stream(&app.schema).map(|response| {
            let response = coded(response);
            let failed = response.data == Data::Null && !response.errors.is_empty();
            if failed { Err(json!(response.errors)) } else { Ok(graphql::text(&response)) }
        })
    }
}

/// Errors of a refused document, as the answer has them.
fn refused(refusals: Vec<Refusal>) -> Value {
    json!({ "errors": guard::refused(refusals).errors })
}

/// An executed operation. What the library says by itself (a scalar that does not read, say) is given a code.
fn coded(mut response: Response) -> Response {
    for error in &mut response.errors {
        let extensions = error.extensions.get_or_insert_default();
        if extensions.get("code").is_none() {
            extensions.set("code", "INVALID");
        }
    }
    response
}
