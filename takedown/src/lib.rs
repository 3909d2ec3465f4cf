//! The work: the stages of the road in order, and beside it access, errors, audit, jobs, and the outside ports.

// The road.
pub mod cluster;
pub mod intake;
pub mod notice;
pub mod observe;
pub mod operation;
pub mod task;
pub mod verify;

// Beside it.
pub mod access;
pub mod actor;
pub mod audit;
pub mod clock;
pub mod db;
pub mod env;
pub mod error;
pub mod graph;
pub mod ids;
pub mod job;
pub mod jobs;
pub mod marking;
pub mod outside;
pub mod party;
pub mod people;
pub mod reads;
pub mod settings;
pub mod token;
pub mod visible;

#[cfg(test)]
mod testing;

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
        text
    })
}
