//! What sort of refusal each is, and the next step: a list for each, in one place.
//!
//! The texts of the refusals themselves are in [`super::error`].

mod roster;

use self::roster::log_of;
use super::FOLDER;
use super::branch::quoted;
use super::error::{Kind, Part, VaultError};
use super::misplaced::Stray;
use super::wrong::Wrong;
use crate::home::HomeError;
use crate::model::codec::DocumentError;
use crate::model::envfile::{self, EnvFileError};
use crate::model::invite::InviteError;
use crate::model::names::FieldName;
use crate::model::request::RequestError;
use crate::model::roster::Refusal;
use crate::repo::{RepoError, from_top};
use crate::seal::SealError;

impl VaultError {
    /// What sort of refusal it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::EnvLine { source, .. } => source.kind(),
            Self::Key(error) => error.kind(),
            Self::Name(_) | Self::FieldNeeded { .. } | Self::Nothing(_) => Kind::Usage,
            Self::VaultExists(_) | Self::VaultElsewhere { .. } | Self::NoBranch(_) => Kind::Usage,
            Self::LoaderVariable(_)
            | Self::InTheWay { .. }
            | Self::IsJournal(_)
            | Self::Exists(_)
            | Self::ValueTooLarge { .. }
            | Self::SameVariable { .. }
            | Self::SameSecret { .. }
            | Self::SameKey { .. }
            | Self::BadVariable { .. }
            | Self::BadMeta { .. }
            | Self::IsSecret { .. }
            | Self::EnvFile { .. }
            | Self::BadVaultName(_)
            | Self::Invite(_)
            | Self::Request(_)
            | Self::InvitedAs { .. }
            | Self::NameNeeded
            | Self::TooManyDevices(_)
            | Self::DeviceExists { .. }
            | Self::HasRole(_)
            | Self::SameValue { .. }
            | Self::NoSecretField { .. }
            | Self::NulInVariable(_) => Kind::Usage,
            Self::NotOneSecret(_)
            | Self::TooManyShares(_)
            | Self::GrantToNobody(_)
            | Self::EmptyGroup(_)
            | Self::NotInGrant { .. } => Kind::Usage,
            Self::NoMerge(_) | Self::NoRemote(_) | Self::SeveralRevisions { .. } => Kind::Usage,
            Self::Ongoing(_) | Self::Repo(RepoError::IndexPasses { .. }) => Kind::Conflict,
            Self::Repo(RepoError::FollowsAnother { .. }) => Kind::NeedsPerson,
            Self::Outpaced { .. } | Self::Repo(RepoError::Remote { .. }) => Kind::Remote,
            Self::NoRequest(_) | Self::NoSuchValue { .. } => Kind::NotFound,
            Self::Refused(_)
            | Self::SeveralRequests { .. }
            | Self::OtherCard { .. }
            | Self::ReadsByGrant { .. }
            | Self::ReadsByShare { .. }
            | Self::NobodyCouldSeal { .. }
            | Self::MachinesOf { .. }
            | Self::RenewsAlone(_)
            | Self::MachineIsIn(_)
            | Self::MovedToNothing { .. }
            | Self::EndsOwnKey(_) => Kind::NeedsPerson,
            Self::NoVault
            | Self::NoVaultOnBranch { .. }
            | Self::NotOnDisk(_)
            | Self::NothingToScan(_)
            | Self::SeveralVaults(_)
            | Self::NoSuchSecret { .. }
            | Self::Deleted { .. }
            | Self::Moved { .. }
            | Self::NoSuchField { .. }
            | Self::NoSuchRevision { .. }
            | Self::NothingEarlier(_)
            | Self::BeforeShallow { .. }
            | Self::CutRange { .. }
            | Self::NoSuchFolder(_)
            | Self::NoFolder(_)
            | Self::NoSuchMember { .. }
            | Self::NoSuchGroup { .. }
            | Self::NoVaultAt(_)
            | Self::NoEnvFile(_) => Kind::NotFound,
            Self::NotAReader { .. }
            | Self::WouldNotRead(_)
            | Self::TakenOnTrunk(_)
            | Self::NotAnAdmin(_)
            | Self::NotAMember(_)
            | Self::NotAWriter
            | Self::NoSigningKey(_)
            | Self::IdentityAlone
            | Self::SigningKeyUnknown(_) => Kind::NoAccess,
            Self::Home(
                HomeError::NoIdentity { .. }
                | HomeError::PointsNowhere { .. }
                | HomeError::NoPrivateHalf { .. }
                | HomeError::BadKey { .. }
                | HomeError::BadLiteral { .. }
                | HomeError::Agent { .. }
                | HomeError::Permissions { .. },
            ) => Kind::NoAccess,
            Self::Signing { source: SealError::NotSigned { .. }, .. } => Kind::NoAccess,
            Self::Home(HomeError::PassphraseNeeded { .. }) => Kind::NeedsPerson,
            Self::Home(HomeError::DamagedState { .. }) => Kind::Verification,
            Self::RosterTooLarge { .. }
            | Self::Document { source: DocumentError::TooLarge { .. } | DocumentError::ValueTooLarge { .. }, .. } => {
                Kind::Usage
            }
            Self::Repo(
                RepoError::RevNotFound { .. } | RepoError::NotARepository { .. } | RepoError::NoSuchFolder { .. },
            ) => Kind::NotFound,
            // Where a sealed file or the roster should be: nothing of ours puts a link or a huge file there.
            Self::Repo(
                RepoError::Symlink { .. }
                | RepoError::NotAFile { .. }
                | RepoError::NotAFolder { .. }
                | RepoError::TooLarge { .. }
                | RepoError::ObjectTooLarge { .. }
                | RepoError::TooMuch { .. },
            ) => Kind::Verification,
            Self::Repo(RepoError::Overtaken { .. }) => Kind::Conflict,
            Self::Conflicted { .. }
            | Self::ChangedMeanwhile(_)
            | Self::RosterChanged
            | Self::RosterUnmerged { .. }
            | Self::RosterDiverged { .. }
            | Self::RosterSuspect { .. }
            | Self::RosterTakenBack { .. }
            | Self::NotJoined(_) => Kind::Conflict,
            Self::RosterOnTrunk { source, .. } => source.kind(),
            Self::RosterHere { refused, .. } => refused.kind(),
            Self::Roster { .. }
            | Self::RosterSignature { .. }
            | Self::RosterSigner { .. }
            | Self::Converted { .. }
            | Self::UnknownVault { .. }
            | Self::OtherVault { .. }
            | Self::RosterRolledBack { .. }
            | Self::RosterLeftOut(_)
            | Self::RosterTakenAway { .. }
            | Self::NoSuchEntry { .. }
            | Self::TrunkRewritten { .. }
            | Self::ForkedRoster { .. }
            | Self::TakenAway { .. }
            | Self::NotInvitedTo { .. }
            | Self::BadRequest { .. }
            | Self::Sealed { .. }
            | Self::Document { .. }
            | Self::Inconsistent { .. }
            | Self::RefusedThere { .. }
            | Self::NothingGood(_)
            | Self::BelowShallow(_)
            | Self::NothingThere { .. } => Kind::Verification,
            Self::Repo(_) | Self::Home(_) | Self::Signing { .. } | Self::PaperNotShown => Kind::Other,
        }
    }

    /// The file that a later version may well read.
    fn later_file(&self) -> Option<&str> {
        let (file, is_from_later) = match self {
            Self::Roster { file, source } => (file, source.is_from_later()),
            Self::Sealed { file, source } => (file, source.is_from_later()),
            Self::Document { file, source } => (file, source.is_from_later()),
            Self::RosterOnTrunk { source, .. } => return source.later_file(),
            Self::RosterHere { refused, .. } => return refused.later_file(),
            _ => return None,
        };
        is_from_later.then_some(file)
    }

    /// The command or step that mends it.
    pub fn hint(&self) -> Option<String> {
        if let Some(file) = self.later_file() {
            // It is mostly said before a signature is asked: anybody can write a number there.
            return Some(format!(
                "install a newer covault; if yours is the newest, see who changed it with: {}",
                log_of(file)
            ));
        }
        if let Some(text) = self.roster_hint() {
            return Some(text);
        }
        let text = match self {
            Self::EnvLine { source, .. } => return source.hint(),
            Self::Key(error) => return error.hint(),
            Self::Repo(e) => return e.hint(),
            Self::Home(e) => return e.hint(),
            Self::Signing { source: SealError::NotSigned { hint, .. }, .. } => hint.clone(),
            Self::NotOnDisk(_) => {
                "check its folder out first; where one branch moved the folder, merge on that branch".to_owned()
            }
            Self::NoVault => "start one with: covault init".to_owned(),
            Self::NoVaultOnBranch { there, .. } if there.name == "HEAD" => {
                format!("bring it back with: {}", there.command)
            }
            Self::NoVaultOnBranch { there, .. } => format!("go there with: {}", there.command),
            Self::VaultElsewhere { there, .. } => format!(
                "go there with: {}; a folder may have a vault of its own: covault init --here, in that folder; to \
                 start another in place of that one: covault init --another",
                there.command
            ),
            Self::NoBranch(None) => "check one out with: git switch BRANCH".to_owned(),
            Self::NoBranch(Some(commit)) => format!(
                "check one out with: git switch BRANCH; what was committed here is kept with: git branch NAME {}",
                super::trunk::abbreviated(commit)
            ),
            Self::SeveralVaults(places) => {
                format!("name one with: covault -C {}", quoted(places.first().map_or("DIR", String::as_str)))
            }
            Self::VaultExists(_) => "see it with: covault status".to_owned(),
            Self::UnknownVault { words } => {
                format!("compare the words with a teammate, then: covault setup --vault {words}")
            }
            Self::Converted { .. } => {
                "have this clone leave such files alone, and put them back, with: covault setup".to_owned()
            }
            Self::TrunkRewritten { commit, .. } => format!(
                "ask who forced a push; see what was there with: git log {commit}; accept what is there now with: \
                 covault setup --accept"
            ),
            Self::TakenAway { file, commit } => {
                format!("bring it back with: git checkout {commit} -- {}", from_top(file))
            }
            Self::Inconsistent { what: Wrong::RolledBack { commit, path, found, joins: true, .. }, .. } => format!(
                "join the newer one in with: covault resolve {path} --from {commit}; where a revert was meant, what is here \
                 stays with: covault restore {path}@{found}"
            ),
            Self::Inconsistent { file, what: Wrong::RolledBack { commit, path, .. } } if path.is_journal() => {
                format!("put the newer one back with: git checkout {commit} -- {}", from_top(file))
            }
            Self::Inconsistent { file, what: Wrong::RolledBack { commit, path, found, .. } } => format!(
                "put the newer one back with: git checkout {commit} -- {}; where a revert was meant, who may write keeps \
                 what is here with: covault restore {path}@{found}",
                from_top(file)
            ),
            Self::Document { source: DocumentError::TooLarge { .. } | DocumentError::ValueTooLarge { .. }, .. } => {
                "keep it as several secrets, or large files elsewhere and their key here".to_owned()
            }
            Self::Inconsistent { what: Wrong::NoStanding { author, path }, .. } => {
                format!(
                    "if what {author} wrote is to count, vouch for it with: covault rekey {path} --accept; else leave it \
                     out with: covault resolve {path} --discard"
                )
            }
            Self::Inconsistent { file, what: Wrong::NotEntitled { .. } } => {
                let name = name_of(file).unwrap_or("NAME");
                format!(
                    "where good versions lie beside it, leave it out with: covault resolve {name} --discard; else put a good \
                     version back with: git checkout REV -- {}",
                    from_top(file)
                )
            }
            Self::Inconsistent { file, what: Wrong::Path { says, stray: Some(Stray::Moved { home, to }) } } => {
                let moving = to.as_ref().map(|to| format!("; then: covault mv {says} {to}")).unwrap_or_default();
                format!("it is {says}'s file: put it back with: {}{moving}", moving_back(file, home))
            }
            Self::Inconsistent { file, what: Wrong::Path { says, stray: Some(Stray::Copied) } } => {
                format!(
                    "it is a copy of {says}'s file, which is in its place: remove the copy with: {}",
                    at_top(file, format!("rm {}", quoted(file)))
                )
            }
            Self::Sealed { file, .. } | Self::Document { file, .. } | Self::Inconsistent { file, .. } => {
                format!(
                    "see its history with: git log -- {0}; put a good version back with: git checkout REV -- {0}",
                    from_top(file)
                )
            }
            Self::NoSuchMember { similar, .. } | Self::NoSuchGroup { similar, .. } if !similar.is_empty() => {
                format!("did you mean {}?", similar.join(", "))
            }
            Self::NoSuchMember { .. } => "see who is in with: covault who".to_owned(),
            Self::NoSuchGroup { name, .. } => format!("make it with: covault group set {name} MEMBER..."),
            Self::NotOneSecret(folder) => format!("say who reads all of it with: covault grant {folder} READER..."),
            Self::ReadsByGrant { subject, holder, place, .. } if subject == holder => {
                format!("change the grant with: covault grant {place} --remove {subject}")
            }
            Self::ReadsByGrant { subject, holder, place, .. } => match holder.strip_prefix('@') {
                Some("people") | None => format!("name those who should read it with: covault grant {place} READER..."),
                Some(group) => format!(
                    "take {subject} out of the group with: covault group remove {group} {subject}; or change the grant \
                     with: covault grant {place} --remove {holder}"
                ),
            },
            Self::ReadsByShare { name, group, .. } => format!("covault unshare {name} {group}"),
            Self::TooManyShares(name) => {
                format!("let a grant say it from now on: covault grant {name} READER...")
            }
            Self::NotJoined(name) => format!("join them with: covault rekey {name}"),
            Self::NobodyCouldSeal { readers, .. } => {
                format!(
                    "first let one who is to read it seal it: share it, then change who reads; now it is: {readers}"
                )
            }
            Self::GrantToNobody(place) if place == "/" => "name somebody: covault grant / @people".to_owned(),
            Self::GrantToNobody(place) => {
                format!("name somebody, or let the grant above decide with: covault grant {place} --inherit")
            }
            Self::EmptyGroup(name) => format!("end it with: covault group rm {name}"),
            Self::NotInGrant { place, through, .. } if through.is_empty() => {
                format!("see whom it names with: covault grant {place}")
            }
            Self::NotInGrant { place, reader, through } => {
                format!(
                    "{reader} is in it as one of {}; name those who should read it with: covault grant {place} READER...",
                    through.join(" and ")
                )
            }
            Self::MachinesOf { name, machines } => {
                let keep: Vec<_> = machines.iter().map(|machine| format!("--keep {machine}")).collect();
                format!(
                    "give each a new identity with: covault member renew {}; or keep them as they are with: covault \
                     member remove {name} {}",
                    machines.first().map_or("MACHINE", String::as_str),
                    keep.join(" ")
                )
            }
            Self::PaperNotShown => "let stdout be read, then repeat it".to_owned(),
            Self::RenewsAlone(name) => format!("there: covault join --renew; then here: covault member approve {name}"),
            Self::EndsOwnKey(name) => format!(
                "first add that machine: there covault join --name {name}, without --renew; approve it here; then there: \
                 covault join --renew, and approve it there. Or another admin approves this one"
            ),
            Self::Refused(Refusal::GroupGranted(group)) => {
                format!("see which grants name it with: covault grant; then: covault grant PATH --remove @{group}")
            }
            Self::NotAReader { readers, part: Part::Nothing | Part::Sealed, .. } if readers.is_empty() => {
                "nobody who may write it opens it: let one who reads it write, with: covault member role NAME writer"
                    .to_owned()
            }
            Self::NotAReader { name, readers, part: Part::Unsealed } => format!(
                "seal what you open of it for all who read it with: covault rekey {name}; then one of {readers} joins it \
                 with the same"
            ),
            Self::NotAReader { name, readers, part: Part::Sealed } => {
                format!("ask {readers}: who opens the rest joins it, for you, too, with: covault rekey {name}")
            }
            Self::NotAReader { name, part: Part::Lost, .. } => format!(
                "nobody who may write it opens the rest: let a reader of it write (covault member role NAME writer), \
                 or leave it out with: covault resolve {name} --discard"
            ),
            Self::NotAReader { readers, .. } => format!("ask one of its readers: {readers}"),
            Self::NotAMember(_) => {
                "ask an admin to let you in, or name another identity with COVAULT_IDENTITY_FILE".to_owned()
            }
            Self::NoSigningKey(_) => "copy it here from where your identity came from, or name it with \
                COVAULT_SIGNING_KEY_FILE; if it is lost: covault join, and an admin approves it"
                .to_owned(),
            Self::IdentityAlone => {
                "put it there after a space, or name its file with COVAULT_SIGNING_KEY_FILE".to_owned()
            }
            Self::SigningKeyUnknown(_) => {
                "name the one on your card with COVAULT_SIGNING_KEY_FILE; if it is lost: covault \
                join, and an admin approves it"
                    .to_owned()
            }
            Self::NotAWriter => "ask an admin, as in: covault member role NAME writer; a machine writes that was made \
                with: covault member add NAME --machine --writes"
                .to_owned(),
            Self::NoSuchSecret { above: Some(above), name, .. } => match field_of(above, name) {
                Some(field) => format!(
                    "'{above}' is a secret, and '{field}' can be a field of it: covault show {above}; to take the field \
                     away: covault set {above} --unset {field}"
                ),
                None => format!("'{above}' is a secret, and nothing is below it: covault show {above}"),
            },
            Self::InTheWay { above: Some(above), name, .. } => match field_of(above, name) {
                Some(field) => format!("for a field of it: covault set {above} --stdin {field}"),
                None => format!("choose another name, or move it with: covault mv {above} NAME"),
            },
            Self::NoSuchSecret { similar, name, .. } => match similar.as_slice() {
                [] => format!("make it with: covault set {name}"),
                names if names.iter().all(|other| other.starts_with(&format!("{name}/"))) => {
                    format!("it is a folder: name a secret in it, such as {}", names.join(", "))
                }
                names => format!("did you mean {}?", names.join(", ")),
            },
            Self::Deleted { name, bare: true } => {
                format!("nothing that counts was ever there; begin it with: covault set {name}")
            }
            Self::Deleted { name, .. } => format!("bring it back with: covault restore {name}"),
            Self::MovedToNothing { name, .. } => {
                format!("leave out that it moved, with: covault resolve {name} --discard")
            }
            Self::Moved { name, to } => {
                format!("use: {to}; for another secret at the old name: covault set {name} --new")
            }
            Self::IsSecret { name, field } => {
                format!(
                    "covault set {name} --stdin {field}; to show it from now on, first: covault set {name} --unset {field}"
                )
            }
            Self::IsJournal(_) => "choose a name that does not begin with journal/".to_owned(),
            Self::BadVariable { name, .. } => format!("name it with: covault set {name} --env VARIABLE"),
            Self::ChangedMeanwhile(name) => format!("look at it with: covault show {name}, and edit it again"),
            Self::RosterChanged => "repeat the command".to_owned(),
            Self::NoSuchEntry { .. } => {
                "set COVAULT_VAULT to ID@HEAD with a head of this roster (see: covault whoami --json)".to_owned()
            }
            Self::NoSuchField { known, name, .. } if known.is_empty() => {
                format!("it has no fields; give it one with: covault set {name}")
            }
            Self::NoSuchField { known, .. } | Self::FieldNeeded { known, .. } => {
                format!("its fields: {}", known.join(", "))
            }
            Self::Conflicted { name, .. } => {
                format!("see both and pick one with: covault resolve {name} --reveal")
            }
            Self::NoRemote(_) => {
                "add one with: git remote add origin URL; what waits here is settled by: covault resolve".to_owned()
            }
            Self::Ongoing(_) => {
                "settle it with: covault resolve, then git commit (or git rebase --continue)".to_owned()
            }
            Self::NothingGood(_) => {
                "what was there before may be in the history that is not here: git fetch --unshallow; then repeat it"
                    .to_owned()
            }
            Self::NothingThere { commit, source } => match source.as_ref() {
                Self::Inconsistent { file, what: Wrong::NoStanding { author, path } } => format!(
                    "if what {author} wrote is to count, first: git checkout {commit} -- {}; then vouch for it with: covault \
                     rekey {path} --accept",
                    from_top(file)
                ),
                source => return source.hint(),
            },
            Self::RefusedThere { with, file, .. } => format!(
                "see who changed it with: git log {with} -- {0}; somebody has to put a good version back there (git \
                 checkout REV -- {0}); then repeat it: covault sync",
                from_top(file)
            ),
            Self::Outpaced { .. } => "repeat it: covault sync".to_owned(),
            Self::NoSuchValue { known, .. } => {
                format!("its values: {} (see them with: covault resolve)", known.join(", "))
            }
            Self::NoMerge(name) => format!(
                "see the values with: covault resolve {name} --reveal; name one with: covault resolve {name} --pick ID"
            ),
            Self::SameValue { .. } => "who knows the old value would know the new one: give it another".to_owned(),
            Self::NoSecretField { name, field } => format!("change it with: covault set {name} {field}=TEXT"),
            Self::Exists(name) => format!("change it with: covault set {name}"),
            Self::NoSuchRevision { name, .. } | Self::NothingEarlier(name) => {
                format!("see its revisions with: covault log {name}")
            }
            Self::BeforeShallow { .. } | Self::BelowShallow(_) | Self::CutRange { .. } => {
                "get the rest with: git fetch --unshallow".to_owned()
            }
            Self::SeveralRevisions { name, commits, .. } => {
                let all: Vec<String> = commits.iter().map(|commit| format!("{name}@{commit}")).collect();
                format!("name the commit of the one that is meant: {} (see: covault log {name})", all.join(" or "))
            }
            Self::NoEnvFile(_) => "make one with: covault import .env, or use: --from FOLDER".to_owned(),
            Self::NoFolder(name) => match name.rsplit_once('/') {
                Some((folder, _)) => {
                    format!("name the folder that it is in: {folder}; or write it with: covault get {name}")
                }
                None => format!("write it with: covault get {name}"),
            },
            Self::NoSuchFolder(_) => "see what there is with: covault ls".to_owned(),
            Self::SameVariable { .. } => "name the variable of one with: covault set NAME --env VARIABLE".to_owned(),
            Self::SameKey { .. } => "give one of them another name in the file".to_owned(),
            Self::EnvFile { file, source: EnvFileError::Literal { name, line } } => {
                let env = file.rsplit('/').next().and_then(|base| base.strip_suffix(".env")).unwrap_or("default");
                let place = format!("{env}/{}", envfile::secret_segment_from(name));
                format!("keep its value with: covault set {place}, and let line {line} be: {name}=covault://{place}")
            }
            Self::NulInVariable(_) => "hand it over as a file: covault run --files".to_owned(),
            Self::Invite(InviteError::Version { .. }) => "install a newer covault".to_owned(),
            Self::Invite(_) => "paste the whole line that an admin's covault member invite NAME printed".to_owned(),
            Self::Request(RequestError::TooLarge | RequestError::NotText | RequestError::Canon(_)) => {
                "it was made by another version, or changed: ask for a new one, from covault join --print".to_owned()
            }
            Self::Request(_) => "paste the whole line that covault join --print printed".to_owned(),
            Self::NotInvitedTo { .. } => {
                "get the newest state with: git pull; if that does not help, do not go on and ask who invited you"
                    .to_owned()
            }
            Self::InvitedAs { .. } => "leave --name out, or ask for an invite for that name".to_owned(),
            Self::NameNeeded => "name yourself with: covault join --name NAME".to_owned(),
            Self::TooManyDevices(_) => "ask for a card with this machine alone with: covault join --renew".to_owned(),
            Self::DeviceExists { .. } => "call this machine otherwise with: covault join --device LABEL".to_owned(),
            Self::BadRequest { name, .. } => {
                format!("do not approve it; ask {name} for a new one, made by: covault join --name {name}")
            }
            Self::NoRequest(name) => {
                format!(
                    "git fetch brings what was pushed; see who asks with: covault member ls --requests; or invite with: covault member invite {name}"
                )
            }
            Self::SeveralRequests { name, .. } => {
                format!("ask {name} for the words of the card, then: covault member approve {name} --card WORDS")
            }
            Self::OtherCard { name, .. } => {
                format!(
                    "ask {name} for the words of the card, which covault join prints; see them with: covault member ls \
                     --requests"
                )
            }
            Self::MachineIsIn(name) => format!(
                "where its identity is lost, or was never shown: covault member renew {name} makes another, and the old one \
                 ends"
            ),
            Self::HasRole(name) => format!("leave --role out; later: covault member role {name} ROLE"),
            Self::Refused(Refusal::NameUsed(_)) => {
                "a name is never used again; choose another, as in: covault member invite bob2".to_owned()
            }
            Self::Refused(Refusal::KeyUsed(name)) => {
                format!(
                    "keys belong to one member; as {name}'s they stay: use other ones (COVAULT_IDENTITY_FILE, \
                     COVAULT_SIGNING_KEY_FILE)"
                )
            }
            Self::Refused(Refusal::LastAdmin) => {
                "make somebody else an admin first: covault member role NAME admin".to_owned()
            }
            Self::Refused(Refusal::NoSuchMember(_)) => "see who is there with: covault member ls".to_owned(),
            Self::NotAnAdmin(_) => "ask an admin; see who is with: covault member ls".to_owned(),
            Self::WouldNotRead(name) => format!(
                "ask an admin for a grant, as in: covault grant {name} --add NAME; what is only shared with you, you read"
            ),
            Self::TakenOnTrunk(name) => {
                format!("bring the trunk in with: covault sync; then ask an admin: covault grant {name} --add NAME")
            }
            Self::ValueTooLarge { .. } => "keep large files elsewhere, and their key here".to_owned(),
            _ => return None,
        };
        Some(text)
    }
}

/// The secret that a file is, by where it lies.
fn name_of(file: &str) -> Option<&str> {
    file.rsplit_once(".covault/secrets/")?.1.strip_suffix(".age")
}

/// The command that moves a file, whose folder may be gone.
fn moving_back(file: &str, home: &str) -> String {
    let folder = |file: &str| file.rsplit_once('/').map(|(folder, _)| folder.to_owned());
    let moving = format!("mv {} {}", quoted(file), quoted(home));
    let moving = match folder(home).filter(|there| Some(there) != folder(file).as_ref()) {
        Some(there) => format!("mkdir -p {} && {moving}", quoted(&there)),
        None => moving,
    };
    at_top(file, moving)
}

/// A shell line with paths from the top: where the vault is in a folder, that is where one stands.
fn at_top(file: &str, line: String) -> String {
    if file.starts_with(FOLDER) { line } else { format!("(cd \"$(git rev-parse --show-toplevel)\" && {line})") }
}

/// The field of a secret that a name below it may stand for.
fn field_of<'a>(secret: &str, name: &'a str) -> Option<&'a str> {
    let field = name.strip_prefix(secret)?.strip_prefix('/')?;
    FieldName::parse(field).is_ok().then_some(field)
}
