//! Standard output: text or a table for a person, JSON for a program. Standard error is for the log and progress.

use std::{
    borrow::Cow,
    io::{self, IsTerminal, Write},
};

use serde_json::Value;

/// Writes one line of text.
///
/// # Errors
/// Standard output is closed.
pub fn line(text: impl AsRef<str>) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{}", plain(text.as_ref()))
}

/// Writes text as it is.
///
/// # Errors
/// Standard output is closed.
pub fn text(text: impl AsRef<str>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(plain(text.as_ref()).as_bytes())?;
    out.flush()
}

/// Writes one line of JSON.
///
/// # Errors
/// Standard output is closed.
pub fn json(value: &Value) -> io::Result<()> {
    line(value.to_string())
}

/// Text that cannot steer a terminal: what a hostile file or server says is shown, control characters are not.
pub fn plain(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && c != '\n' && c != '\t';
    if text.contains(steers) { text.replace(steers, "\u{fffd}").into() } else { text.into() }
}

/// Whether a person looks at the progress.
pub fn watched() -> bool {
    io::stderr().is_terminal()
}

/// A table with its columns aligned by their widest cell; columns of numbers end at the same place.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(head.get(column).map(|cell| cell.chars().count())).max().unwrap_or(0)
    };
    let numeric = |column: usize| {
        let number = |cell: &String| !cell.is_empty() && cell.chars().all(|c| c.is_ascii_digit());
        !rows.is_empty() && rows.iter().filter_map(|row| row.get(column)).all(number)
    };
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (column, cell) in cells.enumerate() {
            let pad = " ".repeat(width(column).saturating_sub(cell.chars().count()));
            let gap = if column == 0 { "" } else { "  " };
            text += &if numeric(column) { format!("{gap}{pad}{cell}") } else { format!("{gap}{cell}{pad}") };
        }
        text.truncate(text.trim_end().len());
        text + "\n"
    };
    let mut text = line(&mut head.iter().copied());
    for row in rows {
        text += &line(&mut row.iter().map(String::as_str));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_cannot_steer_a_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\r\u{9b}1mc\n\td"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}1mc\n\td");
        assert!(matches!(plain("é plain\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_table_is_aligned() {
        let rows = [vec!["not an indicator".into(), "7".into()], vec!["é".into(), "120".into()]];
        let expected = "reason            lines\nnot an indicator      7\né                   120\n";
        assert_eq!(table(&["reason", "lines"], &rows), expected);
    }
}
