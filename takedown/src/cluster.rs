//! Cluster: names that share rare things belong together, with the reason for every member.
//!
//! The pure engine ([`engine`]) turns what names share into weighted evidence and finds communities in it; around
//! it stand loading, identities that last, what people ruled, and explanations.

pub mod attribution;
pub mod burst;
mod changed;
pub mod edge_list;
pub mod engine;
pub mod explain;
pub mod features;
pub mod fleet;
mod gather;
pub mod graph;
mod holdings;
mod identity;
mod intern;
pub mod kind;
pub mod leiden;
mod load;
pub mod moment;
pub mod project;
pub mod ruling;
mod run;
mod service;
pub mod shape;
mod store;
pub mod tell;

use entities::ObservableId;

pub use self::run::{ClusterReport, recluster, recluster_changed};
use crate::{error::Error, settings::ClusterSettings};

/// How the settings say to group.
pub fn tuning(settings: &ClusterSettings) -> engine::Tuning {
    engine::Tuning {
        hub_limit: settings.hub_limit,
        resolution: settings.threshold,
        ..engine::Tuning::default()
    }
}

/// Members of one cluster at most, in one question or ruling.
pub const MOST_MEMBERS: usize = 5_000;

/// Refuses more members than one act takes.
fn bounded(field: &'static str, members: &[ObservableId]) -> Result<(), Error> {
    if members.len() > MOST_MEMBERS {
        return Err(Error::invalid(field, "name at most 5,000 at a time"));
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
