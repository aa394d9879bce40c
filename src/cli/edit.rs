//! `covault edit`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use clap_complete::ArgValueCandidates;
use zeroize::Zeroizing;

use super::args::WriteFlags;
use super::context::{Context, variable};
use super::exit::{self, Answer, Refusal};
use super::{ask, complete, editor, interrupt, out};
use crate::model::bytes::Hash;
use crate::model::names::SecretPath;
use crate::model::sheet::Sheet;
use crate::vault::Vault;
use crate::vault::edit;
use crate::vault::set::Edit;

/// Change a secret in your editor
///
/// Opens it as TOML in $VISUAL or $EDITOR. The file lives in memory (tmpfs), in a folder that only you can enter, and is
/// gone when the editor has ended. The backups, swap and undo files and the viminfo of vim and neovim are switched off,
/// whatever your vimrc says, and emacs's backups and autosaves. Plugins and other editors are not known: VS Code keeps
/// copies of what is saved unless workbench.localHistory.enabled is false.
#[derive(Args)]
#[command(after_help = "Examples:\n  covault edit prod/db\n  EDITOR='code --wait' covault edit prod/db\n\n\
    What can go wrong: the machine has no folder in memory (use --on-disk); the sheet is no TOML, or\n\
    somebody else changed the secret meanwhile (you are asked again, with what both did on the sheet);\n\
    a plugin, or another editor than vim, neovim and emacs, keeps copies (VS Code: workbench.localHistory).")]
pub struct EditArgs {
    /// The secret
    #[arg(add = ArgValueCandidates::new(complete::names))]
    name: String,
    /// Accept a temporary file on disk, overwritten at the end, where there is no folder in memory
    #[arg(long)]
    on_disk: bool,
    #[command(flatten)]
    write: WriteFlags,
}

/// Runs it.
pub fn run(context: &Context, args: &EditArgs) -> Answer {
    let path = SecretPath::parse(&args.name)?;
    let vault = context.vault()?;
    vault.may_write_as(&context.how(&args.write))?;
    sweep_disk();
    let (mut before, mut seen) = vault.sheet(&path)?;
    let folder = match private_folder() {
        Some(folder) => folder,
        None if args.on_disk => std::env::temp_dir(),
        None => {
            let hint = format!("covault edit {path} --on-disk, or covault set");
            return Err(Refusal::needs_person("there is no folder in memory for the editor's file", hint));
        }
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX);
    // As the umask says, others could enter.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    let folder =
        builder.tempdir_in(&folder).with_context(|| format!("cannot make a folder in {}", folder.display()))?.keep();
    let desk = Desk { _in_use: in_use(&folder), folder };
    let file = desk.folder.join(format!("{}.toml", path.last_segment()));
    let on_the_desk = desk.folder.clone();
    interrupt::clear_first(move || clear(&on_the_desk)).context("cannot watch for signals while the editor runs")?;
    let title = |seen: &[Hash]| if seen.is_empty() { title_of_new(&vault, &path) } else { path.to_string() };
    let mut text = before.to_text(&title(&seen));
    loop {
        write_private(&file, &text).with_context(|| format!("cannot write {}", file.display()))?;
        interrupt::during_editor(|| editor::open(&file))?;
        let written = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        text = Zeroizing::new(written);
        let after = match Sheet::parse(&text) {
            Ok(Some(after)) => after,
            Ok(None) => {
                context.note("the sheet is empty: nothing is changed");
                return Ok(exit::DONE);
            }
            Err(error) if context.can_ask() && ask::confirm(&format!("{error}. Edit again?"), true) => continue,
            Err(error) => return Err(error.into()),
        };
        // An empty sheet says that there is nothing: what came there since is not written over.
        let change = Edit { only_new: seen.is_empty(), seen: seen.clone(), ..edit::between(&before, &after) };
        let report = match vault.set(&path, change, &context.how(&args.write)) {
            // What the person typed is worth another try.
            Err(error) if context.can_ask() && ask::confirm(&format!("{error}. Edit again?"), true) => {
                let (now, seen_now) = vault.sheet(&path)?;
                // What others wrote meanwhile was on no sheet: seen by nobody, it would be taken for something taken back.
                if seen_now != seen {
                    let (sheet, both) = after.onto(&before, &now);
                    text = sheet.to_text(&title(&seen_now));
                    if !both.is_empty() {
                        let both = format!("Somebody else changed this meanwhile, too: {}", both.join(", "));
                        text = Zeroizing::new(format!("# {both}\n{}", *text));
                    }
                    (before, seen) = (now, seen_now);
                }
                continue;
            }
            report => report?,
        };
        if seen.is_empty() && report.unchanged {
            context.note(&format!("there is no secret '{path}', and the sheet makes none"));
        }
        // Kept ones are not on the sheet, and may be secret.
        if !before.secret.is_empty() && after.secret.is_empty() && after.kept.is_empty() {
            context.warn(&format!("{path} has no secret field any more; give it one with: covault set {path}"));
        }
        return out::report(context, &report, &format!("set {path}"), &format!("set {path}"));
    }
}

/// How the sheet of a name is headed where no secret is. It may be mistyped.
fn title_of_new(vault: &Vault, path: &SecretPath) -> String {
    match vault.similar(path).as_slice() {
        [] => format!("{path} (new)"),
        names => format!("{path} (new); did you mean {}?", names.join(", ")),
    }
}

/// How the names of our folders begin.
const PREFIX: &str = "covault-edit-";

/// Removes editor files in memory whose covault was killed. Called at the start of every command.
pub fn sweep() {
    private_folder().iter().for_each(|folder| sweep_in(folder));
}

/// The same on disk, where `--on-disk` was asked for. Slower, as others keep much there.
pub fn sweep_disk() {
    sweep_in(&std::env::temp_dir());
}

fn sweep_in(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        // Others can make folders with such a name beside ours, with links in them to files of ours.
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && entry.metadata().is_ok_and(|about| about.is_dir() && is_private(&about));
        // Who still edits holds the lock.
        if is_ours && let Some(_dead) = in_use(&entry.path()) {
            clear(&entry.path());
        }
    }
}

/// Our folder, which goes with all that is in it however the command ends.
struct Desk {
    folder: PathBuf,
    _in_use: Option<std::fs::File>,
}

impl Drop for Desk {
    fn drop(&mut self) {
        clear(&self.folder);
    }
}

/// Takes one of our folders away; the editor may have put files beside ours.
fn clear(folder: &Path) {
    for file in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if file.file_type().is_ok_and(|kind| kind.is_file()) {
            wipe(&file.path());
        }
    }
    let _ = std::fs::remove_dir_all(folder);
}

#[cfg(unix)]
fn is_private(about: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    about.uid() == rustix::process::geteuid().as_raw() && about.mode() & 0o077 == 0
}

#[cfg(not(unix))]
fn is_private(_about: &std::fs::Metadata) -> bool {
    true
}

/// Takes a folder's lock, which the system releases however we end. A lock, not a process number: containers share
/// folders, not numbers.
fn in_use(folder: &Path) -> Option<std::fs::File> {
    let opened = std::fs::File::open(folder).ok()?;
    opened.try_lock().ok().map(|()| opened)
}

/// A folder in memory: the person's runtime folder, or /dev/shm.
pub fn private_folder() -> Option<PathBuf> {
    let folders = variable("XDG_RUNTIME_DIR").map(PathBuf::from).into_iter().chain([PathBuf::from("/dev/shm")]);
    folders.into_iter().find(|folder| is_in_memory(folder))
}

#[cfg(target_os = "linux")]
fn is_in_memory(folder: &Path) -> bool {
    /// `TMPFS_MAGIC` of statfs(2).
    const TMPFS: rustix::fs::FsWord = 0x0102_1994;
    rustix::fs::statfs(folder).is_ok_and(|stat| stat.f_type == TMPFS)
}

#[cfg(not(target_os = "linux"))]
fn is_in_memory(_folder: &Path) -> bool {
    false
}

fn write_private(file: &Path, text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    // The sheet before this one, where it is edited again.
    wipe(file);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(text.as_bytes())?;
    Ok(())
}

/// Overwrites the file before it goes, for the case that it was on a disk.
fn wipe(file: &Path) {
    use std::io::Write as _;
    // Not truncated first: that would only give its blocks back as they are.
    let Ok(mut open) = std::fs::OpenOptions::new().write(true).open(file) else { return };
    let length = open.metadata().map_or(0, |about| about.len());
    let zeros = vec![0; usize::try_from(length).unwrap_or(0)];
    let _ = open.write_all(&zeros).and_then(|()| open.sync_all());
}
