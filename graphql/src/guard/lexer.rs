//! From text to tokens (GraphQL, October 2021, §2.1, with the escapes `\u{…}` and surrogate pairs of the draft). One
//! pass, no look-back: work is linear in the text, and the number of tokens is bounded.

use async_graphql::Pos;

use super::{Refusal, Why};

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind<'a> {
    /// One of `! $ & ( ) : = @ [ ] { | }`.
    Mark(u8),
    /// `...`
    Spread,
    /// A name or keyword.
    Name(&'a str),
    /// Digits, perhaps with a sign.
    Int(&'a str),
    /// A number with a fraction or an exponent.
    Float(&'a str),
    /// A string or block string, its escapes undone.
    Text(String),
    /// The end.
    End,
}

impl Kind<'_> {
    /// The token as messages show it, cut.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Mark(mark) => format!("\"{}\"", char::from(*mark)),
            Self::Spread => "\"...\"".into(),
            Self::Name(text) | Self::Int(text) | Self::Float(text) => format!("\"{}\"", super::cut(text)),
            Self::Text(_) => "a string".into(),
            Self::End => "the end of the document".into(),
        }
    }
}

/// A token and where it begins.
#[derive(Clone, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) pos: Pos,
}

/// Cuts `source` into at most `most` tokens and the end.
///
/// # Errors
/// A character or escape that the language does not have, a string without its end, too many tokens.
pub(super) fn lex(source: &str, most: usize) -> Result<Vec<Token<'_>>, Refusal> {
    let mut lexer = Lexer { source, at: 0, line: 1, column: 1 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_ignored();
        let pos = lexer.pos();
        let kind = lexer.next()?;
        let end = kind == Kind::End;
        tokens.push(Token { kind, pos });
        if end {
            return Ok(tokens);
        }
        if tokens.len() > most {
            return Err(Refusal::limit(format!("the document has more than {most} tokens"), pos));
        }
    }
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    line: usize,
    column: usize,
}

impl<'a> Lexer<'a> {
    fn pos(&self) -> Pos {
        Pos { line: self.line, column: self.column }
    }

    fn wrong(&self, message: impl Into<String>) -> Refusal {
        Refusal::at(Why::Syntax, format!("Syntax Error: {}", message.into()), self.pos())
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.source.as_bytes().get(self.at + ahead).copied()
    }

    fn peek(&self) -> Option<char> {
        self.source[self.at..].chars().next()
    }

    /// Takes one character. `\r\n` is one line end, taken at its `\n`.
    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        if c == '\n' || (c == '\r' && self.byte(0) != Some(b'\n')) {
            (self.line, self.column) = (self.line + 1, 1);
        } else {
            self.column += 1;
        }
        Some(c)
    }

    fn skip_ignored(&mut self) {
        while let Some(c) = self.peek() {
            match c {
                '\u{feff}' | '\t' | ' ' | ',' | '\n' | '\r' => {
                    self.bump();
                }
                '#' => {
                    while self.peek().is_some_and(|c| c != '\n' && c != '\r') {
                        self.bump();
                    }
                }
                _ => return,
            }
        }
    }

    /// The text of the next `length` bytes, which are ASCII.
    fn take(&mut self, length: usize) -> &'a str {
        let text = &self.source[self.at..self.at + length];
        self.at += length;
        self.column += length;
        text
    }

    fn run(&self, from: usize, belongs: impl Fn(u8) -> bool) -> usize {
        let rest = &self.source.as_bytes()[(self.at + from).min(self.source.len())..];
        rest.iter().take_while(|b| belongs(**b)).count()
    }

    fn next(&mut self) -> Result<Kind<'a>, Refusal> {
        let Some(c) = self.peek() else { return Ok(Kind::End) };
        match c {
            '!' | '$' | '&' | '(' | ')' | ':' | '=' | '@' | '[' | ']' | '{' | '|' | '}' => {
                self.take(1);
                Ok(Kind::Mark(c as u8))
            }
            '.' if self.source[self.at..].starts_with("...") => {
                self.take(3);
                Ok(Kind::Spread)
            }
            'a'..='z' | 'A'..='Z' | '_' => {
                let length = self.run(0, |b| b.is_ascii_alphanumeric() || b == b'_');
                Ok(Kind::Name(self.take(length)))
            }
            '0'..='9' | '-' => self.number(),
            '"' if self.source[self.at..].starts_with("\"\"\"") => self.block(),
            '"' => self.string(),
            other => Err(self.wrong(format!("Unexpected character: {:?}.", other))),
        }
    }

    fn number(&mut self) -> Result<Kind<'a>, Refusal> {
        let sign = usize::from(self.byte(0) == Some(b'-'));
        let whole = self.run(sign, |b| b.is_ascii_digit());
        if whole == 0 || (whole > 1 && self.byte(sign) == Some(b'0')) {
            return Err(self.wrong("Invalid number: a digit other than a leading zero is expected."));
        }
        let (mut length, mut float) = (sign + whole, false);
        if self.byte(length) == Some(b'.') {
            let fraction = self.run(length + 1, |b| b.is_ascii_digit());
            if fraction == 0 {
                return Err(self.wrong("Invalid number: a digit is expected after the point."));
            }
            (length, float) = (length + 1 + fraction, true);
        }
        if matches!(self.byte(length), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.byte(length + 1), Some(b'+' | b'-')));
            let exponent = self.run(length + 1 + sign, |b| b.is_ascii_digit());
            if exponent == 0 {
                return Err(self.wrong("Invalid number: a digit is expected in the exponent."));
            }
            (length, float) = (length + 1 + sign + exponent, true);
        }
        if self.byte(length).is_some_and(|b| b == b'.' || b == b'_' || b.is_ascii_alphabetic()) {
            return Err(self.wrong("Invalid number: a name or point follows it."));
        }
        let text = self.take(length);
        Ok(if float { Kind::Float(text) } else { Kind::Int(text) })
    }

    fn string(&mut self) -> Result<Kind<'a>, Refusal> {
        self.take(1);
        let mut text = String::new();
        loop {
            match self.peek() {
                None | Some('\n' | '\r') => return Err(self.wrong("Unterminated string.")),
                Some('"') => {
                    self.take(1);
                    return Ok(Kind::Text(text));
                }
                Some('\\') => text.push(self.escape()?),
                Some(c) => {
                    self.bump();
                    text.push(c);
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, Refusal> {
        let c = match self.byte(1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') if self.byte(2) == Some(b'{') => return self.braced_escape(),
            Some(b'u') => return self.fixed_escape(),
            _ => return Err(self.wrong("Invalid character escape sequence.")),
        };
        self.take(2);
        Ok(c)
    }

    /// `\u{1F600}`
    fn braced_escape(&mut self) -> Result<char, Refusal> {
        let digits = self.run(3, |b| b.is_ascii_hexdigit());
        let closed = self.byte(3 + digits) == Some(b'}');
        let code = u32::from_str_radix(&self.source[self.at + 3..self.at + 3 + digits], 16).ok();
        match code.and_then(char::from_u32) {
            Some(c) if closed && digits > 0 => {
                self.take(4 + digits);
                Ok(c)
            }
            _ => Err(self.wrong("Invalid Unicode escape sequence.")),
        }
    }

    /// `\u00e9`, or a pair of surrogates.
    fn fixed_escape(&mut self) -> Result<char, Refusal> {
        let wrong = || self.wrong("Invalid Unicode escape sequence.");
        let first = self.four_hex(2).ok_or_else(wrong)?;
        if let Some(c) = char::from_u32(first) {
            self.take(6);
            return Ok(c);
        }
        let second = if self.byte(6) == Some(b'\\') && self.byte(7) == Some(b'u') {
            self.four_hex(8).filter(|low| (0xdc00..0xe000).contains(low) && first < 0xdc00)
        } else {
            None
        };
        let second = second.ok_or_else(wrong)?;
        let c = char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or_else(wrong)?;
        self.take(12);
        Ok(c)
    }

    fn four_hex(&self, from: usize) -> Option<u32> {
        let bytes = self.source.as_bytes().get(self.at + from..self.at + from + 4)?;
        let hex = bytes.iter().all(u8::is_ascii_hexdigit).then_some(bytes)?;
        u32::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()
    }

    fn block(&mut self) -> Result<Kind<'a>, Refusal> {
        self.take(3);
        let mut raw = String::new();
        loop {
            let rest = &self.source[self.at..];
            if rest.starts_with("\"\"\"") {
                self.take(3);
                return Ok(Kind::Text(dedented(&raw)));
            }
            if rest.starts_with("\\\"\"\"") {
                self.take(4);
                raw.push_str("\"\"\"");
                continue;
            }
            match self.bump() {
                None => return Err(self.wrong("Unterminated string.")),
                Some('\r') => {
                    if self.byte(0) == Some(b'\n') {
                        self.bump();
                    }
                    raw.push('\n');
                }
                Some(c) => raw.push(c),
            }
        }
    }
}

/// The value of a block string (§2.9.4): common indentation and blank lines around it taken away.
fn dedented(raw: &str) -> String {
    let lines: Vec<&str> = raw.split('\n').collect();
    let indent = |line: &str| line.bytes().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let blank = |line: &str| indent(line) == line.len();
    let common = lines.iter().skip(1).filter(|line| !blank(line)).map(|line| indent(line)).min().unwrap_or(0);
    let first = lines.iter().position(|line| !blank(line));
    let Some((first, last)) = first.zip(lines.iter().rposition(|line| !blank(line))) else {
        return String::new();
    };
    let kept = lines.iter().enumerate().take(last + 1).skip(first);
    let kept = kept.map(|(n, line)| if n == 0 { line } else { line.get(common..).unwrap_or_default() });
    kept.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(source: &str) -> Option<String> {
        match lex(source, 10).ok()?.remove(0).kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    #[test]
    fn escapes_are_those_of_the_draft() {
        for (source, expected) in [
            (r#""\uD83D\uDE00""#, "😀"),
            (r#""\u{1F600}""#, "😀"),
            (r#""\u{0000000041}é\n\/""#, "Aé\n/"),
            ("\"\"\"\n    a\n      b\n\n  \"\"\"", "a\n  b"),
            ("\"\"\" a \\\"\"\" b\"\"\"", " a \"\"\" b"),
            ("\"\"", ""),
        ] {
            assert_eq!(text(source).as_deref(), Some(expected), "{source}");
        }
        for wrong in [
            r#""\uD83D""#,
            r#""\uDE00\uD83D""#,
            r#""\u{110000}""#,
            r#""\u{}""#,
            r#""\u{41""#,
            r#""\x""#,
            r#""\uD83Dé""#,
            "\"a\nb\"",
            "\"a",
            "\"\"\"a\"\"",
            r#""\u00é0""#,
        ] {
            assert!(lex(wrong, 10).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_are_those_of_the_language() {
        for (source, good) in [
            ("0", true),
            ("-0", true),
            ("10", true),
            ("1.5e-3", true),
            ("1E4", true),
            ("01", false),
            ("-", false),
            ("1.", false),
            (".5", false),
            ("1e", false),
            ("1a", false),
            ("1.2.3", false),
            ("0x1", false),
        ] {
            assert_eq!(lex(source, 10).is_ok(), good, "{source}");
        }
    }

    #[test]
    fn places_count_lines_and_characters() {
        let tokens = lex("\u{feff}a\r\n  \"é\" b # é\rc", 10).expect("tokens");
        let places: Vec<_> = tokens.iter().map(|t| (t.pos.line, t.pos.column)).collect();
        assert_eq!(places, [(1, 2), (2, 3), (2, 7), (3, 1), (3, 2)]);
    }
}
