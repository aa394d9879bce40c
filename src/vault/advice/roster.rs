//! The next step after a refusal that is about the roster.

use super::super::error::{LeftOutRoster, VaultError};
use crate::repo::from_top;

/// What takes the trunk as it is now.
const ACCEPT: &str = "covault setup --accept";

impl VaultError {
    /// The command or step that mends it, where it is about the roster.
    pub(super) fn roster_hint(&self) -> Option<String> {
        let text = match self {
            Self::OtherVault { file, .. } => format!(
                "do not go on; ask the vault's admin, and see who changed it with: {}; only if they tell you words for \
                 it, and not by this repository, take it in with: covault setup --vault WORDS",
                log_of(file)
            ),
            Self::RosterTakenAway { file, there, back } => {
                let rev = if there.contains(' ') { "HEAD" } else { there };
                format!("see who did that with: git log {rev} -- {}; put it back with: {back}", from_top(file))
            }
            Self::RosterOnTrunk { trunk, file, back, .. } => {
                let log = format!("see who changed it with: git log -p {trunk} -- {}", from_top(file));
                match back {
                    Some(back) => format!("{log}; put the good one back with: {back}"),
                    None => format!("{log}; somebody has to put a good version back there"),
                }
            }
            Self::RosterRolledBack { file, trunk, back, apart, .. } => {
                let rev = trunk.as_ref().map(|trunk| format!("{trunk} ")).unwrap_or_default();
                let log = format!("see who changed it with: git log -p {rev}-- {}", from_top(file));
                let accept = format!("accept it with: {ACCEPT}");
                match back {
                    Some(back) if *apart => format!(
                        "{log}; it was extended apart from the one that was there; if its admins decided so, {accept}; if \
                         not, put that one back, which leaves out what is there now, with: {back}"
                    ),
                    Some(back) => format!(
                        "{log}; put the newer one back with: {back}; only if you know why it is older (a reset of your \
                         own), {accept}"
                    ),
                    None => format!(
                        "if you know why (a reset of your own, a clone that is behind), {accept}; else ask the vault's \
                         admin, and {log}"
                    ),
                }
            }
            Self::RosterLeftOut(left) => left.hint(),
            Self::RosterUnmerged { .. } => "settle it with: covault resolve".to_owned(),
            Self::RosterDiverged { file, admins, .. } if admins.is_empty() => {
                let folder = from_top(file.trim_end_matches("/roster.toml"));
                let file = from_top(file);
                format!(
                    "nobody is an admin on both, so one of the two goes, the one that TRUNK (such as origin/main) does not \
                     have: leave a merge that was begun with: git merge --abort; see what the other branch did to the \
                     vault with: git log --oneline TRUNK..BRANCH -- {folder}; drop that there with: git rebase -i TRUNK \
                     BRANCH; then it is done again, as far as one may. A merge that keeps one of the two leaves the other \
                     one in the history: git checkout --theirs -- {file}; git add -- {file}; covault resolve; git commit. \
                     Clones that have seen neither refuse it then, and with --ours those that have seen theirs on the \
                     trunk, too, until each accepts it with: {ACCEPT}"
                )
            }
            Self::RosterDiverged { admins, .. } => {
                format!("it takes one of {}, who settles it with: covault resolve", admins.join(", "))
            }
            Self::RosterSuspect { file, by } => format!(
                "see what {by} did with: git log --merge -p -- {}; whom they removed is removed; if that is right, go on \
                 with: covault resolve",
                from_top(file)
            ),
            Self::RosterTakenBack { .. } => {
                "go on with: covault resolve; what an entry did is undone by another one, as in: covault member remove"
                    .to_owned()
            }
            Self::RosterTooLarge { .. } => {
                "what one who reads it seals anew needs no place in it: covault rekey FOLDER, then this again"
                    .to_owned()
            }
            Self::ForkedRoster { .. } => {
                "leave this branch with: git switch -, or merge the trunk into it first".to_owned()
            }
            Self::RosterHere { file, back, .. } => {
                format!("see who changed it with: git log -p -- {}; put the good one back with: {back}", from_top(file))
            }
            Self::Roster { file, .. } | Self::RosterSignature { file, .. } | Self::RosterSigner { file, .. } => {
                let log = log_of(file);
                let file = file.split(" at ").next().unwrap_or(file);
                format!(
                    "see who changed it with: {log}; put a good version back with: git checkout REV -- {}",
                    from_top(file)
                )
            }
            _ => return None,
        };
        Some(text)
    }
}

impl LeftOutRoster {
    fn hint(&self) -> String {
        let Self { file, trunk, commit, by, apart, back, .. } = self;
        let Some(admins) = apart else {
            let log = format!("see who changed it with: git log -p {trunk} -- {}", from_top(file));
            let whoever = by.as_ref().map_or_else(|| "whoever did it".to_owned(), |by| format!("whoever made {by}"));
            let back = match back {
                Some(back) => format!("put the newer one back with: {back}"),
                None => format!("somebody has to put the one at {commit} back there"),
            };
            return format!("{log}; {back}; only if {whoever} says that it was meant, accept it with: {ACCEPT}");
        };
        let which = by.as_deref().unwrap_or("a commit in its history");
        let show = by.as_ref().map(|by| format!(" (git log -1 {by})")).unwrap_or_default();
        let not = match (admins.as_slice(), back) {
            ([], Some(back)) => format!(
                "put the other one back, which leaves out what is there now and which all who go by that have to \
                         accept, with: {back}"
            ),
            ([], None) => format!("somebody has to put the one at {commit} back there"),
            (admins, _) => {
                let admins = admins.join(", ");
                format!("it takes one of {admins}, who brings both together with: covault resolve --from {commit}")
            }
        };
        format!(
            "{which} took one of two rosters that were extended apart: ask who made it{show}; if they meant it, \
                     accept that with: {ACCEPT}; if not, {not}"
        )
    }
}

/// The command that shows who changed a file. One that was found in a commit is named with it, as `FILE at COMMIT`.
pub(super) fn log_of(named: &str) -> String {
    let is_commit = |text: &str| text.len() >= 7 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match named.split_once(" at ") {
        Some((file, commit)) if is_commit(commit) => format!("git log -p {commit} -- {}", from_top(file)),
        Some((file, _)) => format!("git log -p -- {}", from_top(file)),
        None => format!("git log -p -- {}", from_top(named)),
    }
}
