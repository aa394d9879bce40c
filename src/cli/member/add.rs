//! `covault member add`.

use clap::Args;
use serde_json::json;
use zeroize::Zeroizing;

use super::plan;
use crate::cli::args::WriteFlags;
use crate::cli::context::Context;
use crate::cli::exit::{self, Answer, Refusal};
use crate::cli::{grant, out, progress};
use crate::model::names::{DeviceLabel, MemberName, SecretPath};
use crate::vault::Vault;
use crate::vault::machine::{Machine, NewMachine};

/// Make an identity for a machine and let it in
///
/// Lets the machine in, grants it what it is to read, seals that to it, and prints its identity once: the value for
/// COVAULT_IDENTITY in the CI's secret store. It is kept nowhere. A machine reads what names it and nothing else.
#[derive(Args)]
#[command(after_help = "Examples:\n  covault member add ci --machine --grant staging/\n  \
    covault member add ci --machine --grant staging/ | gh secret set COVAULT_IDENTITY\n  \
    covault member add deploy --machine --grant prod/ --grant staging/ --writes\n\n\
    In the job: COVAULT_IDENTITY and COVAULT_VAULT are all that it needs; a checkout that is read-only is enough.")]
pub struct AddArgs {
    /// The machine's name
    name: String,
    /// It is a machine (people ask by `covault join`)
    #[arg(long, required = true)]
    machine: bool,
    /// A folder or secret that it reads; / is everything
    #[arg(long, value_name = "PATH", required = true)]
    grant: Vec<String>,
    /// Give it a signing key, so that it can write what it reads
    #[arg(long)]
    writes: bool,
    /// What its device is called
    #[arg(long, value_name = "LABEL", default_value = "machine")]
    device: String,
    #[command(flatten)]
    write: WriteFlags,
}

/// Runs it.
pub fn run(context: &Context, args: &AddArgs) -> Answer {
    let name = MemberName::parse(&args.name)?;
    let place = |text: &String| match text.trim_end_matches('/') {
        "" if text.is_empty() => SecretPath::parse("").map(Some),
        "" => Ok(None),
        path => SecretPath::parse(path).map(Some),
    };
    let mut grants = args.grant.iter().map(place).collect::<Result<Vec<_>, _>>()?;
    grants.sort();
    grants.dedup();
    let machine =
        Machine { name: name.clone(), device: DeviceLabel::parse(&args.device)?, grants, writes: args.writes };
    let vault = context.vault()?;
    let how = context.how(&args.write);
    let new = vault.new_machine(&machine, &how)?;
    machine.grants.iter().flatten().try_for_each(|path| grant::say_if_empty(context, &vault, path))?;
    let (done, would) = (format!("{name} is in"), format!("let the machine {name} in"));
    hand_over(context, &vault, new, &Handed { name, done, would }, &args.write)
}

/// A machine and what is said of it.
pub struct Handed {
    /// Its name.
    pub name: MemberName,
    /// What is said when it is done.
    pub done: String,
    /// What a dry run says after `would`.
    pub would: String,
}

/// Makes the change and prints the identity, which is kept nowhere else.
pub fn hand_over(context: &Context, vault: &Vault, new: NewMachine, handed: &Handed, write: &WriteFlags) -> Answer {
    let how = context.how(write);
    plan::say(context, &new.amendment);
    let pending = new.amendment.pending();
    let pin = format!("{}@{}", vault.roster().vault, new.amendment.roster.head);
    let mut more = serde_json::Map::new();
    more.insert("name".into(), json!(handed.name.as_str()));
    more.insert("secrets".into(), plan::as_json(&pending));
    let bar = progress::bar(context, pending.len(), "sealing");
    let (amended, literal) = vault.add_machine(new, &how, &|| bar.inc(1))?;
    bar.finish_and_clear();
    plan::say_left(context, &amended);
    more.insert("sealed".into(), json!(amended.sealed));
    more.insert("left".into(), plan::as_json(&amended.left));
    if write.dry_run {
        out::report_with(context, &amended.report, &handed.done, &handed.would, more)?;
    } else {
        let name = &handed.name;
        more.insert("identity".into(), json!(literal.as_str()));
        more.insert("vault".into(), json!(pin));
        // First of all: it is kept nowhere else.
        let shown = if context.json() {
            out::json_only_copy(&out::report_json(&amended.report, more))
        } else {
            out::only_copy(Zeroizing::new(format!("{}\n", *literal)).as_bytes())
        };
        shown.map_err(|error| {
            let lost = format!("cannot write to stdout, and the identity of {name} is kept nowhere: {error}");
            Refusal::other(lost, Some(format!("let stdout be read, then make another: covault member renew {name}")))
        })?;
        out::say(context, &amended.report, &handed.done, &handed.would);
        context.note(
            "that line is the machine's identity, shown once: keep it as the secret COVAULT_IDENTITY of its jobs",
        );
        context.note(&format!("and set COVAULT_VAULT={pin} (no secret)"));
    }
    // What an identity that ended still opens waits for somebody.
    let unsafe_yet = amended.left.iter().any(|pending| !pending.losses.is_empty());
    Ok(if unsafe_yet { exit::FINDINGS } else { exit::DONE })
}
