//! What an entry of the roster does, as a sentence whose subject is its signer.

use crate::model::card::Card;
use crate::model::manifest::MemberRef;
use crate::model::roster::{Granted, Grantee, Operation};

/// Says it.
pub(super) fn of(operation: &Operation) -> String {
    match operation {
        Operation::Found { vault_name, founder, .. } => format!("founds the vault {vault_name} with {}", card(founder)),
        Operation::Admit { role, card: new } => format!("admits {} as {role}", card(new)),
        Operation::Remove { member, .. } => format!("removes {}", member.name),
        Operation::Role { member, role, .. } => format!("makes {} {role}", member.name),
        Operation::Renew { member, card: new, .. } => format!("gives {} a new card: {}", member.name, card(new)),
        Operation::Group { group, members, .. } if members.is_empty() => format!("ends the group {group}"),
        Operation::Group { group, members, .. } => format!("makes the group {group} of {}", names(members)),
        Operation::Grant { path, readers, .. } => {
            let place = path.as_ref().map_or("everything without a grant of its own", |path| path.as_str());
            match readers {
                Granted::Inherit => format!("lets the grant above decide who reads {place}"),
                Granted::To(readers) => {
                    format!("lets {} read {place}", readers.iter().map(grantee).collect::<Vec<_>>().join(", "))
                }
            }
        }
        Operation::Merge { entries } if entries.len() == 1 => "merges 1 entry of another branch".to_owned(),
        Operation::Merge { entries } => format!("merges {} entries of another branch", entries.len()),
        Operation::Minimum { minimum } => format!("asks for readers that know format {minimum}"),
    }
}

fn card(card: &Card) -> String {
    let devices: Vec<&str> = card.devices.iter().map(|device| device.label.as_str()).collect();
    format!("{} ({}; {}; {})", card.name, card.kind.as_str(), devices.join(", "), card.words())
}

fn names(members: &[MemberRef]) -> String {
    members.iter().map(|member| member.name.to_string()).collect::<Vec<_>>().join(", ")
}

fn grantee(grantee: &Grantee) -> String {
    match grantee {
        Grantee::People => "@people".to_owned(),
        Grantee::Group(group) => format!("@{group}"),
        Grantee::Member(member) => member.name.to_string(),
    }
}
