//! The tracked file `.covault/env/NAME.env`: which variable gets which secret.
//!
//! Never holds a value. A line is `NAME=covault://folder/name/field`, a comment or blank; anything else is refused,
//! and so is any variable with which a program could be made to run other code (see [`is_loader_variable`]).

use std::collections::HashMap;

pub use super::loader::is_loader_variable;

const SCHEME: &str = "covault://";
/// Longer than any name that is made of a path and a field.
const MAX_NAME: usize = 256;
const MAX_BYTES: usize = 1024 * 1024;
const MAX_REFERENCE: usize = 256;
const MAX_SEGMENT: usize = 64;

/// One variable and the reference to its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvLine {
    /// The variable.
    pub name: String,
    /// What stands after `covault://`.
    pub reference: String,
    /// Its line in the file, from 1.
    pub line: usize,
}

/// Why an env file is refused. A literal value is never repeated here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvFileError {
    /// Larger than any such file needs to be.
    #[error("the file has {bytes} bytes, more than {MAX_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// No text.
    #[error("the file is not UTF-8")]
    NotUtf8,
    /// A line without `=`.
    #[error("line {line} is no NAME=covault://folder/name/field")]
    NotAnAssignment {
        /// The line.
        line: usize,
    },
    /// A name that is not `[A-Za-z_][A-Za-z0-9_]*`, or too long.
    #[error("line {line} does not begin with the name of a variable (letters, digits and _, at most {MAX_NAME})")]
    BadName {
        /// The line.
        line: usize,
    },
    /// A variable that decides which code programs run.
    #[error("line {line}: {name} decides which code programs run and cannot be set from a repository")]
    LoaderVariable {
        /// The variable.
        name: String,
        /// The line.
        line: usize,
    },
    /// A value instead of a reference.
    #[error("line {line}: {name} has a literal value, only references such as covault://dev/db/url are allowed")]
    Literal {
        /// The variable.
        name: String,
        /// The line.
        line: usize,
    },
    /// A reference in quotes, which other files have and these have not.
    #[error("line {line}: the reference of {name} stands in quotes, and is to be written without")]
    Quoted {
        /// The variable.
        name: String,
        /// The line.
        line: usize,
    },
    /// Something behind a reference.
    #[error("line {line}: nothing may follow the reference of {name}; a comment has a line of its own")]
    AfterReference {
        /// The variable.
        name: String,
        /// The line.
        line: usize,
    },
    /// A reference that is empty, too long, or has characters that no path has.
    #[error("line {line}: the reference of {name} is no path such as dev/db/url")]
    BadReference {
        /// The variable.
        name: String,
        /// The line.
        line: usize,
    },
    /// The same variable twice.
    #[error("line {line}: {name} stands on line {earlier} already")]
    Duplicate {
        /// The variable.
        name: String,
        /// The later line.
        line: usize,
        /// The earlier line.
        earlier: usize,
    },
}

/// Reads an env file.
///
/// # Errors
/// The first line that is neither a reference, a comment nor blank.
pub fn parse(bytes: &[u8]) -> Result<Vec<EnvLine>, EnvFileError> {
    if bytes.len() > MAX_BYTES {
        return Err(EnvFileError::TooLarge { bytes: bytes.len() });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| EnvFileError::NotUtf8)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut found = Vec::new();
    for (index, raw) in text.split('\n').enumerate() {
        let line = index.saturating_add(1);
        let content = raw.strip_suffix('\r').unwrap_or(raw).trim_matches([' ', '\t']);
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let (name, value) = content.split_once('=').ok_or(EnvFileError::NotAnAssignment { line })?;
        let (name, value) = (name.trim_end_matches([' ', '\t']), value.trim_start_matches([' ', '\t']));
        if !is_variable_name(name) {
            return Err(EnvFileError::BadName { line });
        }
        let named = || name.to_owned();
        if is_loader_variable(name) {
            return Err(EnvFileError::LoaderVariable { name: named(), line });
        }
        let Some(reference) = value.strip_prefix(SCHEME) else {
            let is_quoted = value.strip_prefix(['"', '\'']).is_some_and(|value| value.starts_with(SCHEME));
            return Err(match is_quoted {
                true => EnvFileError::Quoted { name: named(), line },
                false => EnvFileError::Literal { name: named(), line },
            });
        };
        if !is_reference(reference) {
            let is_followed = reference.split_once([' ', '\t']).is_some_and(|(first, _)| is_reference(first));
            return Err(match is_followed {
                true => EnvFileError::AfterReference { name: named(), line },
                false => EnvFileError::BadReference { name: named(), line },
            });
        }
        if let Some(earlier) = seen.insert(name, line) {
            return Err(EnvFileError::Duplicate { name: named(), line, earlier });
        }
        found.push(EnvLine { name: named(), reference: reference.to_owned(), line });
    }
    Ok(found)
}

/// Writes the lines in the order given, one reference a line; `line` is not looked at.
pub fn encode(lines: &[EnvLine]) -> String {
    lines.iter().map(|line| format!("{}={SCHEME}{}\n", line.name, line.reference)).collect()
}

/// `[A-Za-z_][A-Za-z0-9_]*`, at most 256 characters.
pub fn is_variable_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_NAME
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The characters of paths and fields; whether such a secret exists is not this file's business.
fn is_reference(reference: &str) -> bool {
    reference.len() <= MAX_REFERENCE
        && reference.split('/').all(|segment| {
            segment.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        })
}

/// The variable for a field of a secret: the path's last segment in upper case, `-` and `.` as `_`, and `_FIELD`
/// unless the field is `value`.
pub fn env_name_from(segment: &str, field: &str) -> String {
    let segment = segment.rsplit('/').next().unwrap_or(segment);
    let mut name = upper(segment);
    if field != "value" {
        name.push('_');
        name.push_str(&upper(field));
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}

fn upper(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// The path segment for a variable: `DATABASE_URL` becomes `database-url`. Two variables may give the same segment
/// (`A_B` and `a.b`), which is for the caller to see.
pub fn secret_segment_from(variable: &str) -> String {
    let plain: String =
        variable.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let segment: String = plain.trim_start_matches('-').chars().take(MAX_SEGMENT).collect();
    match segment.as_str() {
        "" => "unnamed".to_owned(),
        device if is_windows_device(device) => format!("{device}-value"),
        _ => segment,
    }
}

/// Names that Windows keeps for itself, which no path of a vault may have.
fn is_windows_device(name: &str) -> bool {
    let numbered =
        |prefix| name.strip_prefix(prefix).is_some_and(|n| n.len() == 1 && n.bytes().all(|b| b.is_ascii_digit()));
    matches!(name, "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}
