//! The flows: the whole road, end to end, in one binary.

mod import;
mod services;
