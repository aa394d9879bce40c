//! A look at one text: what it has, by place and by the line that it stands in.

use super::Sort;
use crate::model::bytes::Hash;
use crate::model::leak::{self, Known, Line, Lines};
use crate::model::names::SEALED;
use crate::seal::is_siblings;
use crate::vault::FOLDER;

/// What a text has at one place.
#[derive(Debug, Clone)]
pub(super) struct Raw {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) what: Mark,
    /// The line's words by their hash: an older version with the same line had it already.
    pub(super) text: Hash,
    pub(super) is_allowed: bool,
}

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// A value, by its number.
    Value(usize),
    /// A key's form.
    Format(&'static str),
    /// Several versions in one place.
    Siblings,
}

/// Knows what to look for.
pub(super) struct Looker {
    known: Known,
    values: Vec<Sort>,
}

/// Whether a file is one where sealed files are.
pub(super) fn is_sealed(file: &str) -> bool {
    SEALED.iter().any(|folder| {
        let below = format!("{FOLDER}/{folder}/");
        file.strip_prefix(&below).is_some() || file.contains(&format!("/{below}"))
    })
}

impl Looker {
    /// With values, each with what it is.
    pub(super) fn new((known, values): (Known, Vec<Sort>)) -> Self {
        Self { known, values }
    }

    /// What a text has, in the order of its lines. In a file of sealed ones no forms are looked for.
    pub(super) fn look(&self, text: &[u8], is_sealed: bool) -> Vec<Raw> {
        if is_sealed && is_siblings(text) {
            return vec![Raw { line: 1, column: 1, what: Mark::Siblings, text: Hash::of(text), is_allowed: false }];
        }
        let mut places: Vec<(usize, Mark)> =
            self.known.find(text).into_iter().map(|(at, owner)| (at, Mark::Value(owner))).collect();
        if !is_sealed && !leak::is_binary(text) {
            // Of a value that is a key, too, it says more whose it is.
            let is_known = |at: usize, places: &[(usize, Mark)]| places.iter().any(|(known, _)| *known == at);
            let formats = leak::formats(text).into_iter().filter(|(at, _)| !is_known(*at, &places));
            let formats: Vec<_> = formats.map(|(at, format)| (at, Mark::Format(format.name))).collect();
            places.extend(formats);
        }
        places.sort_by_key(|(at, _)| *at);
        let mut lines = Lines::new(text);
        let raw = |(at, what)| {
            let line: Line<'_> = lines.at(at);
            let (is_allowed, text) = (line.is_allowed(), Hash::of(line.text));
            Raw { line: line.number, column: line.column, what, text, is_allowed }
        };
        places.into_iter().map(raw).collect()
    }

    /// What a mark says.
    pub(super) fn sort(&self, mark: Mark) -> Sort {
        match mark {
            Mark::Value(n) => self.values.get(n).cloned().unwrap_or(Sort::Siblings),
            Mark::Format(name) => Sort::Format(name),
            Mark::Siblings => Sort::Siblings,
        }
    }
}
