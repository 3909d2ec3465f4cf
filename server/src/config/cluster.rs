//! Section `cluster`.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};
use takedown::settings::ClusterSettings;

use super::Span;

/// How names are grouped.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// What more names share says nothing.
    pub hub_limit: NonZeroUsize,
    /// What a pair in a cluster must bring on average.
    pub threshold: u32,
    /// How long after a change the names are grouped anew.
    pub pause: Span,
    /// How long runs over changes alone go on before everything is grouped anew.
    pub full_every: Span,
}

impl Cluster {
    /// What the work is given.
    pub fn settings(&self) -> ClusterSettings {
        ClusterSettings {
            hub_limit: self.hub_limit.get(),
            threshold: self.threshold,
            pause: self.pause.0,
            full_every: self.full_every.0,
        }
    }
}
