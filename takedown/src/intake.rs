//! Intake: a list, report or bundle becomes sightings of observables.

pub mod account;
pub mod address;
pub mod benign;
pub mod classify;
pub mod context;
pub mod entry;
pub mod family;
pub mod hints;
pub mod import;
pub mod json;
pub mod misp;
pub mod name;
#[cfg(test)]
mod real_data;
pub mod refang;
pub mod report_text;
mod script;
pub mod stix;
pub(crate) mod store;
mod tally;
mod wallet;

pub use import::{ImportReport, ImportRequest, Progress, import_entries};
