//! Writes what sources publish about the world into a folder.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::lists;
use crate::rdap_json::{AS_RANGES, V4_RANGES, V6_RANGES};
use crate::{Range, RangeError};

/// The files that [`Range::write_lists`] wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lists {
    /// One indicator list per family, in the order of the scenario.
    pub families: Vec<FamilyList>,
    /// Honest names on the same hubs, one a line.
    pub neighbours: PathBuf,
    /// Dead drops, CSV: platform, url, family, names.
    pub dead_drops: PathBuf,
    /// A folder of benign lists in the format of misp-warninglists (`NAME/list.json`).
    pub warning_lists: PathBuf,
    /// Ranges of IPv4 addresses and their AS, CSV: first, last, AS number, name.
    pub asn_v4: PathBuf,
    /// The same for IPv6.
    pub asn_v6: PathBuf,
    /// A folder with the RDAP bootstrap files `dns.json`, `ipv4.json`, `ipv6.json`, `asn.json` (RFC 9224).
    pub bootstrap: PathBuf,
    /// The suffixes, one a line.
    pub suffixes: PathBuf,
}

/// The indicator list of one family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FamilyList {
    /// Name of the family.
    pub family: String,
    /// The file: comments, blank lines, and one indicator a line, as careless sources write.
    pub path: PathBuf,
    /// Distinct domains of the family on it.
    pub domains: usize,
    /// Lines that repeat one of them.
    pub duplicates: usize,
    /// Popular names that are on it by mistake.
    pub mistakes: usize,
}

impl Range {
    /// Writes into `folder` (made when missing) what sources publish about the range.
    ///
    /// Popular names get onto the list of the first family only, `listed_by_mistake` of the scenario.
    ///
    /// # Errors
    /// [`RangeError::Write`] names the file.
    pub fn write_lists(&self, folder: &Path) -> Result<Lists, RangeError> {
        let (scenario, world) = (self.scenario(), self.world());
        let mut families = Vec::new();
        for (i, family) in scenario.families.iter().enumerate() {
            let mistakes = if i == 0 { scenario.listed_by_mistake } else { 0 };
            let list = lists::indicators(scenario, world, family, mistakes);
            let path = write(folder, &format!("indicators/{}.txt", family.name), &list.text)?;
            let (domains, duplicates, mistakes) = (list.domains, list.duplicates, list.mistakes);
            families.push(FamilyList { family: family.name.clone(), path, domains, duplicates, mistakes });
        }
        for (name, list) in lists::warning_lists(scenario) {
            write_json(folder, &format!("warninglists/{name}/list.json"), &list)?;
        }
        for (name, bootstrap) in [
            ("dns", self.bootstrap_dns()),
            ("ipv4", self.bootstrap_ipv4()),
            ("ipv6", self.bootstrap_ipv6()),
            ("asn", self.bootstrap_asn()),
        ] {
            write_json(folder, &format!("rdap/{name}.json"), &bootstrap)?;
        }
        Ok(Lists {
            families,
            neighbours: write(folder, "indicators/neighbours.txt", &lists::neighbours(world))?,
            dead_drops: write(folder, "dead-drops.csv", &lists::dead_drops(world))?,
            warning_lists: folder.join("warninglists"),
            asn_v4: write(folder, "asn-ipv4.csv", &lists::asn_table(scenario, true))?,
            asn_v6: write(folder, "asn-ipv6.csv", &lists::asn_table(scenario, false))?,
            bootstrap: folder.join("rdap"),
            suffixes: write(folder, "suffixes.txt", &(scenario.suffixes.join("\n") + "\n"))?,
        })
    }

    /// RDAP bootstrap file for domain names (RFC 9224): every suffix and its registry.
    #[must_use]
    pub fn bootstrap_dns(&self) -> Value {
        self.rdap.bootstrap_dns()
    }

    /// RDAP bootstrap file for IPv4 addresses.
    #[must_use]
    pub fn bootstrap_ipv4(&self) -> Value {
        self.rdap.bootstrap_rir("IPv4 addresses", &V4_RANGES)
    }

    /// RDAP bootstrap file for IPv6 addresses.
    #[must_use]
    pub fn bootstrap_ipv6(&self) -> Value {
        self.rdap.bootstrap_rir("IPv6 addresses", &V6_RANGES)
    }

    /// RDAP bootstrap file for AS numbers.
    #[must_use]
    pub fn bootstrap_asn(&self) -> Value {
        self.rdap.bootstrap_rir("AS numbers", &AS_RANGES)
    }
}

fn write_json(folder: &Path, name: &str, json: &Value) -> Result<PathBuf, RangeError> {
    write(folder, name, &format!("{json:#}\n"))
}

fn write(folder: &Path, name: &str, text: &str) -> Result<PathBuf, RangeError> {
    let path = folder.join(name);
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    match made.and_then(|()| fs::write(&path, text)) {
        Ok(()) => Ok(path),
        Err(source) => Err(RangeError::Write { path, source }),
    }
}
