//! A progress bar for long work, on stderr, where that is a terminal and nobody asked for quiet.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};

use super::context::Context;

/// Below so much there is nothing to wait for.
const WORTH_SHOWING: usize = 200;

/// A bar over `count` steps; invisible where it would disturb.
pub fn bar(context: &Context, count: usize, what: &'static str) -> ProgressBar {
    if context.quiet() || context.json() || count < WORTH_SHOWING || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{msg} {bar:30} {pos}/{len}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(count as u64).with_style(style).with_message(what)
}
