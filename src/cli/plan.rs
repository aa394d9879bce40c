//! A change of who reads what: shown first, asked about, then made. `share`, `grant`, `group` and others come here.
//!
//! The plan goes to stderr; with `--json` it is part of the answer. A dry run stops after it, before anything is sealed.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::args::WriteFlags;
use super::context::Context;
use super::exit::{self, Refusal};
use super::{ask, out, progress};
use crate::vault::access::Pending;
use crate::vault::amend::{Amended, Amendment};
use crate::vault::write::Report;
use crate::vault::{Vault, error};

/// How many names are shown of a long list.
const SHOWN: usize = 10;

/// What goes with a change.
pub struct Doing<'a> {
    /// The flags of every writing command.
    pub write: &'a WriteFlags,
    /// Do not ask.
    pub yes: bool,
    /// The commit's message.
    pub message: String,
    /// What is said when it is done.
    pub done: String,
    /// What a dry run says after `would`, and what is asked.
    pub would: String,
    /// Members for the JSON beside those that every change has.
    pub more: Map<String, Value>,
}

/// What came of a change, to be said.
pub struct Made {
    /// The exit code.
    pub code: u8,
    /// What was made; `None` in a dry run.
    pub amended: Option<Amended>,
    /// Members for the JSON.
    pub more: Map<String, Value>,
    planned: Report,
    done: String,
    would: String,
}

impl Made {
    /// Says it.
    pub fn say(&self, context: &Context) -> anyhow::Result<()> {
        let report = self.amended.as_ref().map_or(&self.planned, |amended| &amended.report);
        out::report_with(context, report, &self.done, &self.would, self.more.clone())?;
        for (file, why) in self.amended.iter().flat_map(|amended| &amended.refused) {
            context.warn(&format!("{file} was left alone: {why}"));
        }
        Ok(())
    }
}

/// Shows a change, asks, makes it and says what came of it. `None` for the outcome where nothing was made.
pub fn carry_out(
    context: &Context,
    vault: &Vault,
    amendment: Amendment,
    doing: Doing<'_>,
) -> anyhow::Result<(u8, Option<Amended>)> {
    let made = make(context, vault, amendment, doing)?;
    made.say(context)?;
    Ok((made.code, made.amended))
}

/// The same, for who has more to do before it is said.
pub fn make(context: &Context, vault: &Vault, amendment: Amendment, doing: Doing<'_>) -> anyhow::Result<Made> {
    let pending = amendment.pending();
    show(context, &pending);
    for (file, why) in amendment.refused() {
        context.warn(&format!("{file} is left alone: {}", error::chain(why)));
    }
    let mut more = doing.more;
    more.insert("plan".into(), as_json(&pending));
    let refused = amendment.refused().map(|(file, why)| json!({ "file": file, "why": error::chain(why) }));
    more.insert("refused".into(), refused.collect());
    let how = context.how(doing.write);
    let files = amendment.files(vault);
    if how.dry_run {
        let planned = Report { unchanged: files.is_empty(), files, dry_run: true, ..Report::default() };
        more.insert("sealed".into(), 0.into());
        more.insert("left".into(), as_json(&[]));
        let (done, would) = (doing.done, doing.would);
        return Ok(Made { code: exit::DONE, amended: None, more, planned, done, would });
    }
    if !files.is_empty() {
        confirm(context, doing.yes, &doing.would)?;
    }
    let bar = progress::bar(context, pending.len(), "sealing");
    let amended = vault.amend(vault.writing(&how)?, amendment, Vec::new(), &doing.message, &|| bar.inc(1))?;
    bar.finish_and_clear();
    more.insert("sealed".into(), amended.sealed.into());
    more.insert("left".into(), as_json(&amended.left));
    let done = match amended.sealed {
        0 => doing.done,
        1 => format!("{}; 1 secret sealed again", doing.done),
        n => format!("{}; {n} secrets sealed again", doing.done),
    };
    // Who still can open something that they may not read waits for somebody.
    let unsafe_yet = amended.left.iter().any(|pending| !pending.losses.is_empty());
    let code = if unsafe_yet { exit::FINDINGS } else { exit::DONE };
    Ok(Made { code, amended: Some(amended), more, planned: Report::default(), done, would: doing.would })
}

/// Says who gains and who loses which secrets, and what somebody else has to seal.
pub fn show(context: &Context, pending: &[Pending]) {
    if context.json() {
        return;
    }
    let mut gains: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut losses: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    // Tombstones are sealed too, but nobody reads anything in them.
    for change in pending.iter().filter(|change| change.lives) {
        let gained = |name: &&String| !change.losses.contains(name);
        change.gains.iter().filter(gained).for_each(|name| gains.entry(name).or_default().push(change.path.as_str()));
        let lost = |name: &&String| !change.gains.contains(name);
        change.losses.iter().filter(lost).for_each(|name| losses.entry(name).or_default().push(change.path.as_str()));
    }
    for (name, secrets) in gains {
        context.note(&format!("{name} gains {}", listed(&secrets)));
    }
    for (name, secrets) in losses {
        context.note(&format!("{name} loses {}", listed(&secrets)));
    }
    show_left(context, pending.iter().filter(|change| !change.mine));
}

/// Says what oneself cannot seal, and who can.
pub fn show_left<'a>(context: &Context, left: impl Iterator<Item = &'a Pending>) {
    let mut by: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for change in left {
        if change.in_part {
            let (name, who) = (&change.path, change.by.join(" and "));
            context.note(&format!(
                "you can seal a part of {name}: {who} open one version each, and who is last joins them"
            ));
            continue;
        }
        by.entry(change.by.join(" or ")).or_default().push(change.path.as_str());
    }
    for (who, secrets) in by {
        let who = if who.is_empty() { "nobody else can, either" } else { &format!("{who} can") };
        context.note(&format!("you cannot seal {}: {who}", listed(&secrets)));
    }
}

/// `2 secrets: a, b`, cut after ten.
pub fn listed(names: &[&str]) -> String {
    let shown: Vec<&str> = names.iter().copied().take(SHOWN).collect();
    let more = match names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" …and {more} more"),
    };
    format!("{} {}: {}{more}", names.len(), if names.len() == 1 { "secret" } else { "secrets" }, shown.join(", "))
}

/// Asks at a terminal; without one, `--yes` must have said it.
pub fn confirm(context: &Context, yes: bool, would: &str) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    if !context.can_ask() {
        return Err(Refusal::needs_person(format!("nobody can be asked whether to {would}"), "repeat it with: --yes"));
    }
    if ask::confirm(
        &format!("{}{}?", would.chars().take(1).flat_map(char::to_uppercase).collect::<String>(), rest(would)),
        false,
    ) {
        Ok(())
    } else {
        Err(Refusal::needs_person("nothing was changed", "repeat it with --yes, or answer y"))
    }
}

fn rest(text: &str) -> &str {
    let mut chars = text.chars();
    chars.next();
    chars.as_str()
}

/// A plan for programs.
pub fn as_json(pending: &[Pending]) -> Value {
    let all = pending.iter().map(|change| {
        json!({
            "secret": change.path.as_str(), "lives": change.lives, "gains": change.gains, "losses": change.losses,
            "mine": change.mine, "in_part": change.in_part, "by": change.by, "siblings": change.siblings,
        })
    });
    all.collect()
}
