//! Intake: a list, report or bundle becomes sightings of observables.

pub mod entry;
