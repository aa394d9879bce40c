//! `covault get`.

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde_json::json;

use super::context::Context;
use super::exit::{self, Answer, Refusal};
use super::{args, complete, out};
use crate::model::names::{FieldName, Reference};
use crate::model::read::FieldView;
use crate::model::{escape, otp};
use crate::plaintext::Plaintext;
use crate::vault::read::Secret;
use crate::vault::{Vault, VaultError};

/// Write a value to stdout, byte for byte
///
/// NAME is a secret (prod/db), a field of it (prod/db/password), or either at an older revision (prod/db@3,
/// prod/db@HEAD~2). Without a field: the only one, or the one called `value`. A one-time password field gives its
/// current code. On a terminal a newline is added, and control characters are shown as \u{…}; a pipe or a file gets the
/// exact bytes.
#[derive(Args)]
#[command(after_help = "Examples:\n  covault get prod/db\n  covault get prod/db/user\n  covault get prod/db@3\n  \
    covault get mail/otp                 # the current code\n  covault get tls/key > key.pem\n\n\
    What can go wrong: several people wrote the field at once (the newest is written, stderr warns; --strict exits 5);\n\
    it is not sealed to you (4); it was forged or damaged (6).")]
pub struct GetArgs {
    /// A secret, or a field of it
    #[arg(value_name = "NAME[/FIELD][@REV]", add = ArgValueCandidates::new(complete::names))]
    name: String,
    /// Exit with 5 where several people wrote the field at once [default where CI is set]
    #[arg(long)]
    strict: bool,
    /// The stored value of a one-time password field instead of its code
    #[arg(long)]
    raw: bool,
}

/// Runs it.
pub fn run(context: &Context, args: &GetArgs) -> Answer {
    let vault = context.vault()?;
    let (secret, field) = find(&vault, &args.name)?;
    let view = secret.field(field.as_ref())?;
    if secret.found_elsewhere {
        context.warn(&format!("{} opened with another stanza than its manifest says", secret.document.path));
    }
    secret.waits().iter().for_each(|line| context.note(line));
    if view.is_conflicted() {
        let name = secret.document.path.to_string();
        if args.strict || context.in_ci() {
            return Err(secret.conflict(view.name).into());
        }
        context.warn(&format!("'{}' of '{name}' was written by several people at once; this is the newest", view.name));
    }
    let value = view.writes.iter().find_map(|write| write.value.present());
    let value = value.ok_or_else(|| VaultError::NoSuchField {
        name: secret.document.path.to_string(),
        field: view.name.to_string(),
        known: Vec::new(),
    })?;
    write(context, &secret, &view, value, args.raw)
}

/// The secret and field that a name means, at a revision where one is given after an `@`.
fn find(vault: &Vault, text: &str) -> anyhow::Result<(Secret, Option<FieldName>)> {
    let (name, revision) = args::at_revision(text)?;
    let reference = Reference::parse(name)?;
    let Some(revision) = revision else {
        let (path, field) = vault.locate(&reference)?;
        return Ok((vault.secret(&path)?, field));
    };
    // What is gone by now has no file: each reading is tried in history, and the refusal is that of a reading which
    // names a secret.
    let mut refusal = None;
    for (path, field) in reference.readings() {
        match vault.secret_at(&path, revision) {
            Ok(secret) => return Ok((secret, field)),
            Err(error) if matches!(refusal, None | Some(VaultError::NoSuchSecret { .. })) => {
                let worse = refusal.is_some() && matches!(error, VaultError::NoSuchSecret { .. });
                refusal = if worse { refusal } else { Some(error) };
            }
            Err(_) => {}
        }
    }
    Err(refusal.map_or_else(|| Refusal::usage("no name was given", "covault get prod/db"), anyhow::Error::new))
}

fn write(context: &Context, secret: &Secret, view: &FieldView<'_>, value: &Plaintext, raw: bool) -> Answer {
    let uri = value.expose_str().filter(|text| !raw && text.starts_with("otpauth://"));
    let code = uri.map(|uri| otp::code(uri, u64::try_from(context.now().unix()).unwrap_or(0))).transpose()?;
    let bytes = code.as_ref().map_or(value.expose(), |code| code.digits.as_bytes());
    if context.json() {
        let (text, base64) = match std::str::from_utf8(bytes) {
            Ok(text) => (Some(text), None),
            Err(_) => (None, Some(base64(bytes))),
        };
        // The one to show first is the first.
        let writes =
            view.writes.iter().map(|write| json!({ "author": write.author.as_str(), "at": write.at.to_string() }));
        out::json(&json!({
            "name": secret.document.path.as_str(), "field": view.name.as_str(), "value": text, "base64": base64,
            "revision": secret.manifest.revision, "valid_for": code.as_ref().map(|code| code.valid_for),
            "conflicted": view.is_conflicted(), "writes": writes.collect::<Vec<_>>(),
        }))?;
        return Ok(exit::DONE);
    }
    if !context.stdout_is_terminal() {
        out::bytes(bytes)?;
        return Ok(exit::DONE);
    }
    match std::str::from_utf8(bytes) {
        // A terminal obeys escapes; a pipe gets the exact bytes.
        Ok(text) => out::text(&escape::terminal_multiline(text))?,
        Err(_) => {
            return Err(Refusal::usage("the value is no text", format!("covault get {} > FILE", secret.document.path)));
        }
    }
    Ok(exit::DONE)
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
