//! The next step after a refusal that is about the roster.

use super::super::error::VaultError;

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
                format!("see who did that with: git log {rev} -- {file}; put it back with: {back}")
            }
            Self::RosterOnTrunk { trunk, file, back, .. } => {
                let log = format!("see who changed it with: git log -p {trunk} -- {file}");
                match back {
                    Some(back) => format!("{log}; put the good one back with: {back}"),
                    None => format!("{log}; somebody has to put a good version back there"),
                }
            }
            Self::RosterRolledBack { file, trunk, back, .. } => {
                let rev = trunk.as_ref().map(|trunk| format!("{trunk} ")).unwrap_or_default();
                let log = format!("see who changed it with: git log -p {rev}-- {file}");
                let accept = "accept it with: covault setup --accept";
                match back {
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
            Self::RosterUnmerged { .. } => "settle it with: covault resolve".to_owned(),
            Self::RosterDiverged { file, admins, .. } if admins.is_empty() => format!(
                "nobody is an admin on both, so one of the two goes: while git merges, take the other branch's with: git \
                 checkout --theirs -- {file}; git add -- {file}; covault resolve; git commit (or ours, with --ours, which \
                 everybody who saw theirs on the trunk would have to accept); what the dropped one did has to be done again"
            ),
            Self::RosterDiverged { admins, .. } => {
                format!("it takes one of {}, who settles it with: covault resolve", admins.join(", "))
            }
            Self::RosterSuspect { file, by } => format!(
                "see what {by} did with: git log --merge -p -- {file}; whom they removed is removed; if that is right, go \
                 on with: covault resolve"
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
                format!("see who changed it with: git log -p -- {file}; put the good one back with: {back}")
            }
            Self::Roster { file, .. } | Self::RosterSignature { file, .. } | Self::RosterSigner { file, .. } => {
                let log = log_of(file);
                let file = file.split(" at ").next().unwrap_or(file);
                format!("see who changed it with: {log}; put a good version back with: git checkout REV -- {file}")
            }
            _ => return None,
        };
        Some(text)
    }
}

/// The command that shows who changed a file. One that was found in a commit is named with it, as `FILE at COMMIT`.
pub(super) fn log_of(named: &str) -> String {
    let is_commit = |text: &str| text.len() >= 7 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match named.split_once(" at ") {
        Some((file, commit)) if is_commit(commit) => format!("git log -p {commit} -- {file}"),
        Some((file, _)) => format!("git log -p -- {file}"),
        None => format!("git log -p -- {named}"),
    }
}
