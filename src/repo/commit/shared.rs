//! `core.sharedRepository`: what gix writes gets the permissions that git would give it.
//!
//! Failing is no error: then the file belongs to somebody else, who has shared it already.

use std::path::Path;

use super::Planned;
use crate::repo::error::Result;
use crate::repo::{ObjectId, Repo, path};

impl Repo {
    /// Git's compact form of `core.sharedRepository`; 0: as the umask says.
    pub(in crate::repo) fn sharing(&self) -> i32 {
        let value = self.config_str("core.sharedRepository");
        let parsed = value
            .map(|value| gix::config::tree::Core::SHARED_REPOSITORY.try_into_shared_repository(Some(value.as_str())));
        parsed.and_then(|parsed| parsed.ok()).unwrap_or(0)
    }

    /// Gives a file or folder of git's own the permissions that this repository shares with.
    pub(in crate::repo) fn share(&self, path: &Path, sharing: i32) {
        if sharing != 0
            && let Ok(meta) = path.metadata()
        {
            let wanted = gix::fs::adjust_shared_repository_permissions(meta.permissions(), sharing);
            if wanted != meta.permissions() {
                drop(std::fs::set_permissions(path, wanted));
            }
        }
    }

    /// The same for the objects of a commit that has just been written.
    pub(super) fn share_objects(&self, plan: &[Planned<'_>], tree: ObjectId, commit: ObjectId) -> Result<()> {
        let sharing = self.sharing();
        if sharing == 0 {
            return Ok(());
        }
        let mut ids = vec![commit, tree];
        for planned in plan {
            ids.extend([planned.committed, planned.staged].into_iter().flatten());
            let (mut parts, _) = path::split(planned.change.path())?;
            while !parts.is_empty() {
                ids.extend(self.entry_in(tree, &parts.join("/"))?.map(|(_, id)| id));
                parts.pop();
            }
        }
        ids.sort_unstable();
        ids.dedup();
        let objects = self.common_dir().join("objects");
        for id in ids {
            let name = id.to_string();
            let (Some(folder), Some(file)) = (name.get(..2), name.get(2..)) else { continue };
            let folder = objects.join(folder);
            self.share(&folder, sharing);
            self.share(&folder.join(file), sharing);
        }
        Ok(())
    }
}
