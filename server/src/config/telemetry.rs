//! Section `telemetry`.

use axum::http::Uri;
use serde::{Deserialize, Serialize};

/// Spans.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// Where they go by OTLP over gRPC.
    #[serde(deserialize_with = "super::optional", serialize_with = "super::or_empty")]
    pub otlp: Option<Uri>,
    /// The service name they carry.
    pub service: String,
}
