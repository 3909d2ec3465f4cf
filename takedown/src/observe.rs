//! Observe: what the DNS, the registries and the routing table say, and what changed.

pub mod derive;
pub mod look;
pub mod observations;
pub mod reading;
