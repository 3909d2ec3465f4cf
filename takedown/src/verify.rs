//! Verify: is the target down, how and by whom, by enough looks that agree; and does it come back.

mod due;
pub mod judge;

pub use judge::{Baseline, Class, Judgement, judge};
