//! `covault set`.

use std::path::{Path, PathBuf};

use clap::Args;
use clap_complete::ArgValueCandidates;

use super::args::WriteFlags;
use super::context::Context;
use super::exit::{Answer, Refusal};
use super::{ask, complete, out, stdin};
use crate::model::envfile::is_variable_name;
use crate::model::leak::looks_secret;
use crate::model::loader::is_loader_variable;
use crate::model::names::{FieldName, MetaName, SecretPath, TagName};
use crate::model::time::Time;
use crate::model::{duration, generate, otp};
use crate::plaintext::Plaintext;
use crate::vault::Vault;
use crate::vault::keys::check_place;
use crate::vault::set::{Edit, FieldEdit, recipe_of};

/// Make a secret or change it
///
/// Without anything else it asks for the field `value` (hidden), or reads it from stdin; one final newline of a
/// one-line value is dropped. It does so, too, where a new secret would otherwise have no secret field. FIELD=TEXT sets
/// a field that is no secret: it is shown without being asked for, and it is seen in the process list.
#[derive(Args)]
#[command(after_help = "Examples:\n  covault set prod/db                               # asks for the value\n  \
    pwgen 32 1 | covault set prod/db\n  covault set prod/db --generate password user=app\n  \
    covault set prod/db --generate password:words:6\n  covault set tls/key --file value=key.pem --tag web --expires 90d\n  \
    covault set mail --totp otp < secret.txt\n  covault set prod/db --unset old-field --description 'main database'\n\n\
    What can go wrong: the name is a folder; a value has more than 1 MiB; nobody can be asked (use stdin); a \
    new secret without a value waits for one where a script leaves a pipe open (use </dev/null).")]
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
        vault.may_write_as(&context.how(&args.write))?;
    }
    let new = !vault.lives(&path)?;
    if new {
        check_place(&path)?;
    }
    if new && context.can_ask() {
        vault.check_can_be_made(&path, args.new, context.now())?;
    }
    let mut given = given(context, args, &path, new)?;
    given.warnings.extend(in_the_open(&vault, &path, &given.edit, new));
    let report = vault.set(&path, given.edit, &context.how(&args.write))?;
    if !given.from_stdin && stdin::has_unread() {
        let warning =
            format!("there is something on stdin that nobody read; keep it with: covault set {path} --stdin FIELD");
        given.warnings.push(warning);
    }
    given.warnings.iter().for_each(|warning| context.warn(warning));
    let verb = if new { ("added", "add") } else { ("set", "set") };
    out::report(context, &report, &format!("{} {path}", verb.0), &format!("{} {path}", verb.1))
}

/// What the command line, stdin and the person say together.
#[derive(Default)]
struct Given {
    edit: Edit,
    /// What is to be said where it is kept.
    warnings: Vec<String>,
    /// Whether stdin was read.
    from_stdin: bool,
}

fn given(context: &Context, args: &SetArgs, path: &SecretPath, new: bool) -> anyhow::Result<Given> {
    let mut given = Given { edit: Edit { only_new: args.new, ..Edit::default() }, ..Given::default() };
    let edit = &mut given.edit;
    for text in &args.plain {
        let (name, value) = split(text, "FIELD=TEXT")?;
        push(edit, name, Some(Plaintext::from_text(value)), true)?;
    }
    for text in &args.file {
        let (name, file) = split(text, "FIELD=PATH")?;
        push(edit, name, Some(read_file(context, Path::new(file))?), false)?;
    }
    for text in &args.generate {
        generate_field(edit, text)?;
    }
    for name in &args.unset {
        push(edit, name, None, false)?;
    }
    for name in &args.prompt {
        let value = prompted(context, name)?;
        if value.is_empty() {
            given.warnings.push(format!("the value that was typed for '{name}' is empty"));
        }
        push(edit, name, Some(value), false)?;
    }
    if let Some(name) = &args.stdin {
        let value = stdin::value()?;
        if value.is_empty() {
            given.warnings.push("the value from stdin is empty".to_owned());
        }
        given.from_stdin = true;
        push(edit, name, Some(value), false)?;
    }
    if let Some(name) = &args.totp {
        given.from_stdin = !stdin::is_terminal();
        let secret = if given.from_stdin { stdin::value()? } else { prompted(context, name)? };
        let text = secret.expose_str().unwrap_or_default();
        let uri = otp::normalize(text.trim(), path.as_str())?;
        push(edit, name, Some(Plaintext::from_text(&uri)), false)?;
    }
    add_tags_and_meta(context, args, edit)?;
    if edit.is_empty() {
        let value = the_value(context, path)?;
        push(edit, "value", Some(value), false)?;
        given.from_stdin = true;
    } else if new && is_without_secret(edit) {
        match value_beside(context)? {
            Some(value) => push(edit, "value", Some(value), false)?,
            None => given
                .warnings
                .push(format!("no value was given: {path} has no secret field; give it one with: covault set {path}")),
        }
        given.from_stdin = true;
    }
    Ok(given)
}

/// Whether an edit makes a secret, gives it nothing that is one, and leaves room for a value. To take something away makes
/// none.
fn is_without_secret(edit: &Edit) -> bool {
    let makes = edit.fields.iter().any(|field| field.value.is_some())
        || edit.tags.iter().any(|(_, on)| *on)
        || edit.meta.iter().any(|(_, text)| text.is_some());
    let is_in_the_way = |field: &FieldEdit| field.name.as_str() == "value" || (!field.plain && field.value.is_some());
    makes && !edit.fields.iter().any(is_in_the_way)
}

/// The value, where the command line says nothing else: asked for on a terminal, else from stdin.
fn the_value(context: &Context, path: &SecretPath) -> anyhow::Result<Plaintext> {
    let typed = stdin::is_terminal();
    let value = if typed { prompted(context, "value")? } else { stdin::value()? };
    let hint = |how: &str| format!("{how}; an empty one is kept with: covault set {path} --stdin value </dev/null");
    match (value.is_empty(), typed) {
        (false, _) => Ok(value),
        (true, true) => Err(Refusal::needs_person("nothing was typed", hint("repeat it"))),
        (true, false) => Err(Refusal::usage("there is nothing on stdin", hint("give the value on stdin"))),
    }
}

/// The value of a new secret of which the command line says other things: asked for where somebody can be, else what a
/// pipe has. None is an answer, too.
fn value_beside(context: &Context) -> anyhow::Result<Option<Plaintext>> {
    let value = match (stdin::is_terminal(), context.can_ask()) {
        (true, true) => prompted(context, "value")?,
        (true, false) => return Ok(None),
        (false, _) if stdin::is_begun() => return Ok(None),
        (false, _) => stdin::value_unannounced()?,
    };
    if value.is_empty() {
        return Ok(None);
    }
    // A loop that reads its list from the same pipe ends here.
    if !stdin::is_terminal() {
        context.note("all of stdin is the value");
    }
    Ok(Some(value))
}

/// Warnings of new fields that are to be no secret and look like one.
fn in_the_open(vault: &Vault, path: &SecretPath, edit: &Edit, new: bool) -> Vec<String> {
    let looks = |field: &&FieldEdit| {
        let text = field.value.as_ref().and_then(Plaintext::expose_str);
        field.plain && text.is_some_and(|text| looks_secret(field.name.as_str(), text))
    };
    let mut looking: Vec<&FieldEdit> = edit.fields.iter().filter(looks).collect();
    // Who was told once is not told each time. One that cannot be opened is not changed either, and that is said then.
    if let Some(now) = (!new && !looking.is_empty()).then(|| vault.secret(path).ok()).flatten() {
        looking.retain(|field| now.fields().iter().all(|known| *known.name != field.name));
    }
    let warning = |field: &FieldEdit| {
        let name = &field.name;
        format!(
            "{path}/{name} is kept in the open inside the secret: shown without being asked for, not rotated, not looked \
             for; keep it secret with: covault set {path} --stdin {name}"
        )
    };
    looking.into_iter().map(warning).collect()
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

fn prompted(context: &Context, name: &str) -> anyhow::Result<Plaintext> {
    if !context.can_ask() {
        let hint = format!("give it on stdin: covault set NAME --stdin {name} < FILE");
        return Err(Refusal::needs_person(format!("nobody can be asked for '{name}'"), hint));
    }
    let value = ask::hidden_twice(name).ok_or_else(|| Refusal::needs_person("nothing was typed", "repeat it"))?;
    Ok(Plaintext::from_text(&value))
}

fn read_file(context: &Context, file: &Path) -> anyhow::Result<Plaintext> {
    let file: PathBuf = context.dir().join(file);
    let failed = |error: std::io::Error| anyhow::Error::new(error).context(format!("cannot read {}", file.display()));
    let bytes = std::fs::File::open(&file).and_then(stdin::contents).map_err(failed)?;
    Ok(Plaintext::new(bytes.to_vec()))
}
