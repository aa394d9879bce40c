//! All exit codes, and the one place where an error becomes `error:`, `hint:` and a code.

use std::ffi::OsString;
use std::io::Write as _;

use clap::error::ErrorKind;

use super::context::Context;
use crate::model::escape;
use crate::vault::{Kind, VaultError};

/// It is done.
pub const DONE: u8 = 0;
/// Anything that has no code of its own.
pub const OTHER: u8 = 1;
/// The request makes no sense.
pub const USAGE: u8 = 2;
/// It is not there.
pub const NOT_FOUND: u8 = 3;
/// No key that opens or signs it.
pub const NO_ACCESS: u8 = 4;
/// Several people wrote different things at once.
pub const CONFLICT: u8 = 5;
/// Something is not what its signatures say.
pub const VERIFICATION: u8 = 6;
/// Refused: a person has to decide.
pub const NEEDS_PERSON: u8 = 7;
/// It worked, and found something that waits for somebody.
pub const FINDINGS: u8 = 8;

/// A remote failed; it may be repeated.
pub const REMOTE: u8 = 9;

/// What a command gives back: its exit code.
pub type Answer = anyhow::Result<u8>;

/// A refusal by the command line itself.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    code: u8,
    message: String,
    hint: Option<String>,
}

impl Refusal {
    /// The request makes no sense.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
        Self { code: USAGE, message: message.into(), hint: Some(hint.into()) }.into()
    }

    /// A person has to decide, and nobody can be asked; `flag` decides beforehand.
    pub fn needs_person(message: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
        Self { code: NEEDS_PERSON, message: message.into(), hint: Some(hint.into()) }.into()
    }

    /// Another program could not be started; `code` is what a shell answers then.
    pub fn not_started(code: u8, message: String, hint: Option<String>) -> anyhow::Error {
        Self { code, message, hint }.into()
    }

    /// The same refusal with another next step.
    pub fn with_hint(error: &anyhow::Error, hint: impl Into<String>) -> anyhow::Error {
        Self { code: code_of(error), message: format!("{error:#}"), hint: Some(hint.into()) }.into()
    }

    /// The same refusal, and what else is to be known.
    pub fn with_more(error: &anyhow::Error, more: &str) -> anyhow::Error {
        let (code, hint) = judge(error);
        Self { code, message: format!("{error:#}; {more}"), hint }.into()
    }

    /// A name with an `@` that no revision follows.
    pub fn no_revision(name: &str) -> anyhow::Error {
        Self::usage(
            format!("there is no revision after the @ of '{name}@'"),
            format!("see its revisions with: covault log {name}"),
        )
    }

    /// Anything else.
    pub fn other(message: impl Into<String>, hint: Option<String>) -> anyhow::Error {
        Self { code: OTHER, message: message.into(), hint }.into()
    }
}

/// Prints an error and says which code it has.
pub fn report(context: &Context, error: &anyhow::Error) -> u8 {
    let (code, hint) = judge(error);
    let hint = hint.or_else(|| of_system(error));
    let mut message = escape::terminal(&error.to_string()).into_owned();
    for cause in error.chain().skip(1) {
        message.push_str(": ");
        message.push_str(&escape::terminal(&cause.to_string()));
    }
    let hint = hint.map(|hint| escape::terminal(&hint).into_owned());
    // One line in JSON, where the lines are in one string.
    let lines = if context.json() { None } else { in_lines(error) };
    print(context.json(), code, &lines.unwrap_or(message), hint);
    code
}

/// Prints what clap says of `words`, help or a refusal, and says which code that has. Where JSON is asked for among them,
/// a refusal has the form of all others.
pub fn report_words(words: &[OsString], error: &clap::Error) -> u8 {
    // What stands after `--` is for another program.
    let mut ours = words.iter().take_while(|word| word.as_os_str() != "--");
    if !error.use_stderr() || !ours.any(|word| word == "--json") {
        // clap prints help to stdout and errors to stderr; 2 is its code for usage, and ours.
        let _ = error.print();
        return if error.use_stderr() { USAGE } else { DONE };
    }
    let text = error.render().to_string();
    let (message, hint) = parts(error.kind(), &text);
    print(true, USAGE, &escape::terminal(&message), Some(escape::terminal(&hint).into_owned()));
    USAGE
}

/// What clap says is wrong, on one line, and what it says of how to do it.
fn parts(kind: ErrorKind, text: &str) -> (String, String) {
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut paragraphs = text.split("\n\n");
    let message = match kind {
        // Of this one clap shows the whole help.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "a command or an argument is missing".to_owned(),
        _ => one_line(paragraphs.next().unwrap_or_default()).trim_start_matches("error: ").to_owned(),
    };
    let tip = |line: &str| line.trim_start().strip_prefix("tip: ").map(ToOwned::to_owned);
    let usage = |paragraph: &str| paragraph.trim_start().strip_prefix("Usage: ").map(one_line);
    let usage = paragraphs.find_map(usage).map(|usage| format!("usage: {usage}"));
    let hints: Vec<_> = text.lines().filter_map(tip).chain(usage).collect();
    (message, if hints.is_empty() { "see what it takes with: --help".to_owned() } else { hints.join("; ") })
}

fn print(json: bool, code: u8, message: &str, hint: Option<String>) {
    let mut err = std::io::stderr().lock();
    // Nobody is left to tell if stderr is gone.
    let _ = if json {
        writeln!(err, "{}", serde_json::json!({ "error": message, "hint": hint, "code": code }))
    } else {
        let hint = hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        writeln!(err, "error: {message}{hint}")
    };
}

/// An error in which a hook or a remote said several lines, one below the other. They are set off: what others say must
/// not look like an `error:` or a `hint:` of ours.
fn in_lines(error: &anyhow::Error) -> Option<String> {
    let inner = error.downcast_ref::<VaultError>().filter(|inner| inner.to_string() == error.to_string())?;
    let (first, lines) = inner.in_lines()?;
    let shown = std::iter::once(escape::terminal(&first).into_owned());
    let shown = shown.chain(lines.into_iter().map(|line| format!("  {}", escape::terminal(line))));
    Some(shown.collect::<Vec<_>>().join("\n"))
}

/// The code of an error that is not printed here.
pub fn code_of(error: &anyhow::Error) -> u8 {
    judge(error).0
}

/// What to do about an error that is not printed here.
pub fn hint_of(error: &anyhow::Error) -> Option<String> {
    judge(error).1
}

fn judge(error: &anyhow::Error) -> (u8, Option<String>) {
    if let Some(refusal) = error.downcast_ref::<Refusal>() {
        return (refusal.code, refusal.hint.clone());
    }
    if let Some(refusal) = error.downcast_ref::<VaultError>() {
        let code = match refusal.kind() {
            Kind::Other => OTHER,
            Kind::Usage => USAGE,
            Kind::NotFound => NOT_FOUND,
            Kind::NoAccess => NO_ACCESS,
            Kind::Conflict => CONFLICT,
            Kind::Verification => VERIFICATION,
            Kind::NeedsPerson => NEEDS_PERSON,
            Kind::Remote => REMOTE,
        };
        return (code, refusal.hint());
    }
    if let Some(error) = error.downcast_ref::<std::io::Error>()
        && error.kind() == std::io::ErrorKind::NotFound
    {
        return (NOT_FOUND, None);
    }
    if is_about_words(error) { (USAGE, None) } else { (OTHER, None) }
}

/// What to do where it is the system that says no.
fn of_system(error: &anyhow::Error) -> Option<String> {
    use std::io::ErrorKind;
    /// `ENFILE` and `EMFILE` of errno(3), for which there is no kind.
    const TOO_MANY_FILES: [i32; 2] = [23, 24];
    /// `EIO`, the same.
    const NOT_READ_OR_WRITTEN: i32 = 5;
    let system = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>())?;
    Some(match system.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "make room (df -h .), then repeat it".to_owned(),
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
            "let yourself write there, then repeat it".to_owned()
        }
        ErrorKind::Interrupted | ErrorKind::ResourceBusy => "repeat it".to_owned(),
        _ if system.raw_os_error().is_some_and(|code| TOO_MANY_FILES.contains(&code)) => {
            "end other programs or raise the limit (ulimit -n), then repeat it".to_owned()
        }
        _ if system.raw_os_error() == Some(NOT_READ_OR_WRITTEN) => {
            "look after the disk (the system's log says what failed), then repeat it".to_owned()
        }
        _ => return None,
    })
}

/// Whether it refuses what a person wrote: a name, a recipe, a date, a file to import, a format that cannot hold a value.
fn is_about_words(error: &anyhow::Error) -> bool {
    error.is::<crate::model::names::NameError>()
        || error.is::<crate::model::generate::RecipeError>()
        || error.is::<crate::model::otp::OtpError>()
        || error.is::<crate::model::duration::DurationError>()
        || error.is::<crate::model::formats::ParseError>()
        || error.is::<crate::model::formats::render::RenderError>()
        || error.is::<crate::model::sheet::SheetError>()
        || error.is::<crate::model::keys::limit::LimitError>()
        || error.is::<crate::model::keys::alert::ThresholdError>()
}
