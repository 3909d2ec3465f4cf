//! What intake needs to know besides the input: loaded once, shared by every import.

use super::{archive::Limits, benign::Benign, family::Families, name::Suffixes};

/// Suffixes, family names and benign lists. The default knows the public suffix list and the built-in
/// families, and no benign list.
#[derive(Debug, Default)]
pub struct Context {
    /// The public suffix list and the operator's additions.
    pub suffixes: Suffixes,
    /// Malware families and their synonyms.
    pub families: Families,
    /// Lists of benign and shared things; a hit is a fact, never a refusal.
    pub benign: Benign,
    /// The limits of one input.
    pub limits: Limits,
}
