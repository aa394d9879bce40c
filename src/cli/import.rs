//! `covault import`.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use zeroize::Zeroizing;

use super::args::WriteFlags;
use super::context::Context;
use super::exit::{Answer, Refusal};
use super::out;
use crate::model::formats::{self, Format, ParseError, Sealer};
use crate::model::names::clip;

/// No file of variables is larger.
const LIMIT: u64 = 16 << 20;

/// Take variables over from a file, one secret each
///
/// DATABASE_URL becomes the secret default/database-url, and .covault/env/default.env maps it back, so that
/// `covault run` finds it; a key that is no variable's name becomes one (db-url: DB_URL). Nested JSON, YAML and TOML
/// become folders; of a Kubernetes Secret its data and stringData are taken. The file itself is left alone.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault import .env\n  covault import .env.staging --to staging --env staging\n  \
    covault import config.yaml --to app\n  generate | covault import - --format json\n\n\
    What can go wrong: a line cannot be read (it is named, its value is not); another tool has encrypted\n\
    a value (sops, dotenvx: decrypt it first); two keys give one name or one variable; a provider issued\n\
    what it would write over; the file was committed once (its values are in git's history in clear:\n\
    change them)."
)]
pub struct ImportArgs {
    /// The file, or - for stdin
    #[arg(value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    /// dotenv, json, yaml or toml [default: by the file's name]
    #[arg(long)]
    format: Option<String>,
    /// The folder for the secrets
    #[arg(long, value_name = "FOLDER", default_value = "default")]
    to: String,
    /// The env file that maps them back [default: the folder's first part]
    #[arg(long, value_name = "ENV")]
    env: Option<String>,
    #[command(flatten)]
    write: WriteFlags,
}

/// Runs it.
pub fn run(context: &Context, args: &ImportArgs) -> Answer {
    let is_stdin = args.file == Path::new("-");
    let file = context.dir().join(&args.file);
    let format = format(args)?;
    let name = if is_stdin { "stdin".to_owned() } else { file.display().to_string() };
    let bytes = if is_stdin { read(std::io::stdin().lock()) } else { std::fs::File::open(&file).and_then(read) };
    let bytes = bytes.with_context(|| format!("cannot read {name}"))?;
    let parsed = formats::parse(format, &bytes).map_err(|error| refused(error, args, format, &name))?;
    for warning in &parsed.warnings {
        context.warn(&warning.to_string());
    }
    for entry in parsed.entries.iter().filter(|entry| entry.expands) {
        context.warn(&format!("{} has a $ that other tools would expand; it is kept as it stands", entry.name()));
    }
    let vault = context.vault()?;
    let first = args.to.split('/').next().filter(|part| !part.is_empty()).unwrap_or("default");
    let env = args.env.as_deref().unwrap_or(first);
    let imported = vault.import(&parsed.entries, &args.to, env, &context.how(&args.write))?;
    if !imported.unmapped.is_empty() {
        let names = imported.unmapped.join(", ");
        context.warn(&format!("kept and not mapped, because they change how programs are loaded: {names}"));
    }
    if !imported.nameless.is_empty() {
        let names = imported.nameless.iter().map(|name| format!("'{}'", clip(name))).collect::<Vec<_>>().join(", ");
        context.warn(&format!("kept and not mapped, because no variable can be called so: {names}"));
    }
    for (variable, before) in &imported.repointed {
        context.warn(&format!("{variable} named {before} until now"));
    }
    let overwritten: Vec<_> = imported.secrets.iter().filter(|secret| secret.overwritten).collect();
    if !overwritten.is_empty() {
        let names = overwritten.iter().map(|secret| secret.path.as_str()).collect::<Vec<_>>().join(", ");
        let get = if args.write.dry_run { "would get" } else { "get" };
        context.warn(&format!("these have another value now, and {get} the file's: {names}"));
    }
    let committed = if is_stdin { None } else { vault.was_ever_committed(&file)? };
    match committed {
        Some(true) => context.warn(&format!(
            "{} was committed once: its values are in git's history in clear; change them where they are used",
            args.file.display()
        )),
        Some(false) if !vault.is_ignored(&file)? => context.note(&format!(
            "{} was never committed here; keep it out of git (echo {} >> .gitignore) or remove it",
            args.file.display(),
            quoted(&args.file)
        )),
        Some(false) | None => {}
    }
    let mut more = serde_json::Map::new();
    let secrets = imported.secrets.iter().map(|secret| {
        json!({
            "variable": secret.variable, "name": secret.path.as_str(), "existed": secret.existed,
            "overwritten": secret.overwritten,
        })
    });
    more.insert("secrets".into(), secrets.collect());
    more.insert("changed".into(), imported.changed.into());
    more.insert("env_file".into(), imported.env_file.clone().into());
    more.insert("unmapped".into(), [imported.unmapped, imported.nameless].concat().into());
    let repointed =
        imported.repointed.iter().map(|(variable, before)| json!({ "variable": variable, "before": before }));
    more.insert("repointed".into(), repointed.collect::<Vec<_>>().into());
    more.insert("ever_committed".into(), committed.into());
    let all = imported.secrets.len();
    let (done, would) = match &imported.env_file {
        // Nothing but the mapping.
        Some(env_file) if imported.changed == 0 && imported.remapped => {
            (format!("mapped {} in {env_file}", args.to), format!("map {} in {env_file}", args.to))
        }
        _ => {
            let (changed, plural) = (imported.changed, if all == 1 { "" } else { "s" });
            let what = format!("{changed} of {all} secret{plural} into {}", args.to);
            (format!("imported {what}"), format!("import {what}"))
        }
    };
    out::report_with(context, &imported.report, &done, &would, more)
}

/// Why a file is not imported, with the command that makes one of it which is.
fn refused(error: ParseError, args: &ImportArgs, format: Format, name: &str) -> anyhow::Error {
    let file = if args.file == Path::new("-") { "FILE".to_owned() } else { quoted(&args.file) };
    let secret = "kubectl get secret NAME -o yaml";
    let from = match &error {
        ParseError::Sealed { by: Sealer::Sops, .. } => format!("sops -d {file}"),
        ParseError::Sealed { by: Sealer::Dotenvx, .. } => format!("dotenvx decrypt -f {file} --stdout"),
        ParseError::Sealed { by: Sealer::Eyaml, .. } => format!("eyaml decrypt -e {file}"),
        ParseError::Sealed { by: Sealer::AnsibleVault, .. } => format!("ansible-vault view {file}"),
        ParseError::Sealed { by: Sealer::SealedSecrets, .. } | ParseError::ObjectList => secret.to_owned(),
        ParseError::SeveralDocuments => {
            return Refusal::usage(format!("cannot import {name}: {error}"), "import each from a file of its own");
        }
        _ => return anyhow::Error::new(error).context(format!("cannot import {name}")),
    };
    let format = if from == secret { Format::Yaml } else { format }.to_string().to_lowercase();
    Refusal::usage(format!("cannot import {name}: {error}"), format!("{from} | covault import - --format {format}"))
}

/// A path as one word of a shell line.
fn quoted(file: &Path) -> String {
    let text = file.to_string_lossy();
    shlex::try_quote(&text).map_or_else(|_| "FILE".to_owned(), |quoted| quoted.into_owned())
}

fn format(args: &ImportArgs) -> anyhow::Result<Format> {
    let name = args.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let (found, said) = match &args.format {
        Some(name) => (Format::from_name(name), name.clone()),
        None => (Format::detect(&name), name),
    };
    found.ok_or_else(|| {
        Refusal::usage(format!("no format is known for '{said}'"), "name it: --format dotenv, json, yaml or toml")
    })
}

fn read(source: impl std::io::Read) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(64 << 10));
    source.take(LIMIT + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
