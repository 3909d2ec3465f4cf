//! Observe: what the DNS, the registries and the routing table say, and what changed.

pub mod ask;
pub mod derive;
pub mod due;
mod facts;
pub mod history;
pub mod look;
mod observations;
pub mod reading;
mod registration;
pub mod round;
