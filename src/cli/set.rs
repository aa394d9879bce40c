//! `covault set`.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use clap_complete::ArgValueCandidates;
use zeroize::Zeroizing;

use super::args::WriteFlags;
use super::context::Context;
use super::exit::{Answer, Refusal};
use super::{ask, complete, out};
use crate::model::codec::MAX_VALUE;
use crate::model::envfile::is_variable_name;
use crate::model::loader::is_loader_variable;
use crate::model::names::{FieldName, MetaName, SecretPath, TagName};
use crate::model::time::Time;
use crate::model::{duration, generate, otp};
use crate::plaintext::Plaintext;
use crate::vault::set::{Edit, FieldEdit, recipe_of};

/// Make a secret or change it
///
/// Without anything else it asks for the field `value` (hidden), or reads it from stdin; one final newline of a
/// one-line value is dropped. FIELD=TEXT sets a field that is no secret: it is shown without being asked for, and it
/// is seen in the process list.
#[derive(Args)]
#[command(after_help = "Examples:\n  covault set prod/db                               # asks for the value\n  \
    pwgen 32 1 | covault set prod/db\n  covault set prod/db --generate password user=app\n  \
    covault set prod/db --generate password:words:6\n  covault set tls/key --file value=key.pem --tag web --expires 90d\n  \
    covault set mail --totp otp < secret.txt\n  covault set prod/db --unset old-field --description 'main database'\n\n\
    What can go wrong: the name is a folder; a value has more than 1 MiB; nobody can be asked (use stdin).")]
pub struct SetArgs {
    /// The secret, such as prod/db
    #[arg(add = ArgValueCandidates::new(complete::names))]
    name: String,
    /// Fields that are no secret
    #[arg(value_name = "FIELD=TEXT")]
    plain: Vec<String>,
    /// Ask for this field (hidden)
    #[arg(long, value_name = "FIELD")]
    prompt: Vec<String>,
    /// Read this field from stdin
    #[arg(long, value_name = "FIELD", conflicts_with = "totp")]
    stdin: Option<String>,
    /// Read this field from a file, byte for byte
    #[arg(long, value_name = "FIELD=PATH")]
    file: Vec<String>,
    /// Generate this field: 32 letters and digits, or words:6, hex:64, base64:32, ascii:40, digits:6, uuid
    #[arg(long, value_name = "FIELD[:RECIPE]")]
    generate: Vec<String>,
    /// Read a one-time password secret (base32 or otpauth://) for this field from stdin or the terminal
    #[arg(long, value_name = "FIELD")]
    totp: Option<String>,
    /// Take this field away
    #[arg(long, value_name = "FIELD")]
    unset: Vec<String>,
    /// Add a tag
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Take a tag away
    #[arg(long, value_name = "TAG")]
    untag: Vec<String>,
    /// What it is: login, note, file, api-key, …
    #[arg(long)]
    kind: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Where it is used
    #[arg(long)]
    url: Option<String>,
    /// The variable that `run --from` and `export --from` give it
    #[arg(long, value_name = "VARIABLE")]
    env: Option<String>,
    /// When it stops working: 30d, 2027-01-31, never
    #[arg(long, value_name = "WHEN")]
    expires: Option<String>,
    /// How often it wants a new value: 90d, 1y, never
    #[arg(long, value_name = "EVERY")]
    rotate_every: Option<String>,
    /// Any other metadatum; an empty TEXT takes it away
    #[arg(long, value_name = "NAME=TEXT")]
    meta: Vec<String>,
    /// Refuse where the secret exists already
    #[arg(long)]
    new: bool,
    #[command(flatten)]
    write: WriteFlags,
}

/// Runs it.
pub fn run(context: &Context, args: &SetArgs) -> Answer {
    let path = SecretPath::parse(&args.name)?;
    let vault = context.vault()?;
    // Before a person types a secret, see that it can be kept.
    vault.check_no_journal(&path)?;
    if !args.write.dry_run {
        vault.may_write()?;
    }
    let edit = edit(context, args, &path)?;
    let new = !vault.lives(&path)?;
    let report = vault.set(&path, edit, &context.how(&args.write))?;
    let verb = if new { ("added", "add") } else { ("set", "set") };
    out::report(context, &report, &format!("{} {path}", verb.0), &format!("{} {path}", verb.1))
}

fn edit(context: &Context, args: &SetArgs, path: &SecretPath) -> anyhow::Result<Edit> {
    let mut edit = Edit { only_new: args.new, ..Edit::default() };
    for text in &args.plain {
        let (name, value) = split(text, "FIELD=TEXT")?;
        push(&mut edit, name, Some(Plaintext::from_text(value)), true)?;
    }
    for text in &args.file {
        let (name, file) = split(text, "FIELD=PATH")?;
        push(&mut edit, name, Some(read_file(context, Path::new(file))?), false)?;
    }
    for text in &args.generate {
        generate_field(&mut edit, text)?;
    }
    for name in &args.unset {
        push(&mut edit, name, None, false)?;
    }
    for name in &args.prompt {
        let value = prompted(context, name)?;
        push(&mut edit, name, Some(value), false)?;
    }
    if let Some(name) = &args.stdin {
        push(&mut edit, name, Some(from_stdin(context)?), false)?;
    }
    if let Some(name) = &args.totp {
        let given = value_from_person(context, name)?;
        let text = given.expose_str().unwrap_or_default();
        let uri = otp::normalize(text.trim(), path.as_str())?;
        push(&mut edit, name, Some(Plaintext::from_text(&uri)), false)?;
    }
    add_tags_and_meta(context, args, &mut edit)?;
    if edit.is_empty() {
        let value = value_from_person(context, "value")?;
        if value.is_empty() {
            let hint = format!("give the value on stdin; an empty one is kept with: covault set {path} --stdin value");
            return Err(Refusal::usage("there is nothing on stdin", hint));
        }
        push(&mut edit, "value", Some(value), false)?;
    }
    Ok(edit)
}

fn push(edit: &mut Edit, name: &str, value: Option<Plaintext>, plain: bool) -> anyhow::Result<()> {
    let name = FieldName::parse(name)?;
    if edit.fields.iter().any(|field| field.name == name) {
        return Err(Refusal::usage(format!("the field '{name}' is given twice"), "give each field once"));
    }
    edit.fields.push(FieldEdit { name, value, plain });
    Ok(())
}

fn add_tags_and_meta(context: &Context, args: &SetArgs, edit: &mut Edit) -> anyhow::Result<()> {
    for (tags, on) in [(&args.tag, true), (&args.untag, false)] {
        for tag in tags {
            edit.tags.push((TagName::parse(tag)?, on));
        }
    }
    let named = [
        ("kind", &args.kind),
        ("description", &args.description),
        ("url", &args.url),
        ("env", &args.env),
        ("expires", &args.expires),
        ("rotate-every", &args.rotate_every),
    ];
    let named = named.into_iter().filter_map(|(name, text)| Some(Ok((name, text.as_deref()?))));
    for pair in named.chain(args.meta.iter().map(|text| split(text, "NAME=TEXT"))) {
        let (name, text) = pair?;
        edit.meta.push((MetaName::parse(name)?, metadatum(context, name, text)?.filter(|value| !value.is_empty())));
    }
    Ok(())
}

/// A metadatum as it is kept: what others read as a date, an interval or a variable must be one.
fn metadatum(context: &Context, name: &str, text: &str) -> anyhow::Result<Option<String>> {
    Ok(match (name, text) {
        (_, "") | ("expires" | "rotate-every", "never") => None,
        ("expires", text) => {
            duration::parse_expiry(text, context.now().unix())?.map(|at| Time::from_unix(at).to_string())
        }
        ("rotate-every", text) => Some(duration::parse_every(text)?.to_string()),
        ("env", env) if !is_variable_name(env) || is_loader_variable(env) => {
            let message = format!("'{env}' cannot be the variable of a secret");
            return Err(Refusal::usage(message, "use a name like DATABASE_URL"));
        }
        (_, text) => Some(text.to_owned()),
    })
}

/// Generates a field, and remembers how, so that a rotation can do it again.
fn generate_field(edit: &mut Edit, text: &str) -> anyhow::Result<()> {
    let (name, recipe) = text.split_once(':').map_or((text, None), |(name, recipe)| (name, Some(recipe)));
    let recipe: generate::Recipe = recipe.unwrap_or("32").parse()?;
    let mut random = |buffer: &mut [u8]| rand_core::RngCore::fill_bytes(&mut rand_core::OsRng, buffer);
    let value = recipe.generate(&mut random)?;
    push(edit, name, Some(Plaintext::from_text(&value)), false)?;
    edit.meta.push((MetaName::parse(&recipe_of(&FieldName::parse(name)?))?, Some(recipe.to_string())));
    Ok(())
}

fn split<'a>(text: &'a str, form: &str) -> anyhow::Result<(&'a str, &'a str)> {
    text.split_once('=').ok_or_else(|| Refusal::usage(format!("this is not {form}"), format!("write it as {form}")))
}

/// From a pipe, or asked for on the terminal.
fn value_from_person(context: &Context, name: &str) -> anyhow::Result<Plaintext> {
    use std::io::IsTerminal as _;
    if std::io::stdin().is_terminal() { prompted(context, name) } else { from_stdin(context) }
}

fn prompted(context: &Context, name: &str) -> anyhow::Result<Plaintext> {
    if !context.can_ask() {
        let hint = format!("give it on stdin: covault set NAME --stdin {name} < FILE");
        return Err(Refusal::needs_person(format!("nobody can be asked for '{name}'"), hint));
    }
    let value = ask::hidden_twice(name).ok_or_else(|| Refusal::needs_person("nothing was typed", "repeat it"))?;
    Ok(Plaintext::from_text(&value))
}

/// What is on stdin; one final newline of a one-line value is dropped.
pub fn from_stdin(context: &Context) -> anyhow::Result<Plaintext> {
    let mut bytes = contents(std::io::stdin().lock()).context("cannot read stdin")?;
    let one_line = bytes.iter().filter(|byte| **byte == b'\n').count() == 1 && bytes.ends_with(b"\n");
    if one_line {
        bytes.pop();
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
    }
    if bytes.is_empty() {
        context.warn("the value from stdin is empty");
    }
    Ok(Plaintext::new(bytes.to_vec()))
}

fn read_file(context: &Context, file: &Path) -> anyhow::Result<Plaintext> {
    let file: PathBuf = context.dir().join(file);
    let failed = |error: std::io::Error| anyhow::Error::new(error).context(format!("cannot read {}", file.display()));
    let bytes = std::fs::File::open(&file).and_then(contents).map_err(failed)?;
    Ok(Plaintext::new(bytes.to_vec()))
}

/// What `source` has, to one byte more than a value may have. A buffer that is too small is wiped, and does not grow:
/// growing would leave an unwiped copy behind.
fn contents(source: impl Read) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut source = source.take(MAX_VALUE as u64 + 1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(1 << 12));
    loop {
        let room = bytes.capacity() - bytes.len();
        if source.by_ref().take(room as u64).read_to_end(&mut bytes)? < room {
            return Ok(bytes);
        }
        let mut larger = Zeroizing::new(Vec::with_capacity(bytes.capacity() * 4));
        larger.extend_from_slice(&bytes);
        bytes = larger;
    }
}
