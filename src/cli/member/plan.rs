//! What a change of the roster does to secrets, for people: said before anything is written.

use std::collections::BTreeMap;

use serde_json::json;

use crate::cli::context::Context;
use crate::vault::access::Pending;
use crate::vault::amend::{Amended, Amendment};

/// So many names are listed of each sort; a number stands for the rest.
const LISTED: usize = 12;

/// Says who gains and loses which secrets.
pub fn say(context: &Context, amendment: &Amendment) {
    let pending = amendment.pending();
    for (who, gains) in by_person(&pending, |pending| &pending.gains) {
        context.note(&format!("{who} will be able to read {}", listed(&gains)));
    }
    let gain = by_person(&pending, |pending| &pending.gains);
    for (who, losses) in by_person(&pending, |pending| &pending.losses) {
        // Who also gains has another card by it, without a key of the one before.
        let whom = if gain.contains_key(who) { format!("an earlier key of {who}'s") } else { who.to_owned() };
        context.note(&format!("no longer sealed to {whom}: {}", listed(&losses)));
    }
    let left: Vec<_> = pending.iter().filter(|pending| !pending.mine).collect();
    if !left.is_empty() {
        context.note(&format!("you cannot seal {}: others have to", listed(&names(&left))));
    }
    for (file, error) in amendment.refused() {
        context.warn(&format!("{file} is left alone: {}", crate::vault::error::chain(error)));
    }
    if amendment.kept > 0 {
        context.note(&format!("versions that stay good: {}", amendment.kept));
    }
}

/// Says what waits for others, once it is done.
pub fn say_left(context: &Context, amended: &Amended) {
    if !amended.left.is_empty() {
        let left: Vec<_> = amended.left.iter().collect();
        context.note(&format!("waits for somebody who can open it: {}", listed(&names(&left))));
    }
}

/// The same for programs.
pub fn as_json(pending: &[Pending]) -> serde_json::Value {
    let one = |pending: &Pending| {
        json!({
            "name": pending.path.as_str(), "lives": pending.lives, "gains": pending.gains, "losses": pending.losses,
            "mine": pending.mine, "in_part": pending.in_part, "by": pending.by,
        })
    };
    json!(pending.iter().map(one).collect::<Vec<_>>())
}

fn names<'a>(pending: &[&'a Pending]) -> Vec<&'a str> {
    pending.iter().filter(|pending| pending.lives).map(|pending| pending.path.as_str()).collect()
}

/// Tombstones are sealed, too, and are of no interest to anybody.
fn by_person(pending: &[Pending], of: fn(&Pending) -> &Vec<String>) -> BTreeMap<&str, Vec<&str>> {
    let mut people: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for one in pending.iter().filter(|pending| pending.lives) {
        for who in of(one) {
            people.entry(who).or_default().push(one.path.as_str());
        }
    }
    people
}

/// `3 secrets: prod/db, prod/key, staging/db`; of many, the folders with how many are in each.
fn listed(names: &[&str]) -> String {
    let secrets = if names.len() == 1 { "secret" } else { "secrets" };
    if names.len() <= LISTED {
        return format!("{} {secrets}: {}", names.len(), names.join(", "));
    }
    let mut folders: BTreeMap<String, usize> = BTreeMap::new();
    for name in names {
        let place = name.split_once('/').map_or_else(|| (*name).to_owned(), |(folder, _)| format!("{folder}/"));
        *folders.entry(place).or_default() += 1;
    }
    let more = folders.len().saturating_sub(LISTED);
    let mut parts: Vec<_> = folders.iter().take(LISTED).map(|(place, count)| format!("{place} ({count})")).collect();
    if more > 0 {
        parts.push(format!("and {more} more places"));
    }
    format!("{} {secrets}: {}", names.len(), parts.join(", "))
}
