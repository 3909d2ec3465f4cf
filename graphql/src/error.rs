//! The one way from an error of the work to an error that a client sees.

use async_graphql::ErrorExtensions;
use takedown::{error::Error, job::current_trace_id};

/// An error on its way to a client. It must not implement `Display`: async-graphql would then send any error's
/// text by itself, also text that is not for clients.
#[derive(Debug)]
pub struct ApiError(pub Error);

/// What resolvers return.
pub type Result<T> = std::result::Result<T, ApiError>;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<ApiError> for async_graphql::Error {
    /// `extensions.code` is stable; an internal error says only that, with the trace to find it in the log.
    fn from(ApiError(error): ApiError) -> Self {
        if let Error::Internal(source) = &error {
            tracing::error!(error = &**source as &dyn std::error::Error, "internal error");
        }
        let field = match &error {
            Error::Invalid { field, .. } => Some(field.clone()),
            Error::Unauthenticated
            | Error::Forbidden { .. }
            | Error::NotFound { .. }
            | Error::Conflict { .. }
            | Error::Stale
            | Error::Unavailable { .. }
            | Error::Internal(_) => None,
        };
        Self::new(error.to_string()).extend_with(|_, extensions| {
            extensions.set("code", error.code());
            if let Some(field) = field {
                extensions.set("field", field);
            }
            if let Some(trace) = current_trace_id() {
                extensions.set("traceId", trace);
            }
        })
    }
}
