//! The one way in which Covault writes what it signs: a small, fixed subset of TOML.
//!
//! One key a line; basic strings with fixed escapes, integers, arrays of strings, table headers. There is one
//! encoding for a value and the reader accepts no other: no comments, no spare white space, no other escapes.
//! It knows nothing of what the keys mean.

use std::fmt::Write as _;

use thiserror::Error;

/// Why a text is not canonical. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CanonError {
    /// The text ended before `expected`.
    #[error("line {line}: the text ends where {expected} should stand")]
    Ended {
        /// 1-based line.
        line: usize,
        /// What the encoder would have written.
        expected: String,
    },
    /// Something else stands where `expected` should.
    #[error("line {line}: not what the encoder would have written; {expected} should stand here")]
    Unexpected {
        /// 1-based line.
        line: usize,
        /// What the encoder would have written.
        expected: String,
    },
    /// A value has the right spelling and a wrong meaning.
    #[error("line {line}: {key} is not {expected}")]
    Value {
        /// 1-based line.
        line: usize,
        /// The key.
        key: String,
        /// What it should be.
        expected: &'static str,
    },
    /// Text follows the last line.
    #[error("line {line}: text after the end")]
    Trailing {
        /// 1-based line.
        line: usize,
    },
}

impl CanonError {
    /// Whether the text says that it is of another format: one that a later version writes.
    pub fn is_other_format(&self) -> bool {
        matches!(self, Self::Value { key, .. } if key == "format")
    }
}

/// Writes canonical text.
#[derive(Debug, Default)]
pub struct Writer {
    out: String,
}

impl Writer {
    /// An empty text with room for `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { out: String::with_capacity(capacity) }
    }

    /// `key = "text"`.
    pub fn string(&mut self, key: &str, text: &str) -> &mut Self {
        self.key(key);
        quote(&mut self.out, text);
        self.out.push('\n');
        self
    }

    /// `key = 12`.
    pub fn integer(&mut self, key: &str, number: u64) -> &mut Self {
        self.key(key);
        // Writing to a String cannot fail.
        let _ = writeln!(self.out, "{number}");
        self
    }

    /// `key = ["a", "b"]`.
    pub fn strings<T: AsRef<str>>(&mut self, key: &str, items: impl IntoIterator<Item = T>) -> &mut Self {
        self.key(key);
        self.out.push('[');
        for (n, item) in items.into_iter().enumerate() {
            if n > 0 {
                self.out.push_str(", ");
            }
            quote(&mut self.out, item.as_ref());
        }
        self.out.push_str("]\n");
        self
    }

    /// A header line such as `[[entry]]`, with an empty line before it unless it is the first.
    pub fn header(&mut self, header: &str) -> &mut Self {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out.push_str(header);
        self.out.push('\n');
        self
    }

    /// Text that is canonical already, byte for byte.
    pub fn raw(&mut self, text: &str) -> &mut Self {
        self.out.push_str(text);
        self
    }

    /// The text so far.
    pub fn finish(self) -> String {
        self.out
    }

    fn key(&mut self, key: &str) {
        self.out.push_str(key);
        self.out.push_str(" = ");
    }
}

fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_ascii_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Reads canonical text from top to bottom.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the beginning of `text`.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, line: 1 }
    }

    /// The 1-based line that comes next.
    pub fn line(&self) -> usize {
        self.line
    }

    /// How many bytes were read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Whether everything was read.
    pub fn at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    /// What was not read yet.
    pub fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The key of the next line, or `None` where no `key = ` stands.
    pub fn peek_key(&self) -> Option<&'a str> {
        let line = self.rest().lines().next()?;
        line.split_once(" = ").map(|(key, _)| key)
    }

    /// The string at `key`.
    pub fn string(&mut self, key: &str) -> Result<String, CanonError> {
        let line = self.value(key)?;
        let (text, rest) = unquote(line).ok_or_else(|| self.unexpected(key, "a basic string"))?;
        if !rest.is_empty() {
            return Err(self.unexpected(key, "one basic string"));
        }
        self.next_line(key)?;
        Ok(text)
    }

    /// The integer at `key`.
    pub fn integer(&mut self, key: &str) -> Result<u64, CanonError> {
        let line = self.value(key)?;
        let number: u64 = line.parse().map_err(|_| self.unexpected(key, "an integer"))?;
        if number.to_string() != line {
            return Err(self.unexpected(key, "an integer without sign or leading zeros"));
        }
        // TOML's integers have 63 bits: other readers would stumble over more.
        if i64::try_from(number).is_err() {
            return Err(self.unexpected(key, "an integer below 2^63"));
        }
        self.next_line(key)?;
        Ok(number)
    }

    /// The strings at `key`.
    pub fn strings(&mut self, key: &str) -> Result<Vec<String>, CanonError> {
        let line = self.value(key)?;
        let fail = |reader: &Self| reader.unexpected(key, "an array of strings");
        let inner = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')).ok_or_else(|| fail(self))?;
        let mut items = Vec::new();
        let mut rest = inner;
        while !rest.is_empty() {
            if !items.is_empty() {
                rest = rest.strip_prefix(", ").ok_or_else(|| fail(self))?;
            }
            let (item, after) = unquote(rest).ok_or_else(|| fail(self))?;
            items.push(item);
            rest = after;
        }
        self.next_line(key)?;
        Ok(items)
    }

    /// A header line written by [`Writer::header`], with its empty line before it.
    pub fn header(&mut self, header: &str) -> Result<(), CanonError> {
        match self.try_header(|found| found == header) {
            Some(_) => Ok(()),
            None if self.at_end() => Err(CanonError::Ended { line: self.line, expected: header.to_owned() }),
            None => Err(CanonError::Unexpected { line: self.line, expected: header.to_owned() }),
        }
    }

    /// The next line where it is a header that `wanted` accepts.
    pub fn try_header(&mut self, wanted: impl Fn(&str) -> bool) -> Option<&'a str> {
        let rest = self.rest();
        let (body, lines) = if self.at == 0 { (rest, 1) } else { (rest.strip_prefix('\n')?, 2) };
        let (line, _) = body.split_once('\n')?;
        if !wanted(line) {
            return None;
        }
        self.at += line.len() + lines;
        self.line += lines;
        Some(line)
    }

    /// Done: nothing may follow.
    pub fn end(&self) -> Result<(), CanonError> {
        if self.at_end() { Ok(()) } else { Err(CanonError::Trailing { line: self.line }) }
    }

    /// An error about the meaning of `key`, which was just read.
    pub fn wrong(&self, key: &str, expected: &'static str) -> CanonError {
        CanonError::Value { line: self.line.saturating_sub(1), key: key.to_owned(), expected }
    }

    /// The text after `key = ` up to the line's end.
    fn value(&self, key: &str) -> Result<&'a str, CanonError> {
        let rest = self.rest();
        if rest.is_empty() {
            return Err(CanonError::Ended { line: self.line, expected: key.to_owned() });
        }
        rest.strip_prefix(key)
            .and_then(|r| r.strip_prefix(" = "))
            .and_then(|r| r.split_once('\n'))
            .map(|(line, _)| line)
            .ok_or_else(|| CanonError::Unexpected { line: self.line, expected: key.to_owned() })
    }

    fn next_line(&mut self, key: &str) -> Result<(), CanonError> {
        let length = self.rest().find('\n').ok_or_else(|| self.unexpected(key, "a line"))?;
        self.at += length + 1;
        self.line += 1;
        Ok(())
    }

    fn unexpected(&self, key: &str, what: &str) -> CanonError {
        CanonError::Unexpected { line: self.line, expected: format!("{key} = {what}") }
    }
}

/// Reads one quoted string from the start of `text`: its meaning, and what follows it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let body = text.strip_prefix('"')?;
    // Most strings have no escape at all. A control character is none of what may stand there.
    let stop = body.bytes().position(|b| matches!(b, b'"' | b'\\') || b.is_ascii_control())?;
    let (plain, from) = body.split_at_checked(stop)?;
    if let Some(after) = from.strip_prefix('"') {
        return Some((plain.to_owned(), after));
    }
    // Room for all of it at once: a buffer that moved would leave a copy of a secret behind.
    let mut out = String::with_capacity(text.len());
    out.push_str(plain);
    let mut chars = from.chars();
    loop {
        match chars.next()? {
            '"' => return Some((out, chars.as_str())),
            '\\' => match chars.next()? {
                c @ ('"' | '\\') => out.push(c),
                'n' => out.push('\n'),
                'r' => out.push('\r'),
                't' => out.push('\t'),
                'u' => {
                    let (digits, after) = chars.as_str().split_at_checked(4)?;
                    let code = u32::from_str_radix(digits, 16).ok()?;
                    let c = char::from_u32(code)?;
                    // Only what the writer escapes, spelled as it spells it.
                    if !c.is_ascii_control() || matches!(c, '\n' | '\r' | '\t') || format!("{code:04X}") != digits {
                        return None;
                    }
                    out.push(c);
                    chars = after.chars();
                }
                _ => return None,
            },
            c if c.is_ascii_control() => return None,
            c => out.push(c),
        }
    }
}
