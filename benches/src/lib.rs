//! What several benchmarks need: a process of its own for each figure, its peak memory, names that are drawn.

pub mod world;

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// One measurement in a process of its own: this program again, with `--one` and these words. Returns the JSON that it
/// printed.
///
/// # Errors
/// It failed, or printed something else.
pub fn one(args: &[&str]) -> Result<Value> {
    let output = Command::new(std::env::current_exe()?).arg("--one").args(args).output()?;
    ensure!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).with_context(|| format!("{args:?} printed no JSON"))
}

/// The words after the program's name, without what cargo adds.
pub fn words() -> Vec<String> {
    std::env::args().skip(1).filter(|arg| arg != "--bench").collect()
}

/// The most memory this process ever held, in MiB (`VmHWM`, proc(5)).
///
/// # Errors
/// The kernel does not say.
pub fn peak_mib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).context("no VmHWM")?;
    let kib: u64 = line.split_whitespace().nth(1).context("no figure in VmHWM")?.parse()?;
    Ok(kib / 1_024)
}

/// Numbers that look drawn and are the same for the same seed: SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// A number below `sides`.
    pub const fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    /// One of these.
    pub fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[usize::try_from(self.roll(of.len() as u64)).unwrap_or(0)]
    }
}
