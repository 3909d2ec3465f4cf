//! The flows: the whole road, end to end, in one binary.

mod import;
mod ledger;
mod observe;
mod operator;
mod queue;
mod road;
mod range;
mod services;
