//! Hooks that have git check each commit before it is made: `verify --staged` and `scan --staged`.
//!
//! They are put in only when somebody asks (`setup --hooks`). Where another program keeps the hooks, nothing is written:
//! what to add there is given to the person.

use std::path::Path;

use super::doctor::{Finding, bad, good, warning};
use super::{Vault, VaultError};
use crate::repo::{Hook, Repo};

/// The hooks: before a commit, and before one that a merge makes by itself.
const HOOKS: &[&str] = &["pre-commit", "pre-merge-commit"];
/// That somebody asked for them, in the clone's configuration.
const ASKED: (&str, &str) = ("covault", "hooks");

/// What came of putting the hooks in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hooks {
    /// They are there.
    InPlace {
        /// Whether they were not, or not so.
        changed: bool,
    },
    /// Nothing was written: somebody else keeps the hooks.
    Left {
        /// Who, and why.
        why: String,
        /// Where the lines belong that follow.
        place: String,
        /// What to add there.
        snippet: String,
    },
}

/// Who keeps a repository's hooks, if others do.
struct Manager {
    name: &'static str,
    /// Any of these at the top says so.
    signs: &'static [&'static str],
    place: &'static str,
    snippet: &'static str,
}

/// For a shell script whose last command is another's: what does not stop it there does not stop the commit.
const LINES: &str = "COVAULT_NO_INPUT=1 covault verify --staged --quiet || exit 1\n\
     COVAULT_NO_INPUT=1 covault scan --staged --quiet || exit 1";

const MANAGERS: &[Manager] = &[
    Manager {
        name: "husky",
        signs: &[".husky"],
        place: "in .husky/pre-commit and in .husky/pre-merge-commit",
        snippet: LINES,
    },
    Manager {
        name: "lefthook",
        signs: &[
            "lefthook.yml",
            ".lefthook.yml",
            "lefthook.yaml",
            ".lefthook.yaml",
            "lefthook.toml",
            ".lefthook.toml",
            "lefthook.json",
            ".lefthook.json",
        ],
        place: "in lefthook.yml (then: lefthook install)",
        snippet: r#"pre-commit:
  commands:
    covault-verify:
      run: covault verify --staged --quiet
      env: { COVAULT_NO_INPUT: "1" }
    covault-scan:
      run: covault scan --staged --quiet
      env: { COVAULT_NO_INPUT: "1" }
pre-merge-commit:
  commands:
    covault-verify:
      run: covault verify --staged --quiet
      env: { COVAULT_NO_INPUT: "1" }
    covault-scan:
      run: covault scan --staged --quiet
      env: { COVAULT_NO_INPUT: "1" }"#,
    },
    Manager {
        name: "pre-commit",
        signs: &[".pre-commit-config.yaml", ".pre-commit-config.yml"],
        place: "in .pre-commit-config.yaml, below repos: (then: pre-commit install -t pre-commit -t pre-merge-commit)",
        snippet: "  - repo: local
    hooks:
      - id: covault-verify
        name: covault verify
        entry: env COVAULT_NO_INPUT=1 covault verify --staged --quiet
        language: system
        always_run: true
        pass_filenames: false
        stages: [pre-commit, pre-merge-commit]
      - id: covault-scan
        name: covault scan
        entry: env COVAULT_NO_INPUT=1 covault scan --staged --quiet
        language: system
        always_run: true
        pass_filenames: false
        stages: [pre-commit, pre-merge-commit]",
    },
    Manager {
        name: "overcommit",
        signs: &[".overcommit.yml"],
        place: "in .overcommit.yml (then: overcommit --sign)",
        // It hands the names of files over, which sh takes and nobody reads.
        snippet: "PreCommit:
  CovaultVerify:
    enabled: true
    command: ['sh', '-c', 'COVAULT_NO_INPUT=1 covault verify --staged --quiet']
  CovaultScan:
    enabled: true
    command: ['sh', '-c', 'COVAULT_NO_INPUT=1 covault scan --staged --quiet']",
    },
];

/// The lines of the hooks. They find a program that moved, and stop the commit where there is none: who asked for checks
/// is not to believe that they were made. Nobody is asked for a passphrase.
pub fn block(program: &str) -> String {
    let quoted = shlex::try_quote(program).map_or_else(|_| "covault".to_owned(), |q| q.to_string());
    format!(
        r#"if test -x {quoted}; then covault_program={quoted}; else covault_program=covault; fi
covault_stop=
if command -v "$covault_program" >/dev/null 2>&1; then
  COVAULT_NO_INPUT=1 "$covault_program" verify --staged --quiet || covault_stop=1
  COVAULT_NO_INPUT=1 "$covault_program" scan --staged --quiet || covault_stop=1
else
  echo 'error: covault is not installed, and this clone has it check each commit' >&2
  covault_stop=1
fi
if test -n "$covault_stop"; then
  echo 'hint: covault stopped this commit; to make it all the same, add --no-verify' >&2
  exit 1
fi
unset covault_program covault_stop"#
    )
}

/// Puts the hooks into the repository around `start`.
pub fn install(start: &Path, program: &str) -> Result<Hooks, VaultError> {
    let repo = Repo::discover(start)?;
    if let Some(left) = kept_by_others(&repo)? {
        return Ok(left);
    }
    let block = block(program);
    let mut changed = false;
    for hook in HOOKS {
        changed |= repo.set_hook(hook, &block)?;
    }
    if !is_asked(&repo) {
        let (section, key) = ASKED;
        repo.set_config(&[(section, None, key, "true")])?;
        changed = true;
    }
    Ok(Hooks::InPlace { changed })
}

/// Puts them in again where somebody asked for them, for another program's path.
pub(super) fn renew(repo: &Repo, program: &str) -> Result<bool, VaultError> {
    if !is_asked(repo) || kept_by_others(repo)?.is_some() {
        return Ok(false);
    }
    let mut changed = false;
    for hook in HOOKS {
        changed |= repo.set_hook(hook, &block(program))?;
    }
    Ok(changed)
}

/// Takes them out; whether there were any.
pub(super) fn undo(repo: &Repo) -> Result<bool, VaultError> {
    let mut found = false;
    for hook in HOOKS {
        found |= repo.remove_hook(hook)?;
    }
    let (section, key) = ASKED;
    Ok(repo.remove_config_value(section, None, key)? || found)
}

fn is_asked(repo: &Repo) -> bool {
    let (section, key) = ASKED;
    repo.config_bool(&format!("{section}.{key}")) == Some(true)
}

/// Who else keeps the hooks, and what to add there.
fn kept_by_others(repo: &Repo) -> Result<Option<Hooks>, VaultError> {
    if let Some(manager) = MANAGERS.iter().find(|manager| repo.has_at_top(manager.signs)) {
        return Ok(Some(Hooks::Left {
            why: format!("{} keeps the hooks of this repository", manager.name),
            place: manager.place.to_owned(),
            snippet: manager.snippet.to_owned(),
        }));
    }
    let left = |why: String, folder: &str| {
        let hooks: Vec<_> = HOOKS.iter().map(|hook| format!("{folder}/{hook}")).collect();
        let hooks = hooks.join(" and in ");
        let place =
            format!("in {hooks} (where that is no shell script: in one that it runs, and whose failure it heeds)");
        Some(Hooks::Left { why, place, snippet: LINES.to_owned() })
    };
    if let Some(folder) = repo.hooks_elsewhere() {
        if folder.is_empty() {
            return Ok(Some(Hooks::Left {
                why: "git runs no hooks at all (core.hooksPath is empty)".to_owned(),
                place:
                    "in the hooks of a folder that it names, or take it away (git config --unset core.hooksPath) and \
                        repeat this"
                        .to_owned(),
                snippet: LINES.to_owned(),
            }));
        }
        return Ok(left(format!("git takes its hooks from {folder} (core.hooksPath)"), &folder));
    }
    for hook in HOOKS {
        if let Hook::Other(why) = repo.hook(hook)? {
            return Ok(left(format!("there is a {hook} hook already, and {why}"), ".git/hooks"));
        }
    }
    Ok(None)
}

impl Vault {
    /// Whether git runs the hooks that somebody asked for.
    pub(super) fn check_hooks(&self, program: &str) -> Result<Finding, VaultError> {
        let what = "hooks";
        let repo = self.repo();
        let mend = || Some("covault setup --hooks".to_owned());
        let expected = block(program);
        let mut blocks = Vec::with_capacity(HOOKS.len());
        for hook in HOOKS {
            blocks.push(match repo.hook(hook)? {
                Hook::Shell(block) => block,
                Hook::Absent | Hook::Other(_) => None,
            });
        }
        if !is_asked(repo) && blocks.iter().all(Option::is_none) {
            return Ok(good(what, "not asked for (covault setup --hooks checks each commit)".to_owned()));
        }
        if let Some(folder) = repo.hooks_elsewhere() {
            let from = if folder.is_empty() { "nowhere (core.hooksPath is empty)" } else { &folder };
            return Ok(bad(what, format!("git takes its hooks from {from}, and runs none of ours"), mend()));
        }
        if let Some((hook, _)) = HOOKS.iter().zip(&blocks).find(|(_, block)| block.is_none()) {
            return Ok(bad(what, format!("{hook} checks nothing any more"), mend()));
        }
        if blocks.iter().flatten().any(|block| *block != expected) {
            return Ok(warning(what, "set up for another program's path".to_owned(), "covault setup --hooks"));
        }
        Ok(good(what, "each commit is checked".to_owned()))
    }
}
