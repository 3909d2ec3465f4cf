//! STIX patterns (STIX 2.1 §9), as far as they name things: `=` and `IN`, joined by AND and OR. What tests,
//! negates or orders (LIKE, MATCHES, NOT, FOLLOWEDBY …) names nothing and is refused.

/// One comparison: an object path and the text it must equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// `file:hashes.SHA-256`: the path without its quotes, and `[*]` kept.
    pub path: String,
    /// The constant, unescaped.
    pub value: String,
}

/// What must hold together: the terms joined by AND.
pub type Together = Vec<Term>;

/// The longest pattern that is read, in bytes.
const LONGEST: usize = 64 << 10;
/// The most alternatives, and the most terms in all, that a pattern may come to.
const MOST: usize = 1_000;
/// The deepest nesting of parentheses.
const DEEPEST: usize = 32;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Open,
    Close,
    OpenObservation,
    CloseObservation,
    Comma,
    Equals,
    Word(String),
    Text(String),
    Other(String),
}

/// The alternatives of a pattern, each a list of terms that hold together.
///
/// # Errors
/// Why it names nothing: malformed, too large, or an operator that does not name.
pub fn alternatives(pattern: &str) -> Result<Vec<Together>, String> {
    if pattern.len() > LONGEST {
        return Err(format!("a pattern of {} bytes: at most {LONGEST} are read", pattern.len()));
    }
    let mut reader = Reader { tokens: tokens(pattern)?, at: 0, depth: 0 };
    let found = reader.observations()?;
    match reader.next() {
        None => Ok(found),
        Some(Token::Word(word)) => Err(refused(&word)),
        Some(_) => Err("a malformed pattern: something follows its end".to_owned()),
    }
}

fn refused(word: &str) -> String {
    let word: String = word.chars().take(24).collect();
    format!("its pattern uses {word}: only = and IN, joined by AND and OR, name a thing")
}

fn tokens(pattern: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = pattern.trim();
    while let Some(first) = rest.chars().next() {
        let (token, used) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '[' => (Token::OpenObservation, 1),
            ']' => (Token::CloseObservation, 1),
            ',' => (Token::Comma, 1),
            '=' => (Token::Equals, if rest.starts_with("==") { 2 } else { 1 }),
            '\'' => {
                let (text, used) = quoted(rest)?;
                (Token::Text(text), used)
            }
            '<' | '>' | '!' => {
                let used = if rest[1..].starts_with('=') { 2 } else { 1 };
                (Token::Other(rest[..used].to_owned()), used)
            }
            c if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '.') => word(rest)?,
            c => return Err(format!("a malformed pattern: `{}` cannot stand there", c.escape_default())),
        };
        tokens.push(token);
        if tokens.len() > 8 * MOST {
            return Err(format!("a pattern of more than {} words", 8 * MOST));
        }
        rest = rest[used..].trim_start();
    }
    Ok(tokens)
}

/// A word, a number, or an object path with its quoted parts and list steps.
fn word(text: &str) -> Result<(Token, usize), String> {
    let bytes = text.as_bytes();
    let mut out = String::new();
    let mut at = 0;
    let mut is_path = false;
    while let Some(&b) = bytes.get(at) {
        match b {
            b'\'' if is_path && out.ends_with(['.', ':']) => {
                let (part, used) = quoted(&text[at..])?;
                out.push_str(&part);
                at += used;
            }
            // `t'2020-…'` is a timestamp, `h'…'` and `b'…'` are bytes.
            b'\'' if at == 1 && matches!(bytes[0], b't' | b'h' | b'b') => {
                let (value, used) = quoted(&text[at..])?;
                return Ok((Token::Text(value), at + used));
            }
            b'[' if is_path => {
                let end = text[at..].find(']').ok_or("a malformed pattern: `[` without `]` in a path")?;
                out.push_str(&text[at..=at + end]);
                at += end + 1;
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'+' | b'.' | b':' => {
                is_path |= b == b':';
                out.push(char::from(b));
                at += 1;
            }
            _ => break,
        }
    }
    Ok((Token::Word(out), at))
}

/// A text in single quotes with `\'` and `\\`; and how many bytes it took.
fn quoted(text: &str) -> Result<(String, usize), String> {
    let mut out = String::new();
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => {
                out.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '\'' => return Ok((out, at + 1)),
            c => out.push(c),
        }
    }
    Err("a malformed pattern: a quote is not closed".to_owned())
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Reader {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += usize::from(token.is_some());
        token
    }

    fn peek_word(&self, word: &str) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Word(w)) if w.eq_ignore_ascii_case(word))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let there = self.peek_word(word);
        self.at += usize::from(there);
        there
    }

    fn deeper(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("a pattern nested more than {DEEPEST} deep"));
        }
        Ok(())
    }

    fn observations(&mut self) -> Result<Vec<Together>, String> {
        self.joined(Self::observation)
    }

    fn comparisons(&mut self) -> Result<Vec<Together>, String> {
        self.joined(Self::comparison)
    }

    /// Operands joined by OR, and tighter by AND.
    fn joined(
        &mut self,
        operand: fn(&mut Self) -> Result<Vec<Together>, String>,
    ) -> Result<Vec<Together>, String> {
        let mut any = Vec::new();
        loop {
            let mut all = operand(self)?;
            while self.take_word("AND") {
                all = both(&all, &operand(self)?)?;
            }
            any.extend(all);
            bounded(&any)?;
            if !self.take_word("OR") {
                return Ok(any);
            }
        }
    }

    fn observation(&mut self) -> Result<Vec<Together>, String> {
        match self.next() {
            Some(Token::OpenObservation) => {
                let found = self.comparisons()?;
                match self.next() {
                    Some(Token::CloseObservation) => Ok(found),
                    Some(Token::Word(word)) => Err(refused(&word)),
                    _ => Err("a malformed pattern: `]` is missing".to_owned()),
                }
            }
            Some(Token::Open) => {
                self.deeper()?;
                let found = self.observations()?;
                self.depth -= 1;
                self.closed()?;
                Ok(found)
            }
            Some(Token::Word(word)) => Err(refused(&word)),
            _ => Err("a malformed pattern: it starts with `[`".to_owned()),
        }
    }

    fn closed(&mut self) -> Result<(), String> {
        match self.next() {
            Some(Token::Close) => Ok(()),
            Some(Token::Word(word)) => Err(refused(&word)),
            _ => Err("a malformed pattern: `)` is missing".to_owned()),
        }
    }

    fn comparison(&mut self) -> Result<Vec<Together>, String> {
        let path = match self.next() {
            Some(Token::Open) => {
                self.deeper()?;
                let found = self.comparisons()?;
                self.depth -= 1;
                self.closed()?;
                return Ok(found);
            }
            Some(Token::Word(word)) if word.contains(':') => word,
            Some(Token::Word(word)) => return Err(refused(&word)),
            _ => return Err("a malformed pattern: an object path is expected".to_owned()),
        };
        match self.next() {
            Some(Token::Equals) => {
                let value = self.constant()?;
                Ok(vec![vec![Term { path, value }]])
            }
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("IN") => {
                let mut any = Vec::new();
                if self.next() != Some(Token::Open) {
                    return Err("a malformed pattern: `(` is expected after IN".to_owned());
                }
                loop {
                    any.push(vec![Term { path: path.clone(), value: self.constant()? }]);
                    match self.next() {
                        Some(Token::Comma) => bounded(&any)?,
                        Some(Token::Close) => return Ok(any),
                        _ => return Err("a malformed pattern: `)` is missing after IN".to_owned()),
                    }
                }
            }
            Some(Token::Word(word) | Token::Other(word)) => Err(refused(&word)),
            _ => Err("a malformed pattern: an operator is expected".to_owned()),
        }
    }

    fn constant(&mut self) -> Result<String, String> {
        match self.next() {
            Some(Token::Text(text) | Token::Word(text)) => Ok(text),
            _ => Err("a malformed pattern: a constant is expected".to_owned()),
        }
    }
}

fn both(left: &[Together], right: &[Together]) -> Result<Vec<Together>, String> {
    if left.len().saturating_mul(right.len()) > MOST {
        return Err(format!("its pattern comes to more than {MOST} alternatives"));
    }
    let joined: Vec<Together> =
        left.iter().flat_map(|l| right.iter().map(move |r| l.iter().chain(r).cloned().collect())).collect();
    bounded(&joined)?;
    Ok(joined)
}

fn bounded(found: &[Together]) -> Result<(), String> {
    let terms: usize = found.iter().map(Vec::len).sum();
    if found.len() > MOST || terms > 8 * MOST {
        return Err(format!("its pattern comes to more than {MOST} alternatives"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(pattern: &str) -> Vec<String> {
        let found = alternatives(pattern).expect(pattern);
        let term = |t: &Term| format!("{}={}", t.path, t.value);
        found.iter().map(|t| t.iter().map(term).collect::<Vec<_>>().join(" & ")).collect()
    }

    #[test]
    fn reads_what_names_things() {
        assert_eq!(said("[domain-name:value = 'evil.example']"), ["domain-name:value=evil.example"]);
        assert_eq!(said("[ file:hashes.'SHA-256' = 'ab' ]"), ["file:hashes.SHA-256=ab"]);
        assert_eq!(said("[url:value = 'http://x/\\'\\\\']"), ["url:value=http://x/'\\"]);
        assert_eq!(
            said("[domain-name:value = 'a' AND domain-name:resolves_to_refs[*].value = 'b']"),
            ["domain-name:value=a & domain-name:resolves_to_refs[*].value=b"]
        );
        assert_eq!(
            said("[ipv4-addr:value IN ('1', '2')] OR ([url:value='u'])"),
            ["ipv4-addr:value=1", "ipv4-addr:value=2", "url:value=u"]
        );
        assert_eq!(
            said(
                "[network-traffic:dst_port = 443 AND (network-traffic:dst_ref.value = 'a' OR network-traffic:dst_ref.value = 'b')]"
            ),
            [
                "network-traffic:dst_port=443 & network-traffic:dst_ref.value=a",
                "network-traffic:dst_port=443 & network-traffic:dst_ref.value=b"
            ]
        );
    }

    #[test]
    fn refuses_what_only_tests() {
        for (pattern, word) in [
            ("[url:value LIKE 'http%']", "LIKE"),
            ("[url:value MATCHES '^a']", "MATCHES"),
            ("[NOT url:value = 'a']", "NOT"),
            ("[url:value NOT = 'a']", "NOT"),
            ("[url:value != 'a']", "!="),
            ("[file:size > 10]", ">"),
            ("[url:value = 'a'] FOLLOWEDBY [url:value = 'b']", "FOLLOWEDBY"),
            ("[url:value = 'a'] REPEATS 5 TIMES", "REPEATS"),
            ("[EXISTS url:value]", "EXISTS"),
            ("url:value = 'a'", "url:value"),
            ("[url:value = 'a", "quote"),
            ("[url:value = 'a'", "]"),
            ("", "starts"),
        ] {
            let why = alternatives(pattern).expect_err(pattern);
            assert!(why.contains(word), "{pattern}: {why}");
        }
        let wide = format!("[{}]", ["(a:b IN ('1','2','3','4'))"; 8].join(" AND "));
        assert!(alternatives(&wide).expect_err("wide").contains("alternatives"));
        let deep = format!("[{}a:b='1'{}]", "(".repeat(40), ")".repeat(40));
        assert!(alternatives(&deep).expect_err("deep").contains("deep"));
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,80}", words in proptest::collection::vec("\\[|\\]|\\(|\\)|'|=|a:b|AND|OR|IN|,|\\\\|'x'", 0..40)) {
            let _ = alternatives(&text);
            let _ = alternatives(&words.join(" "));
            let _ = alternatives(&words.concat());
        }
    }
}
