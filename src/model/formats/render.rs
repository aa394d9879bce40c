//! Writes values in the notations that other tools read: dotenv, shell, JSON, YAML, TOML, GitHub Actions.
//!
//! Never changes a value: what a notation cannot say is refused, and the refusal names the variable, never the value.
//!
//! Dotenv has no standard. Of unquoted, single-quoted, double-quoted and backtick-quoted, that form is written which
//! the most readers take for the same value; our own parser is always one of them. Where no form suits all,
//! [`misread_by`] names the others, so that the caller can warn:
//! - node dotenv knows no `\"`, `\\` or `\$`: of values that need quotes, those with `'` and `"`, or `'` and a backslash, go
//!   wrong there;
//! - python-dotenv replaces `${NAME}` in any quotes;
//! - docker compose replaces `$NAME` unless in single quotes or escaped, which clashes with node where `'` is beside `$`.
//!
//! A shell that reads the file (`set -a; . ./.env`) runs what stands there without quotes. So of the forms that no reader
//! takes for another value than the chosen one, that is written which a shell, too, takes for the value.

use zeroize::Zeroizing;

use crate::model::names::clip;

/// A notation to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// `NAME=value`, quoted where needed.
    Dotenv,
    /// `export NAME='value'` for POSIX shells.
    Shell,
    /// One object of strings.
    Json,
    /// One mapping of double-quoted strings.
    Yaml,
    /// One table of basic strings.
    Toml,
    /// What a step appends to the file `$GITHUB_ENV`.
    Github,
}

impl Output {
    /// The notation that somebody names on a command line.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "dotenv" | "env" => Some(Self::Dotenv),
            "shell" | "sh" => Some(Self::Shell),
            "json" => Some(Self::Json),
            "yaml" | "yml" => Some(Self::Yaml),
            "toml" => Some(Self::Toml),
            "github" => Some(Self::Github),
            _ => None,
        }
    }
}

/// Why values cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A value is not UTF-8; `run --files` or `get` hands over exact bytes.
    #[error("the value of {name} is not UTF-8 text; use `run --files` or `get`")]
    NotText {
        /// The variable.
        name: String,
    },
    /// A value holds a NUL byte; `run --files` or `get` hands over exact bytes.
    #[error("the value of {name} holds a NUL byte; use `run --files` or `get`")]
    Nul {
        /// The variable.
        name: String,
    },
    /// A name that the notation would read as something else.
    #[error("{name:?} cannot be the name of a variable")]
    BadName {
        /// The name.
        name: String,
    },
    /// The same name twice.
    #[error("{name} stands more than once")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// The delimiter for GitHub is empty or has other characters than letters, digits, `-` and `_`.
    #[error("the delimiter must be letters, digits, - and _")]
    BadDelimiter,
    /// The delimiter for GitHub occurs in a value.
    #[error("the value of {name} holds the delimiter")]
    DelimiterInValue {
        /// The variable.
        name: String,
    },
}

/// Writes the pairs in their order. The delimiter is for [`Output::Github`] alone: random, from the caller.
///
/// # Errors
/// Names the first variable that cannot be written as it is.
pub fn render(output: Output, pairs: &[(String, &[u8])], delimiter: &str) -> Result<Zeroizing<Vec<u8>>, RenderError> {
    let pairs = checked(output, pairs)?;
    // Enough for nearly everything, so that a growing buffer leaves no copies behind.
    let size: usize = pairs.iter().map(|(name, value)| name.len() + 2 * value.len() + 96).sum();
    let mut out = Zeroizing::new(String::with_capacity(size));
    match output {
        Output::Dotenv => pairs.iter().for_each(|(name, value)| dotenv(name, value, &mut out)),
        Output::Shell => {
            for (name, value) in &pairs {
                shell(name, value, &mut out)?;
            }
        }
        Output::Json => json(&pairs, &mut out),
        Output::Yaml => yaml(&pairs, &mut out),
        Output::Toml => toml(&pairs, &mut out),
        Output::Github => {
            for (name, value) in &pairs {
                github(name, value, delimiter, &mut out)?;
            }
        }
    }
    Ok(Zeroizing::new(out.as_bytes().to_vec()))
}

/// The `::add-mask::` lines with which a GitHub runner hides every line of every value from its logs; for stdout,
/// before anything else. Blank lines are left out: the runner refuses them. So are lines of one or two characters beside
/// others, such as brackets: they tell nothing, and the runner would hide them in every line of every log. Of a value that
/// has no other lines the longest is hidden.
pub fn github_masks(pairs: &[(String, &[u8])]) -> Zeroizing<Vec<u8>> {
    let size: usize = pairs.iter().map(|(_, value)| 4 * value.len() + 16).sum();
    let mut out = Zeroizing::new(Vec::with_capacity(size));
    for (_, value) in pairs {
        let lines = || value.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let longest = lines().map(|line| line.trim_ascii().len()).max().unwrap_or(0);
        let short = longest.saturating_sub(1).min(2);
        for line in lines().filter(|line| line.trim_ascii().len() > short) {
            out.extend_from_slice(b"::add-mask::");
            for byte in line {
                match byte {
                    b'%' => out.extend_from_slice(b"%25"),
                    b'\r' => out.extend_from_slice(b"%0D"),
                    byte => out.push(*byte),
                }
            }
            out.push(b'\n');
        }
    }
    out
}

/// The readers of `.env` files that take what [`render`] writes for another value; empty for nearly all values.
pub fn misread_by(value: &str) -> Vec<&'static str> {
    let form = best_form(value);
    let readers = [
        ("node dotenv", Reader::Node),
        ("python-dotenv", Reader::Python),
        ("docker compose", Reader::Compose),
        ("a shell", Reader::Shell),
    ];
    readers.into_iter().filter(|(_, reader)| !form.suits(*reader, value)).map(|(name, _)| name).collect()
}

fn checked<'a>(output: Output, pairs: &'a [(String, &'a [u8])]) -> Result<Vec<(&'a str, &'a str)>, RenderError> {
    let mut seen = std::collections::HashSet::new();
    let mut out = Vec::with_capacity(pairs.len());
    let free_names = matches!(output, Output::Json | Output::Yaml | Output::Toml);
    for (name, value) in pairs {
        let name = name.as_str();
        let named = || clip(name);
        if name.is_empty() || (!free_names && !is_variable(name)) {
            return Err(RenderError::BadName { name: named() });
        }
        if !seen.insert(name) {
            return Err(RenderError::Duplicate { name: named() });
        }
        let value = std::str::from_utf8(value).map_err(|_| RenderError::NotText { name: named() })?;
        if value.contains('\0') {
            return Err(RenderError::Nul { name: named() });
        }
        out.push((name, value));
    }
    Ok(out)
}

fn is_variable(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

// ---------------------------------------------------------------------------------------------------------- dotenv

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    Single,
    /// Dollars as they stand.
    Double,
    /// Dollars escaped.
    DoubleEscaped,
    Backtick,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    Ours,
    Node,
    Python,
    Compose,
    /// One that reads the file as a script.
    Shell,
}

const FORMS: [Form; 5] = [Form::Plain, Form::Single, Form::Double, Form::DoubleEscaped, Form::Backtick];

/// The form that the most readers of `.env` files take for the value; of equals the first. Double quotes always suit ours.
/// Where a shell would run it or take it for something else, another that suits the shell and all of those readers.
fn best_form(value: &str) -> Form {
    let readers = [Reader::Ours, Reader::Node, Reader::Python, Reader::Compose];
    let mut best = (Form::DoubleEscaped, 0);
    for form in FORMS {
        let suited = readers.iter().filter(|reader| form.suits(**reader, value)).count();
        if form.suits(Reader::Ours, value) && suited > best.1 {
            best = (form, suited);
        }
    }
    let best = best.0;
    let is_no_worse = |form: &Form| readers.iter().all(|it| !best.suits(*it, value) || form.suits(*it, value));
    let for_shells = |form: &Form| form.suits(Reader::Shell, value) && is_no_worse(form);
    if best.suits(Reader::Shell, value) { best } else { FORMS.into_iter().find(for_shells).unwrap_or(best) }
}

impl Form {
    /// Whether a reader takes this form of the value for the value; no if in doubt.
    fn suits(self, reader: Reader, value: &str) -> bool {
        if reader == Reader::Shell {
            return self.suits_shell(value);
        }
        let no_python_braces = reader != Reader::Python || !value.contains("${");
        // A backslash before the closing quote keeps it from closing, for all but us.
        let open_end = value.ends_with('\\') && reader != Reader::Ours;
        no_python_braces
            && match self {
                Self::Plain => plain(value) && (reader != Reader::Compose || !value.contains('$')),
                Self::Single => {
                    !value.contains(['\'', '\r']) && !open_end && (reader != Reader::Python || !value.contains("\\\\"))
                }
                Self::Double | Self::DoubleEscaped => {
                    let dollar = value.contains('$');
                    let escaped = self == Self::DoubleEscaped;
                    match reader {
                        Reader::Ours => true,
                        Reader::Node => !value.contains(['"', '\\']) && (!dollar || !escaped),
                        Reader::Python => !open_end && (!dollar || !escaped),
                        Reader::Compose => !open_end && !value.ends_with('"') && (!dollar || escaped),
                        Reader::Shell => false,
                    }
                }
                Self::Backtick => {
                    matches!(reader, Reader::Ours | Reader::Node) && !value.contains(['`', '\r']) && !open_end
                }
            }
    }

    /// Whether a shell that reads the file takes this form for the value, and runs nothing of it.
    fn suits_shell(self, value: &str) -> bool {
        match self {
            Self::Plain => plain_in_shell(value),
            Self::Single => !value.contains('\''),
            // A carriage return is written as `\r`, which a shell leaves as it stands.
            Self::Double => !value.contains(['$', '`', '\r']),
            Self::DoubleEscaped => !value.contains(['`', '\r']),
            Self::Backtick => false,
        }
    }
}

/// What a shell takes as it stands behind the `=` of an assignment: no blanks, nothing that quotes, expands, redirects or
/// ends a command, and no `~` or `=` where a home folder or a program could be meant.
fn plain_in_shell(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./:=@%+,^?*[]{}!~".contains(&byte))
        && !value.starts_with(['~', '='])
        && !value.contains(":~")
        && !value.contains("=~")
}

/// Printable ASCII without `#`, which no reader takes for a quote, a comment or something to trim.
fn plain(value: &str) -> bool {
    value.bytes().all(|byte| byte == b' ' || (byte.is_ascii_graphic() && byte != b'#'))
        && !value.starts_with([' ', '\'', '"', '`'])
        && !value.ends_with(' ')
}

fn dotenv(name: &str, value: &str, out: &mut String) {
    out.push_str(name);
    out.push('=');
    match best_form(value) {
        Form::Plain => out.push_str(value),
        Form::Single => quoted('\'', value, out),
        Form::Backtick => quoted('`', value, out),
        form @ (Form::Double | Form::DoubleEscaped) => {
            out.push('"');
            for c in value.chars() {
                match c {
                    '\r' => out.push_str("\\r"),
                    '"' | '\\' => {
                        out.push('\\');
                        out.push(c);
                    }
                    '$' if form == Form::DoubleEscaped => out.push_str("\\$"),
                    c => out.push(c),
                }
            }
            out.push('"');
        }
    }
    out.push('\n');
}

fn quoted(quote: char, value: &str, out: &mut String) {
    out.push(quote);
    out.push_str(value);
    out.push(quote);
}

// ----------------------------------------------------------------------------------------------------------- others

fn shell(name: &str, value: &str, out: &mut String) -> Result<(), RenderError> {
    let value = shlex::try_quote(value).map_err(|_| RenderError::Nul { name: clip(name) })?;
    out.push_str("export ");
    out.push_str(name);
    out.push('=');
    out.push_str(&value);
    out.push('\n');
    Ok(())
}

/// A heredoc of the runner: everything between the two lines is the value, its last line feed excepted.
fn github(name: &str, value: &str, delimiter: &str, out: &mut String) -> Result<(), RenderError> {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if delimiter.is_empty() || !delimiter.bytes().all(letters) {
        return Err(RenderError::BadDelimiter);
    }
    if value.contains(delimiter) {
        return Err(RenderError::DelimiterInValue { name: clip(name) });
    }
    for part in [name, "<<", delimiter, "\n", value, "\n", delimiter, "\n"] {
        out.push_str(part);
    }
    Ok(())
}

fn json(pairs: &[(&str, &str)], out: &mut String) {
    out.push('{');
    for (index, (name, value)) in pairs.iter().enumerate() {
        out.push_str(if index == 0 { "\n  " } else { ",\n  " });
        json_string(name, out);
        out.push_str(": ");
        json_string(value, out);
    }
    out.push_str(if pairs.is_empty() { "}\n" } else { "\n}\n" });
}

/// A JSON string is a double-quoted YAML scalar too, so no reader can take it for a number, a boolean or null.
fn yaml(pairs: &[(&str, &str)], out: &mut String) {
    /// A key before its colon on one line has at most 1,024 characters (YAML 1.2.2, section 7.4.2), which libyaml counts as
    /// bytes; longer ones are said to be keys.
    const LONGEST: usize = 1_000;
    if pairs.is_empty() {
        out.push_str("{}\n");
    }
    for (name, value) in pairs {
        let mut key = String::new();
        json_string(name, &mut key);
        match key.len() {
            0..=LONGEST => out.extend([&key, ": "]),
            _ => out.extend(["? ", &key, "\n: "]),
        }
        json_string(value, out);
        out.push('\n');
    }
}

fn toml(pairs: &[(&str, &str)], out: &mut String) {
    for (name, value) in pairs {
        if is_variable(name) {
            out.push_str(name);
        } else {
            json_string(name, out);
        }
        out.push_str(" = ");
        json_string(value, out);
        out.push('\n');
    }
}

/// A string that JSON, YAML and TOML all read the same: what is not plainly printable is escaped as UTF-16 would have
/// it below U+10000, and stays as it is above.
pub(super) fn json_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{0}'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                let code = u32::from(c);
                out.push_str("\\u");
                for shift in [12, 8, 4, 0] {
                    out.extend(char::from_digit((code >> shift) & 0xf, 16));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
