//! Questions to a person at a terminal. Without one nobody is asked; the flag to use is named instead.

use std::io::IsTerminal as _;

use inquire::{Confirm, InquireError, Select, Text};
use zeroize::Zeroizing;

use super::context::variable;
use super::interrupt;
use crate::home::AskPassphrase;

/// Whether a person can be asked: stdin and stderr are a terminal, and `COVAULT_NO_INPUT` is not set.
pub fn possible() -> bool {
    variable("COVAULT_NO_INPUT").is_none() && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for passphrases of key files. The terminal itself is asked: stdin may be a pipe with a secret, stdout and stderr
/// may go to files. Somebody sits there if one of the three leads to a terminal.
pub fn passphrase() -> AskPassphrase {
    Box::new(|what| {
        let sees = std::io::stderr().is_terminal() || std::io::stdout().is_terminal();
        let nobody = variable("COVAULT_NO_INPUT").is_some() || !(sees || std::io::stdin().is_terminal());
        if nobody { None } else { hidden(&format!("passphrase of {what}: ")) }
    })
}

/// Asks nobody: for what git runs in the background.
pub fn nobody() -> AskPassphrase {
    Box::new(|_| None)
}

/// Reads one hidden line. ^C ends this process and all that the terminal runs with it.
pub fn hidden(prompt: &str) -> Option<Zeroizing<String>> {
    hidden_line(prompt).ok().map(Zeroizing::new)
}

/// The terminal is set here: rpassword would take ^C from it, keep it from a script that called us, and leave the
/// terminal hidden. It reads and edits the line.
#[cfg(unix)]
fn hidden_line(prompt: &str) -> std::io::Result<String> {
    use std::io::Write as _;
    let hidden = interrupt::Hidden::new()?;
    hidden.terminal().write_all(prompt.as_bytes())?;
    let typed = hidden.terminal().try_clone()?;
    rpassword::read_password_with_config(rpassword::ConfigBuilder::new().input_reader(typed).output_discard().build())
}

#[cfg(not(unix))]
fn hidden_line(prompt: &str) -> std::io::Result<String> {
    rpassword::prompt_password(prompt)
}

/// Reads a hidden line twice, until both are the same; `None` where the person gives up.
pub fn hidden_twice(what: &str) -> Option<Zeroizing<String>> {
    loop {
        let first = hidden(&format!("{what}: "))?;
        let second = hidden(&format!("{what}, again: "))?;
        if first == second {
            return Some(first);
        }
        super::out::to_stderr("they differ; once more");
    }
}

/// Asks for a new passphrase. Not an empty one: it protects nothing, and age cannot be given it.
pub fn new_passphrase() -> Option<Zeroizing<String>> {
    loop {
        let typed = hidden_twice("passphrase")?;
        if !typed.is_empty() {
            return Some(typed);
        }
        super::out::to_stderr("an empty passphrase protects nothing; once more");
    }
}

/// Asks for a line, with a default.
pub fn text(question: &str, default: &str) -> Option<String> {
    answer(Text::new(question).with_default(default).prompt())
}

/// Asks yes or no.
pub fn confirm(question: &str, default: bool) -> bool {
    answer(Confirm::new(question).with_default(default).prompt()).unwrap_or(false)
}

/// Asks for one of several lines; `None` where the person picks none. The answer is the line's place.
pub fn choose(question: &str, lines: Vec<String>) -> Option<usize> {
    answer(Select::new(question, lines).raw_prompt()).map(|chosen| chosen.index)
}

/// `None` where the person gives none. At these questions ^C is a character like others: it is passed on as the terminal
/// would have.
fn answer<T>(answered: Result<T, InquireError>) -> Option<T> {
    if matches!(answered, Err(InquireError::OperationInterrupted)) {
        interrupt::pass_on();
    }
    answered.ok()
}
