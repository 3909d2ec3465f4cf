//! Prints what the free-text reader finds in files, `file<TAB>kind<TAB>value` a line, for comparing it with
//! other extractors (benches/peers/extraction.py) and for looking at a report by hand. `--why` prints the
//! refused lines with their reasons instead.

use std::{error::Error, fs, io::Write};

use takedown::intake::{context::Context, report_text};

fn main() -> Result<(), Box<dyn Error>> {
    let context = Context::default();
    let mut out = std::io::stdout().lock();
    let mut why = false;
    for path in std::env::args().skip(1) {
        if path == "--why" {
            why = true;
            continue;
        }
        let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
        for entry in report_text::read(&text, &path, &context) {
            match entry.parsed {
                Ok(parsed) if !why => {
                    for (named, _) in parsed.sightings {
                        writeln!(out, "{path}\t{}\t{}", named.kind, named.value)?;
                    }
                }
                Err(reason) if why => writeln!(out, "{path}:{}\t{reason}\t{}", entry.number, entry.text)?,
                Ok(_) | Err(_) => {}
            }
        }
    }
    Ok(())
}
