//! Objects that the remote of a partial clone has promised, fetched when they are wanted.
//!
//! It never fetches refs, and writes nothing but objects.

use crate::repo::error::Result;
use crate::repo::{ObjectId, Repo};

impl Repo {
    /// Fetches those of `ids` that a partial clone lacks in one go, which reading them one by one would not. Elsewhere
    /// it does nothing.
    ///
    /// Whether all came shows when they are read.
    ///
    /// # Errors
    /// `NoGit`.
    pub fn fetch_promised(&self, ids: &[ObjectId]) -> Result<()> {
        let Some(remote) = self.promisor() else { return Ok(()) };
        let missing: Vec<String> = ids.iter().filter(|id| !self.has_object(**id)).map(ToString::to_string).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let mut command = self.command();
        command.args([
            "-c",
            "fetch.negotiationAlgorithm=noop",
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-auto-maintenance",
        ]);
        command.args(["--no-write-fetch-head", "--recurse-submodules=no", "--filter=blob:none", "--stdin"]);
        command.args(["--end-of-options", &remote]);
        self.run(command, Some(format!("{}\n", missing.join("\n")).as_bytes())).map(drop)
    }

    /// Whether objects may be missing here that a remote has promised (a partial clone).
    pub fn is_partial(&self) -> bool {
        self.promisor().is_some()
    }

    /// The remote that has promised objects.
    fn promisor(&self) -> Option<String> {
        let config = self.git.config_snapshot();
        if let Some(remote) = config.string("extensions.partialClone") {
            return Some(remote.to_string());
        }
        config.plumbing().sections_by_name("remote")?.find_map(|section| {
            let promises = section.value("promisor").is_some_and(|value| value != "false");
            section.header().subsection_name().filter(|_| promises).map(ToString::to_string)
        })
    }
}
