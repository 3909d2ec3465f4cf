//! Section `intake`.

use std::path::Path;

use serde::{Deserialize, Serialize};
use takedown::intake::{benign::Benign, context::Context, family::Families, name::Suffixes};

use super::Problems;

/// What intake knows besides the input.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Intake {
    /// More suffixes under which names are registered.
    pub suffixes: Vec<String>,
    /// A folder of benign lists.
    pub warninglists: String,
    /// A file of family names.
    pub families: String,
}

impl Intake {
    /// Loads what the settings name.
    ///
    /// # Errors
    /// A suffix is no name, or a file cannot be used.
    pub fn context(&self) -> Result<Context, Problems> {
        let suffixes =
            Suffixes::with_extra(&self.suffixes).map_err(|e| Problems::of("intake.suffixes", e))?;
        let mut families = Families::default();
        if !self.families.is_empty() {
            let table = super::read_bounded(Path::new(&self.families));
            let table =
                table.map_err(|e| Problems::of("intake.families", format!("{}: {e}", self.families)))?;
            families
                .extend(&table)
                .map_err(|e| Problems::of("intake.families", format!("{}: {e}", self.families)))?;
        }
        let mut benign = Benign::default();
        if !self.warninglists.is_empty() {
            let loaded = benign.load(Path::new(&self.warninglists));
            loaded.map_err(|e| Problems::of("intake.warninglists", e))?;
        }
        Ok(Context { suffixes, families, benign })
    }
}
