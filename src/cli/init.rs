//! `covault init`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::args::WriteFlags;
use super::context::{Context, variable};
use super::exit::{self, Answer, Refusal};
use super::{ask, out};
use crate::home::{Home, NewKeys};
use crate::model::names::{DeviceLabel, MemberName};
use crate::vault::init::{self, Founding};

/// Start a vault in this repository
///
/// Makes an age identity and a signing key for you where there are none, writes .covault/roster.toml with you as the
/// first admin, teaches this clone to show secrets in `git diff`, and commits.
#[derive(Args)]
#[command(after_help = "Examples:\n  covault init\n  covault init --name alice --vault-name acme\n  \
    covault init --standalone ~/secrets     # a repository of its own\n  \
    covault init --recovery                 # prints a paper key: write it down\n  \
    covault init --signing-key ~/.ssh/id_ed25519.pub     # ssh-agent signs\n\n\
    What can go wrong: git does not know who you are (--standalone tells it, for its repository); a vault is there \
    already, here or on another branch; ssh-agent does not have the key.")]
pub struct InitArgs {
    /// Your name in the vault, such as alice
    #[arg(long)]
    name: Option<String>,
    /// What people call the vault [default: the name of the folder that it goes into]
    #[arg(long)]
    vault_name: Option<String>,
    /// What you call this machine [default: the host's name]
    #[arg(long)]
    device: Option<String>,
    /// Make a new repository in this folder, for the vault alone
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    standalone: Option<PathBuf>,
    /// Put the vault into the current folder instead of the repository's top
    #[arg(long, conflicts_with = "standalone")]
    here: bool,
    /// Start it though another branch has a vault there, and accept it here in place of that one
    #[arg(long)]
    another: bool,
    #[command(flatten)]
    keys: KeyArgs,
    /// Add a paper device: its keys are printed once and kept nowhere
    #[arg(long)]
    recovery: bool,
    #[command(flatten)]
    write: WriteFlags,
}

/// Runs it.
pub fn run(context: &Context, args: &InitArgs) -> Answer {
    let home = context.home()?;
    let dir = args.standalone.clone().map_or_else(|| context.dir().to_path_buf(), |dir| context.dir().join(dir));
    let name = member_name(context, args)?;
    let vault_name = vault_name(context, args, &dir);
    let device = device_label(args.device.as_deref())?;
    let new_keys = args.keys.new_keys(context, &home, args.write.dry_run)?;
    if args.standalone.is_some() {
        if !args.write.dry_run {
            init::new_repository(&dir, &name)?;
        } else if !init::is_repository(&dir) {
            context.note(&format!("would make a repository in {} and start a vault in it for {name}", dir.display()));
            return would_stand_alone(context);
        }
    }
    let comment = format!("{name}@{device} (covault)");
    let founding = Founding {
        vault_name,
        name: name.clone(),
        device,
        new_keys: NewKeys { comment, ..new_keys },
        recovery: args.recovery,
        here: args.here,
        another: args.another,
    };
    // Before there is a vault that says it has a paper key. One JSON object tells of the commit, too, and comes after it.
    let show = |paper: &str| {
        if context.json() {
            return true;
        }
        context.note("write these two lines on paper and keep them safe; they are shown once and kept nowhere:");
        out::only_copy(paper.as_bytes())
            .inspect_err(|error| context.warn(&format!("cannot write to stdout: {error}")))
            .is_ok()
    };
    let founded = init::init(&dir, &home, &founding, &context.how(&args.write), &show)?;
    if founded.new_identity && !args.write.dry_run {
        let (opens, signs) = (founded.identity_file.display(), home.signing_file());
        context.note(&format!("your keys: {opens} opens, {} signs (keep a copy of both)", signs.display()));
    }
    let mut more = serde_json::Map::new();
    more.insert("vault".into(), json!(founded.id.to_string()));
    more.insert("words".into(), json!(founded.words));
    more.insert("name".into(), json!(name.as_str()));
    more.insert("paper".into(), json!(founded.paper.as_ref().map(|paper| paper.as_str())));
    let done = format!("started the vault {} ({})", founding.vault_name, founded.words);
    let would = format!("start a vault for {name}");
    if context.json() && founded.paper.is_some() {
        out::json_only_copy(&out::report_json(&founded.report, more)).map_err(|error| unshown(&error, &name))?;
    } else {
        out::report_with(context, &founded.report, &done, &would, more)?;
    }
    if !args.write.dry_run {
        context.note("next: covault set prod/db");
    }
    Ok(exit::DONE)
}

/// A paper key that nobody got, of a vault that there is.
fn unshown(error: &std::io::Error, name: &MemberName) -> anyhow::Error {
    Refusal::other(
        format!("the vault is there, and nobody has its paper key: stdout cannot be written: {error}"),
        Some(format!("take it off your card: covault join --renew; covault member approve {name}")),
    )
}

/// A dry run where there is no repository yet to look into.
fn would_stand_alone(context: &Context) -> Answer {
    if context.json() {
        out::json(&json!({ "files": [".covault/roster.toml"], "commit": null, "dry_run": true }))?;
    }
    Ok(exit::DONE)
}

fn member_name(context: &Context, args: &InitArgs) -> anyhow::Result<MemberName> {
    let default = variable("USER").or_else(|| variable("USERNAME")).map(|user| user.to_lowercase());
    let name = match (&args.name, default) {
        (Some(name), _) => name.clone(),
        (None, default) if context.can_ask() => ask::text("Your name in the vault:", &default.unwrap_or_default())
            .ok_or_else(|| Refusal::needs_person("nobody answered", "covault init --name alice"))?,
        (None, Some(default)) => default,
        (None, None) => return Err(Refusal::usage("your name in the vault is needed", "covault init --name alice")),
    };
    Ok(MemberName::parse(&name)?)
}

fn vault_name(context: &Context, args: &InitArgs, dir: &std::path::Path) -> String {
    // A repository of its own may be made in a folder of another.
    let goes_there = args.here || args.standalone.is_some();
    let default = init::folder_name(dir, goes_there).unwrap_or_else(|| "vault".to_owned());
    match &args.vault_name {
        Some(name) => name.clone(),
        None if context.can_ask() => ask::text("What people call the vault:", &default).unwrap_or(default),
        None => default,
    }
}

pub(super) fn device_label(given: Option<&str>) -> anyhow::Result<DeviceLabel> {
    if let Some(label) = given {
        return Ok(DeviceLabel::parse(label)?);
    }
    #[cfg(unix)]
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    let host = variable("COMPUTERNAME").unwrap_or_default();
    let clean = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c.to_ascii_lowercase() } else { '-' };
    let label: String = host.split('.').next().unwrap_or_default().chars().take(48).map(clean).collect();
    Ok(DeviceLabel::parse(label.trim_start_matches('-')).or_else(|_| DeviceLabel::parse("device"))?)
}

/// Where keys come from, for who has none yet: `init` and `join` ask for the same.
#[derive(Args)]
pub struct KeyArgs {
    /// Use this age identity file, or ssh-ed25519 private key, instead of making an identity
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    identity: Option<PathBuf>,
    /// Use this ssh-ed25519 key for signing instead of making one; of a public key (.pub), ssh-agent has the private half
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    signing_key: Option<PathBuf>,
    /// Protect the new identity with a passphrase (asked for on the terminal)
    #[arg(long)]
    passphrase: bool,
    /// Leave the new identity unprotected and do not ask
    #[arg(long, conflicts_with = "passphrase")]
    no_passphrase: bool,
}

impl KeyArgs {
    /// How missing keys are to be made; nothing is written.
    pub fn new_keys(&self, context: &Context, home: &Home, dry_run: bool) -> anyhow::Result<NewKeys> {
        let absolute = |path: &PathBuf| std::path::absolute(path);
        let identity = self.identity.as_ref().map(absolute).transpose()?;
        let signing = self.signing_key.as_ref().map(absolute).transpose()?;
        for file in identity.iter().chain(&signing) {
            std::fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?;
        }
        for (file, counts) in [(&identity, home.identity_file()), (&signing, home.signing_file())] {
            // One of them counts on a machine: naming another for this vault would lock the person out of the others.
            if let Some(file) = file
                && counts.exists()
                && counts.canonicalize().ok() != file.canonicalize().ok()
            {
                let hint =
                    "COVAULT_IDENTITY_FILE and COVAULT_SIGNING_KEY_FILE name others for one vault, here and later";
                return Err(Refusal::usage(format!("{} counts on this machine already", counts.display()), hint));
            }
        }
        let has_identity = identity.is_some() || home.has_identity();
        let passphrase = if has_identity || dry_run { None } else { self.new_passphrase(context)? };
        Ok(NewKeys { passphrase, comment: String::new(), identity, signing })
    }

    /// The third question; on a terminal only.
    fn new_passphrase(&self, context: &Context) -> anyhow::Result<Option<zeroize::Zeroizing<String>>> {
        if self.no_passphrase {
            return Ok(None);
        }
        if !context.can_ask() {
            if self.passphrase {
                return Err(Refusal::needs_person(
                    "nobody can be asked for a passphrase",
                    "leave it unprotected with: --no-passphrase",
                ));
            }
            return Ok(None);
        }
        if !self.passphrase && !ask::confirm("Protect your identity with a passphrase?", false) {
            return Ok(None);
        }
        let passphrase = ask::new_passphrase().ok_or_else(|| {
            Refusal::needs_person("no passphrase was given", "leave it unprotected with: --no-passphrase")
        })?;
        Ok(Some(passphrase))
    }
}
