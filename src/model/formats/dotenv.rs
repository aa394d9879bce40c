//! Reads `.env` files.
//!
//! Never expands `$NAME`, reads no environment, and guesses at nothing: a line that breaks a rule is an error.
//!
//! Our own parser, because the well-kept crate (`dotenvy`) replaces `$NAME` in values by what the process environment
//! holds, which would change a secret. Against the readers that teams use (their sources and fixtures):
//!
//! | | here | node dotenv | python-dotenv |
//! |---|---|---|---|
//! | `A=x#y` | `x#y` and a warning | `x` | `x#y` |
//! | `A=x #y` | `x` | `x` | `x` |
//! | `A='it\'s'` | error: text after the quote | `it\'s` | `it's` |
//! | `A='C:\\x'` | `C:\\x` | `C:\\x` | `C:\x` |
//! | `A="a\tb\"c\\d"` | escapes `\n \r \t \" \\ \$` | escapes `\n \r` only | also `\a \b \f \v \'` |
//! | `` A=`x` `` | `x` | `x` | `` `x` `` |
//! | `A="never closed` | error | `"never closed` | skips the line |
//! | `A: x`, `A` alone | error | `x`, nothing | nothing |
//! | `A=${B}` | `${B}`, [`Entry::expands`](super::Entry) | `${B}` | the value of B, in any quotes |

use zeroize::Zeroizing;

use super::{Collector, Entry, ParseError, Parsed, Warning};
use crate::model::names::clip;

const BLANKS: [char; 2] = [' ', '\t'];

/// Reads the text of a `.env` file; see the top of this file for the rules.
///
/// # Errors
/// The first line that breaks a rule.
pub fn parse(text: &str) -> Result<Parsed, ParseError> {
    let text = with_line_feeds(text);
    let mut reader = Reader { rest: &text, line: 1 };
    let mut found = Collector::default();
    loop {
        reader.skip_blanks();
        match reader.rest.chars().next() {
            None => return Ok(found.finish()),
            Some('\n') => reader.skip_line(),
            Some('#') => reader.skip_line(),
            Some(_) => binding(&mut reader, &mut found)?,
        }
    }
}

/// `\r\n` and a lone `\r` end a line, and a line ends in `\n` inside quotes too, as node and python have it.
fn with_line_feeds(text: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(text.len()));
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                let _ = chars.next_if_eq(&'\n');
                out.push('\n');
            }
            c => out.push(c),
        }
    }
    out
}

fn binding(reader: &mut Reader<'_>, found: &mut Collector) -> Result<(), ParseError> {
    let line = reader.line;
    skip_export(reader);
    let name = reader.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
    if name.is_empty() {
        return Err(ParseError::BadName { line });
    }
    reader.skip_blanks();
    if !reader.eat('=') {
        return Err(match reader.rest.chars().next() {
            None | Some('\n' | '#') => ParseError::NoEquals { line },
            Some(_) => ParseError::BadName { line },
        });
    }
    let spaced = reader.rest.starts_with(BLANKS);
    reader.skip_blanks();
    let key = name.to_owned();
    let (value, expands) = match reader.rest.chars().next() {
        Some(quote @ ('\'' | '`')) => (raw(reader, &key, quote)?, false),
        Some('"') => escaped(reader, &key)?,
        _ => {
            let value = unquoted(reader, spaced);
            if value.contains('#') {
                found.warn(Warning::HashInValue { key: clip(&key), line: Some(line) });
            }
            (Zeroizing::new(value.as_bytes().to_vec()), expands(value))
        }
    };
    found.push(Entry { key: vec![key], value, line: Some(line), expands })
}

/// `export NAME=…`, but `export=…` is a variable of that name.
fn skip_export(reader: &mut Reader<'_>) {
    if let Some(after) = reader.rest.strip_prefix("export") {
        let name = after.trim_start_matches(BLANKS);
        if name.len() < after.len() && !name.starts_with('=') {
            reader.rest = name;
        }
    }
}

/// Up to the end of the line, or to a `#` after a blank; surrounding blanks do not count.
fn unquoted<'a>(reader: &mut Reader<'a>, spaced: bool) -> &'a str {
    let whole = reader.take_while(|c| c != '\n');
    let mut before_is_blank = spaced;
    let mut end = whole.len();
    for (at, c) in whole.char_indices() {
        if c == '#' && before_is_blank {
            end = at;
            break;
        }
        before_is_blank = c.is_whitespace();
    }
    whole.get(..end).unwrap_or(whole).trim()
}

/// Between `'` or `` ` ``: everything as it stands, over several lines if need be.
fn raw(reader: &mut Reader<'_>, key: &str, quote: char) -> Result<Zeroizing<Vec<u8>>, ParseError> {
    let line = reader.line;
    reader.eat(quote);
    let value = reader.take_while(|c| c != quote);
    if !reader.eat(quote) {
        return Err(ParseError::UnterminatedQuote { key: clip(key), line, quote });
    }
    reader.finish_line(key)?;
    Ok(Zeroizing::new(value.as_bytes().to_vec()))
}

/// Between `"`: six escapes, any other backslash stays as it stands.
fn escaped(reader: &mut Reader<'_>, key: &str) -> Result<(Zeroizing<Vec<u8>>, bool), ParseError> {
    let line = reader.line;
    reader.eat('"');
    let (mut value, mut expanding, mut closed) = (Zeroizing::new(String::new()), false, false);
    let mut chars = reader.rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                closed = true;
                break;
            }
            '\\' => match chars.next() {
                Some('n') => value.push('\n'),
                Some('r') => value.push('\r'),
                Some('t') => value.push('\t'),
                Some(plain @ ('"' | '\\' | '$')) => value.push(plain),
                Some(other) => {
                    value.push('\\');
                    value.push(other);
                    reader.line = reader.line.saturating_add(usize::from(other == '\n'));
                }
                None => break,
            },
            '$' => {
                expanding |= names_follow(chars.as_str());
                value.push('$');
            }
            c => {
                reader.line = reader.line.saturating_add(usize::from(c == '\n'));
                value.push(c);
            }
        }
    }
    reader.rest = chars.as_str();
    if !closed {
        return Err(ParseError::UnterminatedQuote { key: clip(key), line, quote: '"' });
    }
    reader.finish_line(key)?;
    Ok((Zeroizing::new(value.as_bytes().to_vec()), expanding))
}

/// Whether a reader that expands would do so here: an unescaped `$NAME` or `${NAME}`.
fn expands(value: &str) -> bool {
    value.match_indices('$').any(|(at, _)| {
        let escaped = value.get(..at).is_some_and(|before| before.ends_with('\\'));
        !escaped && value.get(at.saturating_add(1)..).is_some_and(names_follow)
    })
}

fn names_follow(after_dollar: &str) -> bool {
    let name = after_dollar.strip_prefix('{').unwrap_or(after_dollar);
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Reader<'a> {
    fn skip_blanks(&mut self) {
        // Other blanks than space and tab (form feed, no-break space) also do not begin a name.
        self.rest = self.rest.trim_start_matches(|c: char| c.is_whitespace() && c != '\n');
    }

    fn skip_line(&mut self) {
        self.take_while(|c| c != '\n');
        self.eat('\n');
    }

    fn eat(&mut self, wanted: char) -> bool {
        let Some(rest) = self.rest.strip_prefix(wanted) else { return false };
        self.rest = rest;
        self.line = self.line.saturating_add(usize::from(wanted == '\n'));
        true
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        self.line = self.line.saturating_add(taken.matches('\n').count());
        taken
    }

    fn finish_line(&mut self, key: &str) -> Result<(), ParseError> {
        self.skip_blanks();
        match self.rest.chars().next() {
            None | Some('\n' | '#') => {
                self.skip_line();
                Ok(())
            }
            Some(_) => Err(ParseError::TextAfterQuote { key: clip(key), line: self.line }),
        }
    }
}
