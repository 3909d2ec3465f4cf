//! The infrastructure as a graph: what is near an observable, how two are connected, what many share, what changed.
//! Everything is read with bounded SQL; what is not visible is not walked through, and is in no figure.

pub mod changes;
pub mod collapse;
pub mod common;
pub mod each;
pub mod filter;
pub mod fleet;
pub mod links;
pub mod neighbourhood;
pub mod path;
pub mod total;

pub use filter::{Change, End, LinkFilter, Wants};
pub use links::{link_totals, links};
pub use neighbourhood::{Neighbourhood, Node, everything, neighbourhood};
pub use total::{Total, total};
