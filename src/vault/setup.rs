//! Setting a clone up: textconv in its config, attributes that nothing tracked can override, the vault it belongs to.
//!
//! Nothing tracked ever configures a command; what stands here goes into `.git/config` and `.git/info/attributes`.

use std::path::Path;

use super::trust::{Acceptance, Named};
use super::write::{How, Report};
use super::{FOLDER, Vault, VaultError, hooks, root_above, trust, words};
use crate::home::{Home, Pin};
use crate::model::bytes::Hash;
use crate::repo::Repo;

/// Lines at the root's `.gitattributes`. `-merge` gives a clone without the driver an honest conflict.
pub const TRACKED_ATTRIBUTES: &[&str] = &[
    "**/.covault/secrets/** -text -merge diff=covault",
    "**/.covault/journal/** -text -merge diff=covault",
    "**/.covault/roster.toml -text -merge",
];

/// Lines in the clone's own `info/attributes`, which win over anything tracked: no filter ever sees a sealed file.
pub const LOCAL_ATTRIBUTES: &str = "**/.covault/secrets/** -text merge=covault diff=covault -ident -filter -working-tree-encoding\n\
     **/.covault/journal/** -text merge=covault diff=covault -ident -filter -working-tree-encoding\n\
     **/.covault/roster.toml -text merge=covault -ident -filter -working-tree-encoding\n";

/// The shell line that git runs as textconv. It survives a moved or missing program: the absolute path, else the one
/// on PATH, else the blob's name, so that a change still shows.
pub fn textconv_line(program: &str) -> String {
    let quoted = shlex::try_quote(program).map_or_else(|_| "covault".to_owned(), |q| q.to_string());
    format!(
        "f() {{ if test -x {quoted}; then {quoted} textconv \"$1\"; \
         elif command -v covault >/dev/null 2>&1; then covault textconv \"$1\"; \
         else echo \"sealed by covault, which is not installed: $(git hash-object --no-filters -- \"$1\")\"; fi; }}; f"
    )
}

/// The shell line that git runs as merge driver. Where the program is gone it says so and stops git before anything is
/// touched: an exit code below 129 would be a conflict with our side in place, which the next `git add` takes for the
/// answer.
pub fn driver_line(program: &str) -> String {
    let quoted = shlex::try_quote(program).map_or_else(|_| "covault".to_owned(), |q| q.to_string());
    format!(
        "f() {{ if test -x {quoted}; then {quoted} merge-driver -- \"$@\"; \
         elif command -v covault >/dev/null 2>&1; then covault merge-driver -- \"$@\"; \
         else echo \"covault, which merges $5, is not installed (git config --remove-section merge.covault and \
         .git/info/attributes: without it)\" >&2; exit 129; fi; }}; f %O %A %B %L %P %S %X %Y"
    )
}

/// The commands that teach jj to merge sealed files, for a work tree that jj keeps: it runs no driver of git's.
pub fn jj_lines(program: &str) -> Vec<String> {
    let quoted = shlex::try_quote(program).map_or_else(|_| "covault".to_owned(), |q| q.to_string());
    let arguments = r#"["merge-driver", "$base", "$left", "$right", "7", "$path", "--output", "$output"]"#;
    vec![
        format!("jj config set --repo merge-tools.covault.program {quoted}"),
        format!("jj config set --repo merge-tools.covault.merge-args '{arguments}'"),
    ]
}

/// Sets the clone up where it is not, in one step each; says whether anything changed.
pub fn install(repo: &Repo, root: &str, vault: Hash, program: &str) -> Result<bool, VaultError> {
    let setting = trust::setting(root);
    let id = vault.to_string();
    let accepted = repo.config_str(&setting).as_deref() == Some(id.as_str());
    if !accepted {
        repo.set_config(&[("covault", folder_of(root), "vault", &id)])?;
    }
    // Without a remote that names its main branch, the trunk is the branch on which the vault was met.
    if repo.trunk()?.is_none()
        && repo.config_str("covault.branch").is_none()
        && let Some(branch) = repo.head()?.branch
    {
        repo.set_config(&[("covault", None, "branch", &branch)])?;
    }
    Ok(install_git(repo, program)? || !accepted)
}

/// The part that needs no trust: how git shows and merges sealed files, and that nothing else touches their bytes.
///
/// The configuration comes first and in one write: attributes that name a driver which is not configured would have git
/// merge ciphertext as text, and a section without its driver stops every merge (docs/decisions/0015).
fn install_git(repo: &Repo, program: &str) -> Result<bool, VaultError> {
    let configured = repo.config_str("diff.covault.textconv").is_some()
        && repo.config_bool("diff.covault.cachetextconv") == Some(false)
        && repo.config_str("merge.covault.driver").is_some()
        && repo.config_str("merge.covault.recursive").as_deref() == Some("binary");
    if !configured {
        configure(repo, program)?;
    }
    Ok(repo.edit_info_attributes(LOCAL_ATTRIBUTES)? || !configured)
}

fn configure(repo: &Repo, program: &str) -> Result<(), VaultError> {
    let (show, merge) = (textconv_line(program), driver_line(program));
    Ok(repo.set_config(&[
        ("diff", Some("covault"), "textconv", &show),
        ("diff", Some("covault"), "cachetextconv", "false"),
        ("merge", Some("covault"), "name", "join two sealed versions"),
        ("merge", Some("covault"), "driver", &merge),
        ("merge", Some("covault"), "recursive", "binary"),
    ])?)
}

/// Whether each of our lines is among the clone's own attributes.
pub(super) fn has_local_attributes(repo: &Repo) -> Result<bool, VaultError> {
    let text = repo.info_attributes()?;
    Ok(LOCAL_ATTRIBUTES.lines().all(|line| text.lines().any(|have| have.trim() == line)))
}

fn is_beside_jj(repo: &Repo) -> bool {
    repo.work_dir().is_some_and(|top| top.join(".jj").is_dir())
}

/// What git is given for one merge, whether this clone is set up or not: the driver, as `key=value`, and where it is not,
/// attributes that name it.
pub(super) fn for_this_once(repo: &Repo, program: &str) -> Result<Vec<String>, VaultError> {
    let mut settings =
        vec![format!("merge.covault.driver={}", driver_line(program)), "merge.covault.recursive=binary".to_owned()];
    // What is tracked says `-merge`, which only the clone's own attributes override, or a tree that stands in for all.
    if !has_local_attributes(repo)?
        && let Some(tree) = repo.tree_with_attributes(LOCAL_ATTRIBUTES)?
    {
        settings.push(format!("attr.tree={tree}"));
    }
    Ok(settings)
}

/// The folder of a vault that is not at the top.
fn folder_of(root: &str) -> Option<&str> {
    root.strip_suffix(FOLDER).map(|folder| folder.trim_end_matches('/')).filter(|folder| !folder.is_empty())
}

/// What `setup` did.
#[derive(Debug, Clone)]
pub struct SetUp {
    /// The vault's id as words.
    pub words: String,
    /// What people call it.
    pub name: String,
    /// Whether anything changed.
    pub changed: bool,
    /// How many files git had changed when it checked them out, and are as they were committed now.
    pub put_back: usize,
    /// Whether the vault is accepted here. Without an identity git is only taught to say who sealed what.
    pub accepted: bool,
    /// The vault that was accepted here before, as words, where this one takes its place.
    pub before: Option<String>,
    /// Whether jj keeps the work tree, too.
    pub beside_jj: bool,
}

/// Sets up the clone around `start`, accepting its vault: because it is `named`, because this machine knows it already,
/// or because `confirm` (which sees the words) says so.
pub fn setup(
    start: &Path,
    home: &Home,
    named: Named<'_>,
    program: &str,
    confirm: &dyn Fn(&str) -> bool,
) -> Result<SetUp, VaultError> {
    let repo = Repo::discover(start)?;
    let root = root_above(&repo, Some(home), start)?;
    let put_back = undo_conversions(&repo, &root, program)?;
    let roster = match trust::load_roster(&repo, home, &root, named) {
        Ok(accepted) => accepted.roster,
        Err(VaultError::UnknownVault { words: shown }) if confirm(&shown) => trust::verified_roster(&repo, &root)?,
        Err(VaultError::UnknownVault { .. }) if !home.has_identity() => {
            let roster = trust::verified_roster(&repo, &root)?;
            let changed = install_git(&repo, program)? || put_back > 0;
            let beside_jj = is_beside_jj(&repo);
            let (words, name) = (words(roster.vault), roster.name);
            return Ok(SetUp { words, name, changed, put_back, accepted: false, before: None, beside_jj });
        }
        Err(other) => return Err(other),
    };
    if home.pin(roster.vault)?.is_none() {
        // Accepted by its id; what its trunk holds counts from the next command on.
        home.set_pin(&Pin { vault: roster.vault, seq: 0, head: roster.vault })?;
    }
    // An explicit setup renews the program's path, too.
    let is_other = |key: &str, line: String| repo.config_str(key).is_some_and(|have| have != line);
    let stale = is_other("diff.covault.textconv", textconv_line(program))
        || is_other("merge.covault.driver", driver_line(program));
    if stale {
        configure(&repo, program)?;
    }
    let before = accepted_before(&repo, &root, roster.vault);
    let changed = install(&repo, &root, roster.vault, program)? | hooks::renew(&repo, program)? | stale;
    let beside_jj = is_beside_jj(&repo);
    let (words, name, changed) = (words(roster.vault), roster.name, changed || put_back > 0);
    Ok(SetUp { words, name, changed, put_back, accepted: true, before, beside_jj })
}

/// The vault that this clone was set up for, as words, where it is another.
pub(super) fn accepted_before(repo: &Repo, root: &str, vault: Hash) -> Option<String> {
    let before = repo.config_str(&trust::setting(root)).filter(|id| !trust::names_vault(id, vault));
    before.map(|id| trust::expected_words(&id))
}

/// Puts back what git changed when it checked the vault out, before anything of it is read: a tracked attribute below ours,
/// or deeper down, wins over ours until the clone has its own. What the files say is judged afterwards, as ever.
fn undo_conversions(repo: &Repo, root: &str, program: &str) -> Result<usize, VaultError> {
    let converted = repo.converted_below(root)?;
    if !converted.is_empty() {
        install_git(repo, program)?;
        repo.undo_conversions(&repo.lock()?, &converted)?;
    }
    Ok(converted.len())
}

/// Accepts what the trunk of the clone around `start` holds now, though it lost something that was seen there.
pub fn accept(start: &Path, home: &Home, named: Named<'_>) -> Result<Acceptance, VaultError> {
    let repo = Repo::discover(start)?;
    let root = root_above(&repo, Some(home), start)?;
    trust::accept_trunk(&repo, home, &root, named)
}

/// Takes all of it back out of the clone, whether it has a vault any more or not; says whether there was anything.
pub fn undo(start: &Path) -> Result<bool, VaultError> {
    let repo = Repo::discover(start)?;
    // The other way round than `install`: attributes never name a driver that is not configured.
    let attributes = repo.remove_info_attributes()?;
    let section = repo.remove_config_section("diff", Some("covault"))?;
    let driver = repo.remove_config_section("merge", Some("covault"))?;
    let vaults = repo.remove_config_values("covault", "vault")?;
    let branch = repo.remove_config_value("covault", None, "branch")?;
    let hooks = hooks::undo(&repo)?;
    Ok(section || driver || attributes || vaults || branch || hooks)
}

impl Vault {
    /// Whether the clone is set up.
    pub fn is_set_up(&self) -> bool {
        self.repo().config_str("diff.covault.textconv").is_some()
            && self.repo().config_str("merge.covault.driver").is_some()
            && has_local_attributes(self.repo()).unwrap_or_default()
    }
}

/// What a command that only reports gives back.
pub fn nothing_written(how: &How) -> Report {
    Report { unchanged: true, dry_run: how.dry_run, ..Report::default() }
}
