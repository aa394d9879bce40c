//! What was read of the history, kept in the state folder: the past of a commit does not change.
//!
//! Text, a line each. A file that is not as this version writes it is none; losing it costs time alone.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

use super::Place;
use super::past::Found;
use crate::model::bytes::{Hash, Short};
use crate::model::exposure::Past;
use crate::model::manifest::{MemberRef, State};
use crate::model::names::SecretPath;
use crate::model::time::Time;
use crate::repo::ObjectId;

const FIRST: &str = "covault past 1";

/// What was remembered.
#[derive(Default)]
pub(super) struct Remembered {
    /// The commit whose whole past this is; `None` where it was not all there, so that files are known and no commit is.
    pub(super) tip: Option<ObjectId>,
    pub(super) found: Vec<Found>,
}

/// What the last look remembered.
pub(super) fn load(place: &Place<'_>) -> Remembered {
    let bytes = place.home.and_then(|home| home.past(place.roster.vault, &place.clone_key()));
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.and_then(|text| parse(&text)).unwrap_or_default()
}

/// Remembers.
pub(super) fn store(place: &Place<'_>, tip: Option<ObjectId>, found: &[Found]) {
    if let Some(home) = place.home {
        home.remember_past(place.roster.vault, &place.clone_key(), write(tip, found).as_bytes());
    }
}

fn write(tip: Option<ObjectId>, found: &[Found]) -> String {
    let here: HashSet<Hash> = found.iter().map(|one| one.version.hash).collect();
    let mut sets: HashMap<&[MemberRef], usize> = HashMap::new();
    let mut out = format!("{FIRST}\ntip {}\n", tip.map(|tip| tip.to_string()).unwrap_or_default());
    for Found { version, blob, commit } in found {
        let next = sets.len();
        let set = *sets.entry(&version.readers).or_insert_with(|| {
            let names: Vec<_> = version.readers.iter().map(|reader| format!(" {}", reader.to_text())).collect();
            // Writing to a String cannot fail.
            let _ = writeln!(out, "r{}", names.concat());
            next
        });
        let state = match &version.state {
            State::Live => "live",
            State::Deleted => "deleted",
            State::Moved(to) => to.as_str(),
        };
        // Ancestors only say more where a parent is not here to be asked.
        let whole = version.parents.iter().all(|parent| here.contains(parent));
        let ancestors: &[Short] = if whole { &[] } else { &version.ancestors };
        let _ = writeln!(
            out,
            "v {} {blob} {commit} {} {} {} {} {set} {} {} {}",
            version.hash,
            version.revision,
            version.path,
            if matches!(version.state, State::Moved(_)) { format!("moved:{state}") } else { state.to_owned() },
            version.at,
            listed(&version.values),
            listed(&version.parents),
            listed(ancestors),
        );
    }
    out
}

fn listed<T: ToString>(items: &[T]) -> String {
    let texts: Vec<_> = items.iter().map(ToString::to_string).collect();
    if texts.is_empty() { "-".to_owned() } else { texts.join(",") }
}

fn parse(text: &str) -> Option<Remembered> {
    let mut lines = text.lines();
    if lines.next()? != FIRST || !text.ends_with('\n') {
        return None;
    }
    let tip = match lines.next()?.strip_prefix("tip ")? {
        "" => None,
        hex => Some(ObjectId::from_hex(hex.as_bytes()).ok()?),
    };
    let mut sets: Vec<Arc<[MemberRef]>> = Vec::new();
    let mut found = Vec::new();
    for line in lines {
        if let Some(readers) = line.strip_prefix("r ") {
            let words: Vec<&str> = readers.split(' ').collect();
            let pairs = words.chunks(2).map(|pair| MemberRef::parse(&pair.join(" ")));
            sets.push(pairs.collect::<Option<Vec<_>>>()?.into());
        } else {
            found.push(version(line, &sets)?);
        }
    }
    Some(Remembered { tip, found })
}

fn version(line: &str, sets: &[Arc<[MemberRef]>]) -> Option<Found> {
    let mut words = line.strip_prefix("v ")?.split(' ');
    let hash = Hash::from_hex(words.next()?)?;
    let mut object = || ObjectId::from_hex(words.next()?.as_bytes()).ok();
    let (blob, commit) = (object()?, object()?);
    let revision = words.next()?.parse().ok()?;
    let path = SecretPath::parse(words.next()?).ok()?;
    let state = match words.next()? {
        "live" => State::Live,
        "deleted" => State::Deleted,
        moved => State::Moved(SecretPath::parse(moved.strip_prefix("moved:")?).ok()?),
    };
    let at = Time::parse(words.next()?)?;
    let readers = Arc::clone(sets.get(words.next()?.parse::<usize>().ok()?)?);
    let values = parsed(words.next()?, Short::from_hex)?;
    let parents = parsed(words.next()?, Hash::from_hex)?;
    let ancestors = parsed(words.next()?, Short::from_hex)?;
    let version = Past { hash, path, state, revision, parents, ancestors, readers, values, at };
    words.next().is_none().then_some(Found { version, blob, commit })
}

fn parsed<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    if text == "-" { Some(Vec::new()) } else { text.split(',').map(parse).collect() }
}
