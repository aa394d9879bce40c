//! `covault setup`.

use clap::Args;
use serde_json::json;

use super::context::{Context, program};
use super::exit::{self, Answer};
use super::{ask, out};
use crate::vault::hooks::{self, Hooks};
use crate::vault::setup::{self, SetUp};
use crate::vault::trust::{Acceptance, Named};

/// Set this clone up: git shows secrets, and knows which vault it belongs to
///
/// Writes `[diff "covault"]` and `[merge "covault"]` into .git/config and our patterns into .git/info/attributes. Nothing tracked ever
/// configures a command. Commands that write do the same when they find a clone bare.
///
/// With --hooks, the hooks pre-commit and pre-merge-commit stop a commit in which something is not what members signed,
/// and one that brings a secret in plaintext. They stand beside a hook that you have, where that is a shell script. Where
/// another program keeps the hooks (husky, lefthook, pre-commit, overcommit, core.hooksPath), nothing is written, and
/// what to add there is printed. git commit --no-verify goes past them.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault setup\n  covault setup --vault able-baker-charlie-delta-echo-fox\n  covault setup --hooks\n  covault setup --undo\n\n\
    What can go wrong: this machine does not know the vault yet; compare its words with a teammate first."
)]
pub struct SetupArgs {
    /// The vault's words or id, as a teammate told you
    #[arg(long, value_name = "WORDS")]
    vault: Option<String>,
    /// Accept what the trunk holds now, though it was rewritten or its roster is older than one that was seen
    #[arg(long, conflicts_with = "undo")]
    accept: bool,
    /// Have git check each commit before it is made: covault verify --staged and covault scan --staged
    #[arg(long, conflicts_with = "undo")]
    hooks: bool,
    /// Take it all back out of this clone
    #[arg(long)]
    undo: bool,
}

/// Runs it.
pub fn run(context: &Context, args: &SetupArgs) -> Answer {
    if args.undo {
        let changed = setup::undo(context.dir())?;
        if context.json() {
            out::json(&json!({ "changed": changed }))?;
        } else if changed {
            context.note("taken back: git shows sealed files as they are");
        } else {
            context.note("nothing to take back");
        }
        return Ok(exit::DONE);
    }
    let expected = context.expected_vault();
    let named = args.vault.as_deref().map_or_else(|| Named::from(expected.as_deref()), Named::Told);
    if args.accept {
        let Acceptance { seq, back } = setup::accept(context.dir(), &context.home()?, named)?;
        context.note(&format!("accepted: what was seen before is forgotten, and entry {seq} of the roster counts now"));
        for name in back {
            context.warn(&format!(
                "{name} was removed, and is a member by what you accepted; if that is wrong: covault member remove {name}"
            ));
        }
    }
    let confirm = |words: &str| {
        context.can_ask()
            && ask::confirm(&format!("The vault calls itself {words}. Did a teammate tell you these words?"), false)
    };
    let done = setup::setup(context.dir(), &context.home()?, named, &program(), &confirm)?;
    let hooks = if args.hooks { Some(hooks::install(context.dir(), &program())?) } else { None };
    if context.json() {
        let snippet = match &hooks {
            Some(Hooks::Left { snippet, .. }) => Some(snippet),
            _ => None,
        };
        out::json(&json!({
            "name": done.name, "words": done.words, "changed": done.changed, "put_back": done.put_back,
            "accepted": done.accepted, "before": done.before,
            "hooks": hooks.as_ref().map(|hooks| matches!(hooks, Hooks::InPlace { .. })), "snippet": snippet,
        }))?;
    } else {
        context.note(&line(&done));
        if done.put_back > 0 {
            let files = if done.put_back == 1 { "1 file is" } else { &format!("{} files are", done.put_back) };
            context.note(&format!("{files} as committed again, which git had checked out with other line ends"));
        }
        if done.beside_jj {
            context.note("jj merges secrets with covault after these two, then: jj resolve --tool covault");
            setup::jj_lines(&program()).iter().for_each(|line| context.note(&format!("  {line}")));
        }
        if !done.accepted {
            context.note("there is no identity on this machine: git says who sealed what, and nothing can be opened");
            context.note(
                "next: covault setup --vault WORDS, with the words that a colleague tells you, not with those above, \
                 which are the repository's own; then what needs no key works (covault who, ls, log); to be let in: \
                 covault join",
            );
        }
    }
    match hooks {
        None => Ok(exit::DONE),
        Some(Hooks::InPlace { changed }) => {
            let how = if changed { "from now on git has each commit checked" } else { "git had each commit checked" };
            context.note(&format!("{how} (past it: git commit --no-verify)"));
            Ok(exit::DONE)
        }
        Some(Hooks::Left { why, place, snippet }) => {
            context.warn(&format!("no hook was written: {why}; add this {place}:"));
            if !context.json() {
                out::text(&snippet)?;
            }
            Ok(exit::NEEDS_PERSON)
        }
    }
}

/// `this clone was set up already for the vault acme (able-baker-…)`.
fn line(done: &SetUp) -> String {
    let SetUp { name, words, .. } = done;
    if !done.accepted {
        return format!("the vault here calls itself {name} ({words}) and is not accepted yet");
    }
    let how = if done.changed { "set up" } else { "was set up already" };
    let before = done.before.as_ref().map(|before| format!(", in place of {before}")).unwrap_or_default();
    format!("this clone {how} for the vault {name} ({words}){before}")
}
