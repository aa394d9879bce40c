//! Invites that were made on this machine: their tokens, kept until somebody was let in by them.
//!
//! A token lets whoever has it ask under the invited name, so that each is a private file of its own.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Home, HomeError, checked};
use crate::model::bytes::Hash;
use crate::model::invite::Token;
use crate::model::names::{GroupName, MemberName};
use crate::model::time::Time;

/// An invite that waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptInvite {
    /// What the request answers with.
    pub token: Token,
    /// Groups that the invited person will be in.
    pub groups: Vec<GroupName>,
    /// When it was made.
    pub at: Time,
}

#[derive(Serialize, Deserialize)]
struct InviteFile {
    token: String,
    groups: Vec<String>,
    at: String,
}

impl Home {
    /// Remembers an invite; an earlier one for the same name ends.
    pub fn keep_invite(&self, vault: Hash, name: &MemberName, invite: &KeptInvite) -> Result<(), HomeError> {
        let groups: Vec<_> = invite.groups.iter().map(|group| format!("\"{group}\"")).collect();
        let token = Zeroizing::new(hex::encode(invite.token.expose()));
        let (groups, at) = (groups.join(", "), invite.at);
        // No name, group or time has a character that TOML would have to escape.
        let text = Zeroizing::new(format!("token = \"{}\"\ngroups = [{groups}]\nat = \"{at}\"\n", *token));
        checked::write(&self.invite_file(vault, name), text.as_bytes())
    }

    /// The invite for a name, if this machine made one that still waits.
    pub fn invite(&self, vault: Hash, name: &MemberName) -> Result<Option<KeptInvite>, HomeError> {
        let file = self.invite_file(vault, name);
        let Some(bytes) = checked::read(&file)? else { return Ok(None) };
        let bytes = Zeroizing::new(bytes);
        let parse = || {
            let parsed: InviteFile = toml::from_str(std::str::from_utf8(&bytes).ok()?).ok()?;
            let (digits, mut token) = (Zeroizing::new(parsed.token), Zeroizing::new([0; 16]));
            hex::decode_to_slice(&*digits, token.as_mut_slice()).ok()?;
            let groups = parsed.groups.iter().map(|group| GroupName::parse(group).ok()).collect::<Option<Vec<_>>>()?;
            Some(KeptInvite { token: Token::new(*token), groups, at: Time::parse(&parsed.at)? })
        };
        parse().map(Some).ok_or(HomeError::DamagedState { file })
    }

    /// The names that were invited on this machine and have not come yet, with the time of the invite.
    pub fn invites(&self, vault: Hash) -> Vec<(MemberName, Time)> {
        let entries = std::fs::read_dir(self.state_dir(vault).join("invites")).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| MemberName::parse(entry.file_name().to_str()?).ok());
        let mut found: Vec<_> =
            names.filter_map(|name| Some((name.clone(), self.invite(vault, &name).ok()??.at))).collect();
        found.sort();
        found
    }

    /// Forgets an invite; whether there was one.
    pub fn forget_invite(&self, vault: Hash, name: &MemberName) -> Result<bool, HomeError> {
        let file = self.invite_file(vault, name);
        match std::fs::remove_file(&file) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(HomeError::Io { action: "remove", file, source }),
        }
    }

    fn invite_file(&self, vault: Hash, name: &MemberName) -> std::path::PathBuf {
        self.state_dir(vault).join("invites").join(name.as_str())
    }
}
