//! A machine as a member: its identity is made here, handed over once and kept nowhere.
//!
//! It reads what is granted to it by name, and writes only with a signing key of its own.

use zeroize::Zeroizing;

use super::amend::{Amended, Amendment, Step};
use super::write::How;
use super::{Vault, VaultError};
use crate::model::bytes::Hash;
use crate::model::card::{Card, Device, Kind};
use crate::model::manifest::MemberRef;
use crate::model::names::{DeviceLabel, MemberName, SecretPath};
use crate::model::roster::{Granted, Grantee, Holder, Operation, Role, State};
use crate::seal::sshsig::{self, Namespace};
use crate::seal::{Identity, SealError, SigningKey};

/// What an admin wants.
pub struct Machine {
    /// Its name.
    pub name: MemberName,
    /// What its device is called.
    pub device: DeviceLabel,
    /// What it reads: folders or secrets; `None` is everything.
    pub grants: Vec<Option<SecretPath>>,
    /// Whether it writes, too.
    pub writes: bool,
}

/// A machine that is worked out and not yet a member.
pub struct NewMachine {
    name: MemberName,
    /// For the commit's message.
    verb: &'static str,
    /// What `COVAULT_IDENTITY` is to hold.
    literal: Zeroizing<String>,
    /// The roster's change, and which secrets are sealed again.
    pub amendment: Amendment,
}

impl Vault {
    /// Makes an identity for a machine, and works out what letting it in does. Nothing is written.
    pub fn new_machine(&self, machine: &Machine, how: &How) -> Result<NewMachine, VaultError> {
        self.admin("add a machine")?;
        // Who repeats what was killed before it had shown the identity wants another one, and not another name.
        if self.roster().named(&machine.name).is_some_and(|member| member.card.kind == Kind::Machine) {
            return Err(VaultError::MachineIsIn(machine.name.clone()));
        }
        let Made { card, card_signature, literal } =
            make(self.roster().vault, &machine.name, &machine.device, machine.writes)?;
        let role = if machine.writes { Role::Writer } else { Role::Reader };
        let state = self.roster().state();
        let newcomer = MemberRef { name: machine.name.clone(), card: card.hash() };
        let grants: Vec<Step> =
            machine.grants.iter().map(|path| grant_also(state, path.as_ref(), &newcomer).into()).collect();
        let admit = Step { operation: Operation::Admit { role, card }, card_signature };
        let amendment = self.amendment(std::iter::once(admit).chain(grants).collect(), how)?;
        Ok(NewMachine { name: machine.name.clone(), verb: "admit", literal, amendment })
    }

    /// Makes another identity for a machine that is in, in the place of all that it has. It writes where it could.
    pub fn renewed_machine(&self, name: &MemberName, how: &How) -> Result<NewMachine, VaultError> {
        self.admin("renew a machine")?;
        let member = self.living_member(name)?;
        let Some(first) = member.card.devices.first().filter(|_| member.card.kind == Kind::Machine) else {
            return Err(VaultError::RenewsAlone(name.clone()));
        };
        let writes = member.card.signing_keys().next().is_some();
        let Made { card, card_signature, literal } = make(self.roster().vault, name, &first.label, writes)?;
        let operation = Operation::Renew { member: member.reference(), card, live: Vec::new() };
        let amendment = self.amendment(vec![Step { operation, card_signature }], how)?;
        Ok(NewMachine { name: name.clone(), verb: "renew", literal, amendment })
    }

    /// Lets it in, or renews it, as one commit; what it opens with is given back once.
    pub fn add_machine(
        &self,
        machine: NewMachine,
        how: &How,
        progress: &(dyn Fn() + Sync),
    ) -> Result<(Amended, Zeroizing<String>), VaultError> {
        let writing = self.writing(how)?;
        let message = format!("covault: {} the machine {}", machine.verb, machine.name);
        let amended = self.amend(writing, machine.amendment, Vec::new(), &message, progress)?;
        Ok((amended, machine.literal))
    }
}

/// Keys for a machine that nobody has but who is given them now.
struct Made {
    card: Card,
    /// `None` where it cannot sign.
    card_signature: Option<Vec<u8>>,
    literal: Zeroizing<String>,
}

fn make(vault: Hash, name: &MemberName, label: &DeviceLabel, writes: bool) -> Result<Made, VaultError> {
    let failed = |source| VaultError::Signing { what: "the machine's keys", source };
    let identity = Identity::generate().map_err(failed)?;
    let secret = identity.to_text().ok_or_else(|| failed(SealError::NoIdentity))?;
    let signing = if writes { Some(SigningKey::generate().map_err(failed)?) } else { None };
    let device = Device {
        label: label.clone(),
        recipient: identity.recipient().clone(),
        signing: signing.as_ref().map(SigningKey::public),
    };
    let card = Card { vault, name: name.clone(), kind: Kind::Machine, devices: vec![device] };
    let sign = |key: &SigningKey| sshsig::sign(key, Namespace::Card, card.encode().as_bytes());
    let card_signature = signing.as_ref().map(sign).transpose().map_err(failed)?;
    let mut literal = Zeroizing::new(String::with_capacity(256));
    literal.push_str(&secret);
    if let Some(key) = &signing {
        literal.push(' ');
        literal.push_str(&key.to_text().map_err(failed)?);
    }
    Ok(Made { card, card_signature, literal })
}

/// Those who read below `path` now, and one more.
fn grant_also(state: &State, path: Option<&SecretPath>, newcomer: &MemberRef) -> Operation {
    let (_, holders) = state.grant_for(path.map_or("", SecretPath::as_str));
    let grantee = |holder: &Holder| match holder {
        Holder::People => Some(("@people".to_owned(), Grantee::People)),
        Holder::Group(group) => state.group(group).map(|_| (format!("@{group}"), Grantee::Group(group.clone()))),
        Holder::Member(name) => {
            let reference = state.named(name)?.reference();
            Some((reference.to_text(), Grantee::Member(reference)))
        }
    };
    let mut readers: Vec<_> = holders.iter().filter_map(grantee).collect();
    readers.push((newcomer.to_text(), Grantee::Member(newcomer.clone())));
    // As the format sorts them: by their text.
    readers.sort_by(|a, b| a.0.cmp(&b.0));
    let readers = Granted::To(readers.into_iter().map(|(_, grantee)| grantee).collect());
    Operation::Grant { path: path.cloned(), readers, live: Vec::new() }
}
