//! Section `intake`.

use std::path::Path;

use serde::{Deserialize, Serialize};
use takedown::intake::{archive::Limits, benign::Benign, context::Context, family::Families, name::Suffixes};

use super::{Problems, Size};

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
    /// An input as it comes.
    pub file_limit: Size,
    /// What comes out of an archive.
    pub unpacked_limit: Size,
    /// Bytes that may come out for each that went in.
    pub unpacked_ratio: u64,
    /// A zip archive.
    pub archive_limit: Size,
    /// Files in a zip archive.
    pub archive_files: usize,
    /// A document that is read as one.
    pub document_limit: Size,
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
        let limits = Limits {
            file: self.file_limit.0,
            unpacked: self.unpacked_limit.0,
            ratio: self.unpacked_ratio,
            archive: self.archive_limit.0,
            members: self.archive_files,
            document: self.document_limit.0,
        };
        Ok(Context { suffixes, families, benign, limits })
    }
}
