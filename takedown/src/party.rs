//! The directory: the organisations that act or are asked to, what each source says about them side by side, and the
//! circle of countries that receive a share. It is public knowledge and no case content: who is signed in reads it.

pub mod circle;
pub mod conflict;
pub mod country;
mod load;
pub mod read;
pub mod shape;
mod value;

pub(crate) use self::read::mailboxes;
pub use self::{
    circle::{CircleCountry, circle},
    conflict::{Conflict, Position, conflicts},
    country::Country,
    load::{Given, LoadReport, load},
    read::{PartyFilter, by_id, by_ids, by_key, claims, list, sources},
};

#[cfg(test)]
mod tests;
