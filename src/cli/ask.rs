//! Questions to a person at a terminal. Without one nobody is asked; the flag to use is named instead.

use std::io::IsTerminal as _;

use inquire::{Confirm, Select, Text};
use zeroize::Zeroizing;

use super::context::variable;
use crate::home::AskPassphrase;

/// Whether a person can be asked: stdin and stderr are a terminal, and `COVAULT_NO_INPUT` is not set.
pub fn possible() -> bool {
    variable("COVAULT_NO_INPUT").is_none() && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for passphrases of key files. stdin may be a pipe with a secret: the terminal itself is asked.
pub fn passphrase() -> AskPassphrase {
    Box::new(|what| {
        let nobody = variable("COVAULT_NO_INPUT").is_some() || !std::io::stderr().is_terminal();
        if nobody { None } else { hidden(&format!("passphrase of {what}: ")) }
    })
}

/// Asks nobody: for what git runs in the background.
pub fn nobody() -> AskPassphrase {
    Box::new(|_| None)
}

/// Reads one hidden line.
pub fn hidden(prompt: &str) -> Option<Zeroizing<String>> {
    rpassword::prompt_password(prompt).ok().map(Zeroizing::new)
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
    Text::new(question).with_default(default).prompt().ok()
}

/// Asks yes or no.
pub fn confirm(question: &str, default: bool) -> bool {
    Confirm::new(question).with_default(default).prompt().unwrap_or(false)
}

/// Asks for one of several lines; `None` where the person picks none. The answer is the line's place.
pub fn choose(question: &str, lines: Vec<String>) -> Option<usize> {
    Select::new(question, lines).raw_prompt_skippable().ok().flatten().map(|chosen| chosen.index)
}
