//! Notices: what is said to desks. Rendered once, stored word for word with a hash, approved by a second person,
//! checked again, sent.

mod approve;
mod draft;
mod render;
mod send;
pub mod state;
mod store;
mod xarf;

pub use approve::{approve, withdraw};
pub use draft::draft;
pub use store::{outgoing, sha256};

#[cfg(test)]
mod tests;
