//! The flows: the whole road, end to end, in one binary.

mod access;
mod api;
mod graph;
mod import;
mod kill;
mod ledger;
mod observe;
mod oidc;
mod operator;
mod party;
mod queue;
mod range;
mod road;
mod services;
