//! What the tries before the last one came to: they may have done what the last one did not.

use crate::providers::error::Problem;

/// Earlier tries of one call.
#[derive(Default)]
pub(super) struct Earlier {
    /// What was heard of the last one that was sent.
    heard: Option<Problem>,
    /// The same, of the last one that may have been carried out.
    arrived: Option<Problem>,
}

impl Earlier {
    /// Remembers a try.
    pub(super) fn note(&mut self, problem: Problem) {
        match problem {
            Problem::NotSent(_) => {}
            Problem::Refused { status: 429, .. } => self.heard = Some(problem),
            _ => {
                self.heard = Some(problem.clone());
                self.arrived = Some(problem);
            }
        }
    }

    /// What to say of all tries, where the last one was not sent.
    pub(super) fn or_not_sent(self, last: Problem) -> Problem {
        self.arrived.unwrap_or(last)
    }

    /// What to say of all tries, where the last one had no time left to be answered in.
    pub(super) fn or_cut_short(self, last: Problem) -> Problem {
        self.heard.unwrap_or(last)
    }
}
