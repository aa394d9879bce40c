//! A progress bar for long work, on stderr, where that is a terminal and nobody asked for quiet.

use std::io::IsTerminal as _;
use std::sync::OnceLock;

use indicatif::{ProgressBar, ProgressStyle};

use super::context::Context;
use crate::vault::env::Steps;

/// Below so much there is nothing to wait for.
const WORTH_SHOWING: usize = 200;

/// A bar over `count` steps; invisible where it would disturb.
pub fn bar(context: &Context, count: usize, what: &'static str) -> ProgressBar {
    bar_of(is_heard(context), count, what)
}

/// A bar that begins when it is known how much there is to do.
pub struct Later {
    is_heard: bool,
    what: &'static str,
    bar: OnceLock<ProgressBar>,
}

impl Later {
    /// Nothing is shown yet.
    pub fn new(context: &Context, what: &'static str) -> Self {
        Self { is_heard: is_heard(context), what, bar: OnceLock::new() }
    }

    /// Takes the bar away.
    pub fn finish(self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}

impl Steps for Later {
    fn begin(&self, count: usize) {
        self.bar.get_or_init(|| bar_of(self.is_heard, count, self.what));
    }

    fn step(&self) {
        if let Some(bar) = self.bar.get() {
            bar.inc(1);
        }
    }
}

fn is_heard(context: &Context) -> bool {
    !context.quiet() && !context.json() && std::io::stderr().is_terminal()
}

fn bar_of(is_heard: bool, count: usize, what: &'static str) -> ProgressBar {
    if !is_heard || count < WORTH_SHOWING {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{msg} {bar:30} {pos}/{len}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(count as u64).with_style(style).with_message(what)
}
