//! The flows: the whole road, end to end, in one binary.

mod import;
mod ledger;
mod queue;
mod services;
