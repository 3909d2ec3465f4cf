//! What to do about what, as data: playbooks in `library/*.yaml`, a loader that names file, line and field of
//! every mistake, and a pure planner.

mod load;
mod plan;
mod playbook;
mod span;

pub use load::{LoadError, find, library, load};
pub use plan::{Check, Facts, Listing, Plan, Planned, Refusal, plan};
pub use playbook::{Playbook, Target, Verification};
pub use span::{ParseSpanError, Span};
