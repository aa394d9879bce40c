//! `doctor`: what on this machine or in this clone could betray a secret, lose one or keep it from programs, and what
//! mends it.

use super::{Vault, VaultError, hooks, sealed, setup};
use crate::home::HomeError;
use crate::repo::AttributeValue;

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// As it should be.
    Good,
    /// Worth a look.
    Warning,
    /// Wrong.
    Bad,
}

/// One check.
pub struct Finding {
    /// What was looked at.
    pub what: &'static str,
    /// How it is.
    pub health: Health,
    /// What was seen.
    pub seen: String,
    /// What mends it.
    pub hint: Option<String>,
}

/// So many of one sort are listed; a number stands for the rest.
const LISTED: usize = 20;

impl Vault {
    /// Sets the clone up and sweeps away what a killed run left behind; how many files that were. git's configuration
    /// is read when a vault is opened: open it again to see what this did.
    pub fn mend(&self, program: &str) -> Result<usize, VaultError> {
        let lock = self.repo().lock()?;
        setup::install(self.repo(), self.root(), self.roster().vault, program)?;
        hooks::renew(self.repo(), program)?;
        Ok(self.repo().sweep(&lock, self.root())? + self.home().sweep(self.roster().vault))
    }

    /// Looks at keys, clone and attributes.
    pub fn doctor(&self, program: &str) -> Result<Vec<Finding>, VaultError> {
        let mut findings = vec![self.check_identity()];
        // Of somebody who is nobody here that says all.
        if findings.iter().all(|identity| identity.health == Health::Good) {
            findings.push(self.check_signing_key());
        }
        findings.extend([
            self.check_folders(),
            self.check_textconv(program),
            self.check_cache(),
            self.check_driver(program),
            self.check_local_attributes(),
            self.check_effective_attributes()?,
            self.check_tracked_attributes()?,
            self.check_hooks(program)?,
            self.check_leftovers()?,
            self.check_references(),
            self.check_trunk()?,
        ]);
        Ok(findings)
    }

    fn check_identity(&self) -> Finding {
        let what = "identity";
        match self.me() {
            Ok(me) => good(what, format!("{} ({})", me.reference.name, self.home().identity_name())),
            Err(error) => refused(what, &error),
        }
    }

    /// Whether what is written here would count. A key that others may read is told to who only reads, too.
    fn check_signing_key(&self) -> Finding {
        let what = "signing key";
        match self.signer().and_then(|_| self.author()) {
            Err(VaultError::Home(HomeError::PassphraseNeeded { .. })) => {
                warning(what, "behind a passphrase, and nobody can be asked".to_owned(), "run it on a terminal")
            }
            Err(VaultError::NotAWriter) => good(what, "not needed: you read and do not write".to_owned()),
            Err(error) => refused(what, &error),
            Ok((_, signer)) => match signer.check_ready() {
                Err(error) => refused(what, &error.into()),
                Ok(()) => good(what, "on your card".to_owned()),
            },
        }
    }

    fn check_folders(&self) -> Finding {
        let what = "folders of yours";
        let open: Vec<_> = self.home().open_folders().iter().map(|folder| format!("'{}'", folder.display())).collect();
        if open.is_empty() {
            return good(what, "nobody else may write to them".to_owned());
        }
        let open = open.join(" ");
        bad(what, format!("others may write to {open}"), Some(format!("chmod 700 {open}")))
    }

    fn check_textconv(&self, program: &str) -> Finding {
        let what = "git diff";
        match self.repo().config_str("diff.covault.textconv") {
            None => bad(what, "not set up in this clone".to_owned(), Some("covault setup".to_owned())),
            Some(line) if line == setup::textconv_line(program) => {
                good(what, "shows secrets through covault".to_owned())
            }
            Some(_) => warning(what, "set up for another program's path".to_owned(), "covault setup"),
        }
    }

    fn check_cache(&self) -> Finding {
        let what = "textconv cache";
        if self.repo().resolve("refs/notes/textconv/covault").is_ok() {
            let hint = "git update-ref -d refs/notes/textconv/covault && git gc --prune=now, then rotate what it held";
            return bad(
                what,
                "git keeps decrypted text in refs/notes/textconv/covault".to_owned(),
                Some(hint.to_owned()),
            );
        }
        if self.repo().config_bool("diff.covault.cachetextconv") == Some(false) {
            good(what, "off".to_owned())
        } else {
            bad(what, "not switched off in this clone".to_owned(), Some("covault setup".to_owned()))
        }
    }

    fn check_driver(&self, program: &str) -> Finding {
        let what = "git merge";
        let is_binary = self.repo().config_str("merge.covault.recursive").as_deref() == Some("binary");
        match self.repo().config_str("merge.covault.driver") {
            Some(line) if line == setup::driver_line(program) && is_binary => {
                good(what, "joins secrets through covault".to_owned())
            }
            Some(_) => {
                warning(what, "set up for another program's path, or by another version".to_owned(), "covault setup")
            }
            // git stops at every merge of a secret then.
            None if self.repo().info_attributes().unwrap_or_default().contains("merge=covault") => bad(
                what,
                "the attributes name a driver that is not configured".to_owned(),
                Some("covault setup".to_owned()),
            ),
            None => bad(what, "not set up in this clone".to_owned(), Some("covault setup".to_owned())),
        }
    }

    fn check_local_attributes(&self) -> Finding {
        let what = "info/attributes";
        if setup::has_local_attributes(self.repo()).unwrap_or_default() {
            good(what, "in place".to_owned())
        } else {
            bad(what, "not set up in this clone".to_owned(), Some("covault setup".to_owned()))
        }
    }

    /// What git really applies, whatever nested `.gitattributes` say.
    fn check_effective_attributes(&self) -> Result<Finding, VaultError> {
        let what = "attributes";
        for folder in sealed::folders(self.root()) {
            for attribute in ["filter", "ident", "working-tree-encoding", "text"] {
                let value = self.repo().check_attr(&format!("{folder}/name.age"), attribute)?;
                if !matches!(value, None | Some(AttributeValue::Unset)) {
                    let seen = format!("'{attribute}' is set for sealed files, which would change their bytes");
                    return Ok(bad(what, seen, Some("covault setup".to_owned())));
                }
            }
        }
        Ok(good(what, "no filter touches sealed files".to_owned()))
    }

    fn check_tracked_attributes(&self) -> Result<Finding, VaultError> {
        let what = ".gitattributes";
        match self.repo().gitattributes_change(setup::TRACKED_ATTRIBUTES)? {
            None => Ok(good(what, "committed".to_owned())),
            Some(_) => Ok(warning(what, "our lines are missing".to_owned(), "the next covault set commits them")),
        }
    }

    fn check_leftovers(&self) -> Result<Finding, VaultError> {
        let what = "left-overs";
        let strangers = self.strangers()?;
        if strangers.is_empty() {
            return Ok(good(what, "none".to_owned()));
        }
        Ok(warning(what, format!("no secrets: {}", strangers.join(", ")), "covault doctor --fix, or remove them"))
    }

    /// Which branch what is read here is compared with.
    fn check_trunk(&self) -> Result<Finding, VaultError> {
        let what = "trunk";
        Ok(match self.trunk_doubt()? {
            Some(doubt) => warning(what, doubt.seen, &doubt.hint),
            None => good(what, self.trunk_name()?.unwrap_or_else(|| "none, and no remote".to_owned())),
        })
    }

    /// Whether `run` would find what env files name.
    fn check_references(&self) -> Finding {
        let what = "env files";
        match self.check_env_files() {
            Ok((0, wrong)) if wrong.is_empty() => good(what, "none that name secrets".to_owned()),
            Ok((count, wrong)) if wrong.is_empty() => good(what, format!("all {count} references lead to secrets")),
            Ok((_, wrong)) => {
                let all = || "change or remove those lines: run and export stop at them".to_owned();
                let hint = match wrong.as_slice() {
                    [one] => one.hint(),
                    _ => None,
                };
                bad(what, first_of(&wrong), Some(hint.unwrap_or_else(all)))
            }
            Err(error) => refused(what, &error),
        }
    }
}

/// What is said of a list, one after the other, and how many more there are.
fn first_of(errors: &[VaultError]) -> String {
    let shown: Vec<_> = errors.iter().take(LISTED).map(|error| super::error::chain(error)).collect();
    let more = match errors.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    format!("{}{more}", shown.join("; "))
}

pub(super) fn good(what: &'static str, seen: String) -> Finding {
    Finding { what, health: Health::Good, seen, hint: None }
}

pub(super) fn warning(what: &'static str, seen: String, hint: &str) -> Finding {
    Finding { what, health: Health::Warning, seen, hint: Some(hint.to_owned()) }
}

fn refused(what: &'static str, error: &VaultError) -> Finding {
    bad(what, super::error::chain(error), error.hint())
}

pub(super) fn bad(what: &'static str, seen: String, hint: Option<String>) -> Finding {
    Finding { what, health: Health::Bad, seen, hint }
}
