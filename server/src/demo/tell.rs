//! How the story is told: lines and bars for a person, nothing for a program.

use std::{collections::BTreeMap, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use takedown::task::Refused;

use crate::output;

/// Tells the story.
#[derive(Debug)]
pub struct Teller {
    silent: bool,
}

impl Teller {
    /// A teller that is silent when a program listens.
    pub const fn new(silent: bool) -> Self {
        Self { silent }
    }

    /// Tells one step.
    pub fn say(&self, text: &str) {
        if !self.silent {
            // Who closed the output does not listen any more; the story goes on.
            let _ = output::line(format!("• {text}"));
        }
    }

    /// Tells what was opened, and what was refused and why.
    pub fn refusals(&self, opened: usize, refused: &[Refused]) {
        self.say(&format!(
            "Ana opened {opened} tasks under the playbook registrar-suspension; Lea approved them."
        ));
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        for reason in refused.iter().filter_map(|refused| refused.reasons.first()) {
            *reasons.entry(reason).or_default() += 1;
        }
        for (reason, count) in reasons {
            self.say(&format!("  refused {count}: {reason}"));
        }
    }

    /// A bar towards `total`.
    pub fn bar(&self, what: &str, total: u64) -> Bar {
        let bar =
            if self.silent || !output::watched() { ProgressBar::hidden() } else { ProgressBar::new(total) };
        let style = ProgressStyle::with_template("  {prefix} [{bar:30}] {pos}/{len} {msg}");
        if let Ok(style) = style {
            bar.set_style(style.progress_chars("█▌ "));
        }
        bar.set_prefix(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Bar { bar, what: what.to_owned(), total, silent: self.silent }
    }
}

/// A step that takes a while.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    what: String,
    total: u64,
    silent: bool,
}

impl Bar {
    /// So far.
    pub fn at(&self, position: u64) {
        self.bar.set_position(position);
    }

    /// A word beside the bar.
    pub fn note(&self, text: &str) {
        self.bar.set_message(text.to_owned());
    }

    /// The step is done.
    pub fn done(self, position: u64) {
        self.bar.finish_and_clear();
        if !self.silent {
            let _ = output::line(format!("• {}: {position} of {}.", self.what, self.total));
        }
    }
}
