//! What can go wrong with a person's request. Pure modules have small errors of their own.

use sea_orm::{DbErr, SqlErr};

/// Why a request was not done. Every variant has a stable [`code`](Error::code); [`Error::Internal`]'s text
/// never leaves the process.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is signed in.
    #[error("sign in first: what came with this, if anything did, is unknown, has ended or was revoked")]
    Unauthenticated,
    /// Visible, but not allowed.
    #[error("{action} is not allowed here: {reason}")]
    Forbidden {
        /// What was asked.
        action: &'static str,
        /// Why not, for a person.
        reason: String,
    },
    /// Not there, or not visible: the two are never told apart.
    #[error("no {kind} {id}")]
    NotFound {
        /// What was asked for.
        kind: &'static str,
        /// The id or value as it was given.
        id: String,
    },
    /// An argument is wrong.
    #[error("{field}: {message}")]
    Invalid {
        /// The argument or key.
        field: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// The thing is not in a state in which this can be done.
    #[error("{event} is not possible: {from}")]
    Conflict {
        /// Where it stands.
        from: String,
        /// What was to happen.
        event: String,
    },
    /// Somebody else changed it in between: read it again.
    #[error("it was changed by someone else meanwhile: read it again and repeat")]
    Stale,
    /// Something outside cannot be reached.
    #[error("{what} is not available now: try again")]
    Unavailable {
        /// What.
        what: String,
    },
    /// A defect or a broken machine; the source goes to the log only.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// The stable code for clients.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden { .. } => "FORBIDDEN",
            Self::NotFound { .. } => "NOT_FOUND",
            Self::Invalid { .. } => "INVALID",
            Self::Conflict { .. } => "CONFLICT",
            Self::Stale => "STALE",
            Self::Unavailable { .. } => "UNAVAILABLE",
            Self::Internal(_) => "INTERNAL",
        }
    }

    /// Whether the same request may succeed later.
    pub const fn retryable(&self) -> bool {
        match self {
            Self::Stale | Self::Unavailable { .. } => true,
            Self::Unauthenticated
            | Self::Forbidden { .. }
            | Self::NotFound { .. }
            | Self::Invalid { .. }
            | Self::Conflict { .. }
            | Self::Internal(_) => false,
        }
    }

    /// An argument is wrong.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), message: message.into() }
    }

    /// Not there or not visible.
    #[expect(clippy::needless_pass_by_value, reason = "ids, names and literals are all named in passing")]
    pub fn not_found(kind: &'static str, id: impl ToString) -> Self {
        Self::NotFound { kind, id: id.to_string() }
    }

    /// A defect or a broken machine.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }
}

impl From<DbErr> for Error {
    /// A unique key that refuses is a conflict; everything else the database says is internal.
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => {
                Self::Conflict { from: "it exists already".into(), event: "creating it".into() }
            }
            _ => Self::internal(error),
        }
    }
}
