//! `covault export`.

use std::io::Write as _;

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::context::{Context, variable};
use super::exit::{self, Answer, Refusal};
use super::out;
use super::run::SourceArgs;
use crate::model::formats::render::{self, Output};

/// The formats.
#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// NAME=value, in quotes where it needs them, for .env files
    Dotenv,
    /// export NAME=value, in quotes where it needs them, for a shell's eval
    Shell,
    /// An object
    Json,
    /// A mapping
    Yaml,
    /// A table
    Toml,
    /// Masks on stdout, variables into $GITHUB_ENV
    Github,
}

/// Write secrets as variables in the format of another tool
///
/// The output is in clear: send it where it is used, not into a file that stays. `covault run` needs no file at all. On
/// a terminal, control characters are shown as \u{…}.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault export --format json | jq -r .DATABASE_URL\n  eval \"$(covault export --format shell)\"\n  \
    covault export --from prod --format dotenv\n  covault export -e staging --format github   # in a GitHub Actions step\n\n\
    docker run --env-file knows neither quotes nor values of several lines:\n  covault run -- docker run -e NAME ...\n\n\
    What can go wrong: a value is no text, or a format cannot hold it (the variable is named);\n\
    a reader of .env files takes a value for another one (stderr says which)."
)]
pub struct ExportArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// The format [default: dotenv, and json with --json]
    #[arg(long, short, value_enum)]
    format: Option<Format>,
}

/// Runs it.
pub fn run(context: &Context, args: &ExportArgs) -> Answer {
    let format = match args.format {
        None if context.json() => Format::Json,
        None => Format::Dotenv,
        // Another format, and above all the masks of a GitHub step, would be missing without a word.
        Some(format) if context.json() && !matches!(format, Format::Json) => {
            return Err(Refusal::usage("--json writes JSON, and --format says otherwise", "leave one of them out"));
        }
        Some(format) => format,
    };
    let vault = context.vault()?;
    let variables = args.source.variables(context, &vault)?;
    let pairs: Vec<(String, &[u8])> = variables.iter().map(|v| (v.name.clone(), v.value.expose())).collect();
    if matches!(format, Format::Dotenv) {
        for variable in &variables {
            let readers = render::misread_by(variable.value.expose_str().unwrap_or_default());
            if !readers.is_empty() {
                context.warn(&format!("{} is read otherwise by {}", variable.name, readers.join(", ")));
            }
        }
    }
    let output = match format {
        Format::Dotenv => Output::Dotenv,
        Format::Shell => Output::Shell,
        Format::Json => Output::Json,
        Format::Yaml => Output::Yaml,
        Format::Toml => Output::Toml,
        Format::Github => {
            // What is no secret is shown elsewhere, too; hidden, a user's name would make logs hard to read.
            let secret = variables.iter().filter(|variable| !variable.plain);
            let secret: Vec<_> = secret.map(|v| (v.name.clone(), v.value.expose())).collect();
            return github(context, &pairs, &secret);
        }
    };
    write(context, &render::render(output, &pairs, "")?)?;
    Ok(exit::DONE)
}

/// A terminal obeys escapes; a pipe gets the exact bytes.
fn write(context: &Context, text: &[u8]) -> anyhow::Result<()> {
    match std::str::from_utf8(text) {
        Ok(text) if context.stdout_is_terminal() => out::text(text),
        _ => out::bytes(text),
    }
}

/// Masks first: from the moment a value is in the environment, the log could show it.
fn github(context: &Context, pairs: &[(String, &[u8])], secret: &[(String, &[u8])]) -> Answer {
    let file = variable("GITHUB_ENV").ok_or_else(|| {
        Refusal::usage("GITHUB_ENV is not set: this is no GitHub Actions step", "choose another --format")
    })?;
    let delimiter = format!("covault_{}", hex::encode(crate::vault::write::random()));
    let text = render::render(Output::Github, pairs, &delimiter)?;
    write(context, &render::github_masks(secret))?;
    let target = std::fs::OpenOptions::new().append(true).create(true).open(&file);
    let written = target.and_then(|mut target| target.write_all(&text));
    written.with_context(|| format!("cannot write to GITHUB_ENV ({file})"))?;
    Ok(exit::DONE)
}
