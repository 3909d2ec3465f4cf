//! Intake: a list, report or bundle becomes sightings of observables.

pub mod account;
pub mod address;
pub mod archive;
pub mod benign;
pub mod classify;
pub mod context;
pub mod entry;
pub mod family;
pub mod format;
pub mod hints;
pub mod import;
mod input;
pub mod json;
mod json_rows;
pub mod lines;
mod maltrail;
pub mod misp;
pub mod name;
mod physical;
pub mod read;
#[cfg(test)]
mod real_data;
pub mod refang;
pub mod report_text;
mod rpz;
mod script;
pub mod stix;
pub(crate) mod store;
mod table;
mod tally;
mod wallet;
pub mod when;

pub use import::{ImportReport, ImportRequest, Progress, import_entries};
pub use input::import;
pub use read::{ReadError, Summary, read};
