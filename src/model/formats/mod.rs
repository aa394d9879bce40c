//! Files of settings as other tools write them: dotenv, JSON, YAML and TOML in, six notations out.
//!
//! Never reads a file, never expands a variable, never puts a value into an error or a warning.
//!
//! The rules of this place:
//! - a value is kept byte for byte; where a format would change it (`1.10`, `NO`, `0123`), the source text wins;
//! - an entry is a path of keys and one value; a list becomes one value, its JSON text;
//! - what would be lost without a word (null, an empty map, an overridden key) is a [`Warning`];
//! - what another tool has encrypted is refused, and of a Kubernetes Secret its data is taken;
//! - every size has a limit, so that no input can make this slow or large.

pub mod dotenv;
mod foreign;
pub mod json;
mod node;
pub mod render;
pub mod toml;
pub mod yaml;

pub use foreign::Sealer;

use std::collections::HashMap;
use std::fmt;

use zeroize::Zeroizing;

use crate::model::names::clip;

/// The largest file that is read, in bytes; also the most that YAML aliases may expand to.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;
/// The most entries that a file may hold.
pub const MAX_ENTRIES: usize = 10_000;
/// How deep maps and lists may be nested.
pub const MAX_DEPTH: usize = 8;

/// A notation that can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `NAME=value` lines.
    Dotenv,
    /// One JSON object.
    Json,
    /// One YAML mapping.
    Yaml,
    /// One TOML document.
    Toml,
}

impl Format {
    /// Tells the notation from a file's name: `.env`, `.env.local`, `prod.env`, `.json`, `.yml`, `.yaml`, `.toml`.
    pub fn detect(file_name: &str) -> Option<Self> {
        let name = file_name.rsplit(['/', '\\']).next().unwrap_or(file_name).to_ascii_lowercase();
        match name.rsplit_once('.') {
            Some((_, "json")) => Some(Self::Json),
            Some((_, "yaml" | "yml")) => Some(Self::Yaml),
            Some((_, "toml")) => Some(Self::Toml),
            Some((_, "env")) => Some(Self::Dotenv),
            _ if name.starts_with(".env.") => Some(Self::Dotenv),
            _ => None,
        }
    }

    /// The notation that somebody names on a command line: `dotenv` (or `env`), `json`, `yaml` (or `yml`), `toml`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "dotenv" | "env" => Some(Self::Dotenv),
            "json" => Some(Self::Json),
            "yaml" | "yml" => Some(Self::Yaml),
            "toml" => Some(Self::Toml),
            _ => None,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dotenv => "dotenv",
            Self::Json => "JSON",
            Self::Yaml => "YAML",
            Self::Toml => "TOML",
        })
    }
}

/// One value and where it stood.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// The keys that lead to the value; nested maps give several.
    pub key: Vec<String>,
    /// The value, byte for byte; wiped on drop.
    pub value: Zeroizing<Vec<u8>>,
    /// The line of the key, from 1, where the library tells (not for YAML).
    pub line: Option<usize>,
    /// A dotenv value in which other readers would expand `$NAME`; kept literally here, so the caller warns.
    pub expands: bool,
}

impl Entry {
    /// The keys joined with dots, for messages.
    pub fn name(&self) -> String {
        self.key.join(".")
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("key", &self.key)
            .field("value", &format_args!("<{} bytes>", self.value.len()))
            .field("line", &self.line)
            .field("expands", &self.expands)
            .finish()
    }
}

/// What a file holds, in its order, and what to tell the person about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The values.
    pub entries: Vec<Entry>,
    /// What was left out, or is read differently elsewhere.
    pub warnings: Vec<Warning>,
}

/// Something that the person who imports should know; it never holds a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// A key stands twice; the later value was taken.
    #[error("{key} stands more than once, the last one was taken{}", at(*line))]
    Duplicate {
        /// The key, joined with dots.
        key: String,
        /// The line of the one that was taken.
        line: Option<usize>,
    },
    /// A key without a value (null); nothing was taken.
    #[error("{key} is null and was skipped{}", at(*line))]
    NullSkipped {
        /// The key, joined with dots.
        key: String,
        /// Its line.
        line: Option<usize>,
    },
    /// A map without keys; nothing was taken.
    #[error("{key} is an empty map and was skipped{}", at(*line))]
    EmptyMapSkipped {
        /// The key, joined with dots.
        key: String,
        /// Its line.
        line: Option<usize>,
    },
    /// An unquoted value with a `#` that Node's dotenv and older docker compose take for a comment.
    #[error("{key} holds an unquoted #, which Node's dotenv would cut off there{}", at(*line))]
    HashInValue {
        /// The variable.
        key: String,
        /// Its line.
        line: Option<usize>,
    },
}

fn at(line: Option<usize>) -> String {
    line.map(|line| format!(" (line {line})")).unwrap_or_default()
}

/// Why a file cannot be imported; it never holds a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Larger than [`MAX_BYTES`].
    #[error("the file has {bytes} bytes, more than {MAX_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Not UTF-8 (UTF-16 from a Windows editor, often).
    #[error("line {line} is not UTF-8")]
    NotUtf8 {
        /// The line.
        line: usize,
    },
    /// More than [`MAX_ENTRIES`] entries.
    #[error("the file holds more than {MAX_ENTRIES} values")]
    TooManyEntries,
    /// Deeper than [`MAX_DEPTH`].
    #[error("{key} is nested deeper than {MAX_DEPTH} levels")]
    TooDeep {
        /// The outermost keys, joined with dots.
        key: String,
    },
    /// More than [`MAX_BYTES`] or 200,000 values, as YAML aliases can expand to.
    #[error("the file has, or expands to, more than {MAX_BYTES} bytes or {} values", node::MAX_NODES)]
    Explodes,
    /// The outermost value is no map, so that nothing has a name.
    #[error("a {format} file to import must be a map of names to values")]
    NotAMap {
        /// The notation.
        format: Format,
    },
    /// The library for this format does not accept the text.
    #[error("line {line}, column {column} is not valid {format}")]
    Syntax {
        /// The notation.
        format: Format,
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
    /// A YAML tag such as `!!binary` or `!vault`.
    #[error("line {line} has a YAML tag, and tags are not imported")]
    Tag {
        /// The line.
        line: usize,
    },
    /// A YAML file with more blanks in a row than anybody writes, over which the library would brood for hours.
    #[error("line {line} ends a run of too many blanks")]
    Blanks {
        /// The line.
        line: usize,
    },
    /// A key that is a list or a map.
    #[error("line {line} has a key that is not plain text")]
    ComplexKey {
        /// The line.
        line: usize,
    },
    /// The same key twice in one YAML map, which its specification forbids.
    #[error("{key} stands more than once in one map")]
    DuplicateKey {
        /// The key, joined with dots.
        key: String,
    },
    /// A YAML merge key (`<<`) whose value is neither a map nor a list of maps.
    #[error("{key} merges something that is not a map")]
    BadMerge {
        /// The key, joined with dots.
        key: String,
    },
    /// A dotenv line whose name is missing or has other characters than letters, digits, `_`, `.` and `-`.
    #[error("line {line} does not begin with a variable's name (letters, digits, _, . and -)")]
    BadName {
        /// The line.
        line: usize,
    },
    /// A dotenv line without `=`.
    #[error("line {line} has no = after the variable's name")]
    NoEquals {
        /// The line.
        line: usize,
    },
    /// A quote that is never closed.
    #[error("line {line}: the quote {quote} that opens the value of {key} is never closed")]
    UnterminatedQuote {
        /// The variable.
        key: String,
        /// The line where the quote opens.
        line: usize,
        /// The quote.
        quote: char,
    },
    /// A YAML file with more than one document.
    #[error("the file holds more than one YAML document")]
    SeveralDocuments,
    /// A value that another tool has encrypted: it would be kept as it stands, and programs would be given ciphertext.
    #[error("{key} is encrypted by {by}")]
    Sealed {
        /// The first such key, joined with dots.
        key: String,
        /// The tool.
        by: Sealer,
    },
    /// Several Kubernetes objects in one.
    #[error("the file is a list of Kubernetes objects")]
    ObjectList,
    /// A value in a Kubernetes Secret's `data` that is not base64.
    #[error("{key} of the Kubernetes Secret is not base64")]
    NotBase64 {
        /// The key, joined with dots.
        key: String,
    },
    /// Something else than a comment behind a closing quote.
    #[error("line {line}: only a comment may follow the closing quote of {key}")]
    TextAfterQuote {
        /// The variable.
        key: String,
        /// The line of the closing quote.
        line: usize,
    },
}

/// Reads a file of settings.
///
/// # Errors
/// Says which rule the file breaks, and where; never what it holds.
pub fn parse(format: Format, bytes: &[u8]) -> Result<Parsed, ParseError> {
    let text = text(bytes)?;
    foreign::refuse_sealed_whole(text)?;
    let parsed = match format {
        Format::Dotenv => dotenv::parse(text),
        Format::Json => json::parse(text),
        Format::Yaml => yaml::parse(text),
        Format::Toml => toml::parse(text),
    }?;
    foreign::understand(format, parsed)
}

/// The bytes as text: within the limit, UTF-8, without a byte order mark.
fn text(bytes: &[u8]) -> Result<&str, ParseError> {
    if bytes.len() > MAX_BYTES {
        return Err(ParseError::TooLarge { bytes: bytes.len() });
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| ParseError::NotUtf8 { line: line_at(bytes, error.valid_up_to()) })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// The line of a byte, from 1.
fn line_at(bytes: &[u8], offset: usize) -> usize {
    bytes.iter().take(offset).filter(|byte| **byte == b'\n').count().saturating_add(1)
}

/// The libraries for TOML and YAML build everything before they can be stopped, at 100 to 200 bytes a member: so many
/// separators are refused before.
fn refuse_crowds(text: &str) -> Result<(), ParseError> {
    const MOST: usize = 1_000_000;
    let mut before = b' ';
    let separators = text
        .bytes()
        .filter(|byte| {
            let indicator = matches!(before, b'-' | b'?' | b':') && matches!(byte, b' ' | b'\t');
            before = *byte;
            indicator || matches!(byte, b',' | b'\n')
        })
        .count();
    if separators > MOST { Err(ParseError::TooManyEntries) } else { Ok(()) }
}

/// Gathers entries in order; a later one of the same key takes the earlier one's place away.
#[derive(Default)]
struct Collector {
    slots: Vec<Option<Entry>>,
    by_key: HashMap<Vec<String>, usize>,
    warnings: Vec<Warning>,
}

impl Collector {
    fn push(&mut self, entry: Entry) -> Result<(), ParseError> {
        if self.slots.len() >= MAX_ENTRIES {
            return Err(ParseError::TooManyEntries);
        }
        if let Some(earlier) = self.by_key.insert(entry.key.clone(), self.slots.len()) {
            self.warnings.push(Warning::Duplicate { key: clip(&entry.name()), line: entry.line });
            if let Some(slot) = self.slots.get_mut(earlier) {
                *slot = None;
            }
        }
        self.slots.push(Some(entry));
        Ok(())
    }

    fn warn(&mut self, warning: Warning) {
        self.warnings.push(warning);
    }

    fn finish(self) -> Parsed {
        Parsed { entries: self.slots.into_iter().flatten().collect(), warnings: self.warnings }
    }
}
