//! Section `http`.

use std::{net::SocketAddr, num::NonZeroUsize};

use ipnetwork::IpNetwork;
use serde::{Deserialize, Serialize};

use super::{Size, Span};

/// The API.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where people reach it.
    pub public_url: String,
    /// The networks of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNetwork>,
    /// The largest request body.
    pub body_limit: Size,
    /// The largest multipart request.
    pub upload_limit: Size,
    /// How long a request may take.
    pub timeout: Span,
    /// How long a client may take for its headers.
    pub header_timeout: Span,
    /// Connections at a time.
    pub connections: NonZeroUsize,
    /// WebSockets at a time.
    pub sockets: NonZeroUsize,
    /// Whether only the documents of `graphql/operations` are executed.
    pub trusted_documents_only: bool,
}
