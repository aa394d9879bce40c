//! What `rm` and `mv` say of env files that name what goes away: they are people's own, and stay as they are.

use serde_json::{Value, json};

use super::context::Context;
use crate::model::names::SecretPath;
use crate::vault::references::Named;

/// So many lines are listed; a number stands for the rest, and the JSON has all.
const LISTED: usize = 10;

/// Warns of the lines that name it, at which no program would be started any more; `to` is where it goes, if it is not
/// for good.
pub fn warn(context: &Context, named: &[Named], to: Option<&SecretPath>) {
    for one in named.iter().take(LISTED) {
        let Named { file, line, variable, path, .. } = one;
        let until = match to {
            Some(to) => format!("until it is: {variable}={}", one.at(to)),
            None => "until it is changed or removed".to_owned(),
        };
        context.warn(&format!("{file}, line {line}: {variable} names {path}, and run and export stop there {until}"));
    }
    let more = named.len().saturating_sub(LISTED);
    if more > 0 {
        context.warn(&format!("so do {more} more lines; covault doctor lists all that lead nowhere"));
    }
}

/// The same for programs.
pub fn as_json(named: &[Named], to: Option<&SecretPath>) -> Value {
    let one = |named: &Named| {
        json!({
            "file": named.file, "line": named.line, "variable": named.variable,
            "reference": named.at(&named.path), "becomes": to.map(|to| named.at(to)),
        })
    };
    named.iter().map(one).collect()
}
