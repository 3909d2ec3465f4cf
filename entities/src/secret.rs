//! Text that is for nobody to see: it is stored, and printed by no `Debug`.

use std::fmt;

/// A stored text that does not print itself.
#[derive(Clone, PartialEq, Eq, sea_orm::DeriveValueType)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(redacted)")
    }
}
