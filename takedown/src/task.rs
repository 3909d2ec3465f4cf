//! Tasks: work on target × channel × authority, each with its own clock and outcome. This stage is the only
//! writer of a task's state.

pub mod approve;
pub mod desk;
pub mod known;
pub mod open;
pub mod state;
mod store;

pub use approve::{approve, cancel, release, submit};
pub use open::{OpenReport, Refused, Scope, open, open_for_cluster, open_for_family};
pub use state::{Event, InvalidTransition, State};
pub use store::{Change, apply};

#[cfg(test)]
mod tests;
