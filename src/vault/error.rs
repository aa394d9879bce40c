//! Every refusal of a use-case, by name, with the next step.
//!
//! It prints nothing; the command line turns a refusal into `error:`, `hint:` and an exit code.

use thiserror::Error;

use super::branch::There;
use super::requests::BadRequest;
use super::wrong::Wrong;
use crate::home::HomeError;
use crate::model::codec::DocumentError;
use crate::model::envfile::EnvFileError;
use crate::model::invite::InviteError;
use crate::model::names::{DeviceLabel, MemberName, NameError};
use crate::model::request::RequestError;
use crate::model::roster::{MAX_ROSTER, RosterError};
use crate::repo::RepoError;
use crate::seal::SealError;

/// What sort of refusal it is; the command line has one exit code for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Anything else.
    Other,
    /// The request makes no sense.
    Usage,
    /// It is not there.
    NotFound,
    /// No key that opens or signs it.
    NoAccess,
    /// Several people wrote different things at once.
    Conflict,
    /// Something is not what its signatures say.
    Verification,
    /// A person has to decide.
    NeedsPerson,
    /// A remote failed; it may be repeated.
    Remote,
}

/// What oneself opens of a secret of which not all is sealed to oneself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Nothing.
    Nothing,
    /// Some of its versions, and oneself can seal those for all who read it.
    Unsealed,
    /// Some of its versions; what is missing is for others, who may write it and open that.
    Sealed,
    /// Some of its versions, and of the others one opens for nobody who may write it.
    Lost,
}

/// A roster that a commit in the trunk's history has, and that the trunk's newest lacks.
#[derive(Debug)]
pub struct LeftOutRoster {
    /// The file.
    pub file: String,
    /// The trunk.
    pub trunk: String,
    /// Its newest entry.
    pub seq: u64,
    /// The commit that has it, abbreviated.
    pub commit: String,
    /// The commit that went on without it, abbreviated.
    pub by: Option<String>,
    /// Where both rosters were extended apart: who could bring them together, admins on both.
    pub apart: Option<Vec<String>>,
    /// The commands that put it back, where they are known.
    pub back: Option<String>,
}

/// Why a use-case did not happen. Nothing was changed, unless the text says so.
#[derive(Debug, Error)]
pub enum VaultError {
    /// Git.
    #[error(transparent)]
    Repo(#[from] RepoError),
    /// This machine.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// A name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// No vault above, none below.
    #[error("there is no vault here: no .covault folder in this repository")]
    NoVault,
    /// The same, where another branch has one.
    #[error("there is no vault here: {here} has none, and {} has one", .there.name)]
    NoVaultOnBranch {
        /// What is checked out.
        here: String,
        /// What has one.
        there: There,
    },
    /// A merge of a vault whose folder is not in the work tree.
    #[error("the vault of {0} is not in the work tree")]
    NotOnDisk(String),
    /// No vault above, several below.
    #[error("there is no vault above this folder, but below it: {}", .0.join(", "))]
    SeveralVaults(Vec<String>),
    /// `scan` of a path that names nothing.
    #[error("there is nothing to scan at {0}")]
    NothingToScan(String),
    /// `init` where a vault stands.
    #[error("there is a vault already: {0}")]
    VaultExists(String),
    /// `init` where another branch has a vault, which a second one would take the place of in this clone.
    #[error("there is a vault already: {root} on {}", .there.name)]
    VaultElsewhere {
        /// Its folder.
        root: String,
        /// What has it.
        there: There,
    },
    /// The roster.
    #[error("{file} is refused")]
    Roster {
        /// The file.
        file: String,
        /// Why.
        source: RosterError,
    },
    /// A signature in the roster.
    #[error("{file}: the signature of entry {seq} is refused")]
    RosterSignature {
        /// The file.
        file: String,
        /// The entry.
        seq: u64,
        /// Why.
        source: SealError,
    },
    /// A signature by somebody who may not.
    #[error("{file}: entry {seq} is signed with a key that is not its author's")]
    RosterSigner {
        /// The file.
        file: String,
        /// The entry.
        seq: u64,
    },
    /// Git changed a file when it put it on the disk.
    #[error("{file} is refused: git changed it when it checked it out (its line ends, as a .gitattributes says)")]
    Converted {
        /// The file.
        file: String,
    },
    /// What git made of two rosters.
    #[error("{file} is unmerged, and what lies there is refused")]
    RosterUnmerged {
        /// The file.
        file: String,
        /// Why.
        source: Box<VaultError>,
    },
    /// Two branches that both extended the roster, and oneself cannot merge them.
    #[error("{file} was extended on both branches, and {because}")]
    RosterDiverged {
        /// The file.
        file: String,
        /// Why oneself cannot.
        because: String,
        /// Who could: admins on both.
        admins: Vec<String>,
    },
    /// Two branches that both extended the roster, one of them by somebody who is no admin on the other.
    #[error(
        "{file} was extended on both branches, and on one of them by {by}, who is no admin on the other, or not by that card"
    )]
    RosterSuspect {
        /// The file.
        file: String,
        /// Who.
        by: String,
    },
    /// Git would take entries of the roster back.
    #[error("{file} only grows: git takes nothing back there, and it stays as it is")]
    RosterTakenBack {
        /// The file.
        file: String,
    },
    /// First sight of a vault.
    #[error("this machine does not know the vault {words} yet")]
    UnknownVault {
        /// Its id as words.
        words: String,
    },
    /// Another vault than the one that was accepted.
    #[error("{file} is another vault ({found}) than the one accepted here ({expected})")]
    OtherVault {
        /// The file.
        file: String,
        /// Its id as words.
        found: String,
        /// The id that was accepted, as words.
        expected: String,
    },
    /// The roster was there, and is no more.
    #[error("{file} was taken away: {there} has none, and the commits before had it; no command of covault does that")]
    RosterTakenAway {
        /// The file.
        file: String,
        /// Where it is gone: a branch, or what is checked out.
        there: String,
        /// The commands that put it back.
        back: String,
    },
    /// The trunk's roster is refused, whatever is checked out.
    #[error("the roster on the trunk {trunk} is refused")]
    RosterOnTrunk {
        /// The trunk, such as `origin/main`.
        trunk: String,
        /// The roster's file.
        file: String,
        /// Why.
        source: Box<VaultError>,
        /// The commands that put the good one back, where that is known.
        back: Option<String>,
    },
    /// The roster in the work tree, where it is known how a good one is put back.
    #[error("{}", chain(refused))]
    RosterHere {
        /// The roster's file.
        file: String,
        /// Why it is refused.
        refused: Box<VaultError>,
        /// The commands that put the good one back.
        back: String,
    },
    /// The roster lacks an entry that was seen.
    #[error(
        "{file}{} lacks entry {seq}, which {seen}: the roster was rolled back or replaced",
        .trunk.as_ref().map(|trunk| format!(" on {trunk}")).unwrap_or_default()
    )]
    RosterRolledBack {
        /// The file.
        file: String,
        /// The trunk, where it is the trunk's roster.
        trunk: Option<String>,
        /// The entry.
        seq: u64,
        /// What remembers it, as the end of a sentence.
        seen: String,
        /// The commands that put the newer one back, where that is known.
        back: Option<String>,
        /// Whether that one lacks what this one has: none of the two is newer.
        apart: bool,
    },
    /// The trunk's roster lacks what one in its own history had, since this clone looked last.
    #[error(
        "{} on {} lacks entry {} of the roster that the commit {} in its history has: the roster was rolled back or replaced",
        .0.file, .0.trunk, .0.seq, .0.commit
    )]
    RosterLeftOut(Box<LeftOutRoster>),
    /// The trunk lost a commit that was seen on it.
    #[error("the trunk {trunk} was rewritten: commit {commit}, which was seen on it, is gone")]
    TrunkRewritten {
        /// The trunk's name.
        trunk: String,
        /// The commit, abbreviated.
        commit: String,
    },
    /// The roster of this branch was extended by somebody who is no admin on the trunk.
    #[error(
        "{file} of this branch was extended by {by}, who is no admin on the trunk, or not by that \
             card: nothing is sealed by it"
    )]
    ForkedRoster {
        /// The file.
        file: String,
        /// Who.
        by: String,
    },
    /// A secret that the trunk had, without a tombstone.
    #[error("{file} was taken away: the trunk had it, and nobody deleted it with covault")]
    TakenAway {
        /// The file.
        file: String,
        /// Where it was.
        commit: String,
    },
    /// A sealed file.
    #[error("{file} is refused")]
    Sealed {
        /// The file.
        file: String,
        /// Why.
        source: SealError,
    },
    /// A document.
    #[error("{file} is refused")]
    Document {
        /// The file.
        file: String,
        /// Why.
        source: DocumentError,
    },
    /// The manifest says something that the roster, the place or the document contradicts.
    #[error("{file} is refused: {what}")]
    Inconsistent {
        /// The file.
        file: String,
        /// What does not agree.
        what: Wrong,
    },
    /// Sealed for others.
    #[error("{name} {}", not_sealed(*.part))]
    NotAReader {
        /// The secret.
        name: String,
        /// Who can read it; of one in parts, who can go on with it.
        readers: String,
        /// What of it oneself opens.
        part: Part,
    },
    /// The roster does not let oneself read it, and who writes a secret reads it.
    #[error("you may not write {0}: no grant lets you read it")]
    WouldNotRead(String),
    /// The trunk's roster took it away, and this branch does not know that.
    #[error("you may not write {0} any more: by the trunk's roster no grant lets you read it")]
    TakenOnTrunk(String),
    /// Only admins change the roster.
    #[error("only an admin can do that: {0}")]
    NotAnAdmin(String),
    /// An entry that the rules refuse.
    #[error("the roster refuses that: {0}")]
    Refused(crate::model::roster::Refusal),
    /// The identity is nobody's in the roster.
    #[error("your identity ({0}) belongs to no member of this vault")]
    NotAMember(String),
    /// Reading is possible, writing is not.
    #[error("there is no signing key on this machine ({0} does not exist), and what is written must be signed")]
    NoSigningKey(String),
    /// The same where the environment brings the keys.
    #[error("there is no signing key after the identity in COVAULT_IDENTITY, and what is written must be signed")]
    IdentityAlone,
    /// The signing key is not on one's card.
    #[error("the signing key {0} is not on your card in the roster")]
    SigningKeyUnknown(String),
    /// Nothing at this name.
    #[error("there is no secret '{name}'")]
    NoSuchSecret {
        /// The name.
        name: String,
        /// The secret that has the name of a folder above it.
        above: Option<String>,
        /// Names that look like it.
        similar: Vec<String>,
    },
    /// It was deleted.
    #[error("'{name}' was deleted")]
    Deleted {
        /// The name.
        name: String,
        /// Nothing that was ever there counts.
        bare: bool,
    },
    /// A move that a person is to vouch for, where what arrived was left out or deleted since.
    #[error("'{name}' would be moved to '{to}', where nothing is any more")]
    MovedToNothing {
        /// The secret.
        name: String,
        /// Where it would be.
        to: String,
    },
    /// It lives elsewhere.
    #[error("'{name}' was moved to '{to}'")]
    Moved {
        /// The name.
        name: String,
        /// Where it is.
        to: String,
    },
    /// No such field.
    #[error("'{name}' has no field '{field}'")]
    NoSuchField {
        /// The secret.
        name: String,
        /// The field.
        field: String,
        /// The fields that it has.
        known: Vec<String>,
    },
    /// Several fields and none named.
    #[error("'{name}' has several fields and none is called 'value'")]
    FieldNeeded {
        /// The secret.
        name: String,
        /// The fields that it has.
        known: Vec<String>,
    },
    /// Concurrent writes and `--strict`.
    #[error("'{field}' of '{name}' was written by several people at once")]
    Conflicted {
        /// The secret.
        name: String,
        /// The field.
        field: String,
    },
    /// `sync` where no branch is checked out; the commit that is.
    #[error("no branch is checked out, and what is exchanged with a remote is a branch")]
    NoBranch(Option<String>),
    /// Nothing to exchange commits with.
    #[error("there is no remote to exchange {0} with")]
    NoRemote(String),
    /// Git is in the middle of something.
    #[error("git is in the middle of something: {0}")]
    Ongoing(String),
    /// Others were faster each time.
    #[error("others pushed to {remote} faster than this machine could, {times} times")]
    Outpaced {
        /// The remote.
        remote: String,
        /// How often it was tried.
        times: usize,
    },
    /// What others have on the branch that is exchanged with, where git's merge met it.
    #[error("{file} on {with} is refused: {why}; nothing was brought in")]
    RefusedThere {
        /// The branch there.
        with: String,
        /// The file.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// None of the values of a field was meant.
    #[error("no value of '{name}' is meant by '{what}'")]
    NoSuchValue {
        /// The secret and its field.
        name: String,
        /// What was asked for.
        what: String,
        /// The ids of its values.
        known: Vec<String>,
    },
    /// Sides of a merge that there was not.
    #[error("the values of '{0}' do not come one from each side of a merge, so that none is ours or theirs")]
    NoMerge(String),
    /// A folder where a secret should be, or the other way round.
    #[error("'{name}' cannot be a secret: {reason}")]
    InTheWay {
        /// The name.
        name: String,
        /// What is in the way.
        reason: String,
        /// The secret in the way, where it has the name of a folder above.
        above: Option<String>,
    },
    /// It is kept for journals, which are written by what rotates keys at providers.
    #[error("'{0}' is kept for journals of what is open at providers, and is no secret's name")]
    IsJournal(String),
    /// It would overwrite a secret.
    #[error("there is a secret '{0}' already")]
    Exists(String),
    /// No such revision.
    #[error("'{name}' has no revision '{revision}'")]
    NoSuchRevision {
        /// The secret.
        name: String,
        /// What was asked for.
        revision: String,
    },
    /// `restore` of what has one version only.
    #[error("there is no earlier version of '{0}'")]
    NothingEarlier(String),
    /// What this clone has of history ends before it, if there is such a version at all.
    #[error("this clone has only a part of the history, and no {what} of '{name}' is in it")]
    BeforeShallow {
        /// The secret.
        name: String,
        /// Which version was asked for.
        what: String,
    },
    /// A number that several versions have.
    #[error("'{name}' has {} versions with the number {revision}", commits.len())]
    SeveralRevisions {
        /// The secret.
        name: String,
        /// The number.
        revision: u64,
        /// The commits that made them.
        commits: Vec<String>,
    },
    /// A reference in an env file, or a folder, that cannot be turned into variables.
    #[error("{file}, line {line}")]
    EnvLine {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        source: Box<VaultError>,
    },
    /// A variable's name that is none.
    #[error("'{name}' would give the variable '{variable}', which is no variable's name")]
    BadVariable {
        /// The secret.
        name: String,
        /// The variable.
        variable: String,
    },
    /// A metadatum that others could not read as what it is.
    #[error("'{value}' cannot be the {name} of a secret: {expected}")]
    BadMeta {
        /// The metadatum.
        name: String,
        /// What was given.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A secret field that would be shown to everybody from now on.
    #[error("the field '{field}' of '{name}' is a secret, and FIELD=TEXT is for what is none")]
    IsSecret {
        /// The secret.
        name: String,
        /// The field.
        field: String,
    },
    /// Somebody changed it while it was edited.
    #[error("'{0}' was changed by somebody else meanwhile")]
    ChangedMeanwhile(String),
    /// The roster changed between reading it and writing.
    #[error("the roster changed meanwhile")]
    RosterChanged,
    /// An entry would make the roster larger than anybody reads.
    #[error(
        "the roster would have {size} bytes and the limit is {MAX_ROSTER}: an entry lists each version by somebody who may \
         not write it any more"
    )]
    RosterTooLarge {
        /// How large it would be.
        size: usize,
    },
    /// `COVAULT_VAULT` asks for an entry that the roster does not have.
    #[error("{file} does not have the entry {head} that COVAULT_VAULT asks for")]
    NoSuchEntry {
        /// The file.
        file: String,
        /// What was asked for.
        head: String,
    },
    /// A variable that would change how the child is loaded.
    #[error("the variable {0} changes how programs are loaded and is refused")]
    LoaderVariable(String),
    /// Two secrets for one variable.
    #[error("two secrets give the variable {variable}: {first} and {second}")]
    SameVariable {
        /// The variable.
        variable: String,
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
    /// A value that an environment cannot hold.
    #[error("the value for {0} holds a NUL byte, which no variable can")]
    NulInVariable(String),
    /// An env file.
    #[error("{file} is refused")]
    EnvFile {
        /// The file.
        file: String,
        /// Why.
        source: EnvFileError,
    },
    /// Nothing below a folder.
    #[error("there is no secret below '{0}'")]
    NoSuchFolder(String),
    /// A secret where a folder should be.
    #[error("'{0}' is a secret, and no folder")]
    NoFolder(String),
    /// Two keys of an import give one secret.
    #[error("the key {variable} would become the secret '{name}', which another key became already")]
    SameSecret {
        /// The key.
        variable: String,
        /// The secret.
        name: String,
    },
    /// Two keys of an import give one variable.
    #[error("the keys {first} and {second} would both become the variable {variable}")]
    SameKey {
        /// One of them.
        first: String,
        /// The other.
        second: String,
        /// The variable.
        variable: String,
    },
    /// A vault's name.
    #[error("'{0}' cannot be a vault's name: 1 to 64 bytes without control characters")]
    BadVaultName(String),
    /// Something could not be signed or made.
    #[error("cannot make or sign {what}")]
    Signing {
        /// What.
        what: &'static str,
        /// Why.
        source: SealError,
    },
    /// A reader who wants to write.
    #[error("you may read in this vault, not write")]
    NotAWriter,
    /// No env file.
    #[error("there is no {0}")]
    NoEnvFile(String),
    /// About a key at a provider.
    #[error(transparent)]
    Key(#[from] super::keys::KeyError),
    /// Nobody in the roster has this name.
    #[error("there is no member '{name}'")]
    NoSuchMember {
        /// The name.
        name: String,
        /// Names that look like it.
        similar: Vec<String>,
    },
    /// No group has this name.
    #[error("there is no group '@{name}'")]
    NoSuchGroup {
        /// The name.
        name: String,
        /// Groups that look like it.
        similar: Vec<String>,
    },
    /// A folder, where one secret was to be shared.
    #[error("'{0}' is a folder, and secrets are shared one by one")]
    NotOneSecret(String),
    /// What a share did not give no `unshare` takes.
    #[error("{subject} reads {name} by the grant to {holder} at {place}, and not because it was shared")]
    ReadsByGrant {
        /// The secret.
        name: String,
        /// Who.
        subject: String,
        /// Whom of them the grant names.
        holder: String,
        /// Where the grant is; `/` is the root.
        place: String,
    },
    /// Shared with a group, not with its member.
    #[error("{subject} reads {name} as one of {group}, with which it is shared")]
    ReadsByShare {
        /// The secret.
        name: String,
        /// Who.
        subject: String,
        /// The group.
        group: String,
    },
    /// The register of shares is full.
    #[error("{0} was shared and taken back so often that its manifest has no more room for it")]
    TooManyShares(String),
    /// No version of a secret in the part of history that is here counts, so that there is nothing to go on from.
    #[error("no version of {0} that is here counts")]
    NothingGood(String),
    /// The same, or what lies below it may count, where this clone lacks the part of the history that would tell.
    #[error("this clone has only a part of the history, and what else of {0} counts may be in the rest")]
    BelowShallow(String),
    /// The end of a range does not follow its beginning, which may be as it should be: where it is behind.
    #[error(
        "this clone has only a part of the history, and cannot tell whether {to} is behind {from} or put back what that one has"
    )]
    CutRange {
        /// The beginning, abbreviated.
        from: String,
        /// The end.
        to: String,
    },
    /// All that a commit has of what was asked for is refused.
    #[error("nothing that {commit} has of it can be joined in")]
    NothingThere {
        /// The commit.
        commit: String,
        /// Why the first of it is refused.
        source: Box<VaultError>,
    },
    /// Files differ, and only joining them loses nothing.
    #[error("{0} has several versions here that are not joined yet")]
    NotJoined(String),
    /// Who reads it now is not to read it, and who is to read it cannot open it.
    #[error("nobody who can open {name} now would read it afterwards: it could never be sealed for its new readers")]
    NobodyCouldSeal {
        /// The secret.
        name: String,
        /// Who can open it now.
        readers: String,
    },
    /// A grant to nobody.
    #[error("nobody would read what is below {0}")]
    GrantToNobody(String),
    /// A group that would have no member.
    #[error("nobody would be left in @{0}")]
    EmptyGroup(String),
    /// A reader who is to be taken out of a grant that does not name them.
    #[error("the grant at {place} does not name {reader}")]
    NotInGrant {
        /// Where the grant is.
        place: String,
        /// Who was to be taken out.
        reader: String,
        /// Whom of those that it does name stand for them, too.
        through: Vec<String>,
    },
    /// Identities that somebody who leaves has had in their hands.
    #[error("{name} made the identities of {}, and may have kept them", .machines.join(", "))]
    MachinesOf {
        /// Who leaves.
        name: String,
        /// The machines.
        machines: Vec<String>,
    },
    /// A paper key that nobody got.
    #[error("nobody got the paper key, so no vault was started")]
    PaperNotShown,
    /// A person's new keys are made on their own machine.
    #[error("{0} is a person, whose new keys are made on a machine of theirs")]
    RenewsAlone(MemberName),
    /// An admin's own card without the key that they sign with.
    #[error(
        "the new card of {0} lacks the key that signs here, and what is sealed again has to be signed by a key of it"
    )]
    EndsOwnKey(MemberName),
    /// A commit without a vault.
    #[error("there is no vault in {0}")]
    NoVaultAt(String),
    /// Nothing to do.
    #[error("{0}")]
    Nothing(String),
    /// A value larger than the limit.
    #[error("the field '{field}' of '{name}' has more than 1 MiB")]
    ValueTooLarge {
        /// The secret.
        name: String,
        /// The field.
        field: String,
    },
    /// Something that is no invite.
    #[error("the invite is refused")]
    Invite(#[source] InviteError),
    /// Something that is no request.
    #[error("the request is refused")]
    Request(#[source] RequestError),
    /// The roster lacks the entry that an invite names.
    #[error("{file} lacks entry {seq}, which the invite names: it is an older roster, or another one")]
    NotInvitedTo {
        /// The file.
        file: String,
        /// The entry.
        seq: u64,
    },
    /// Another name than the invite's.
    #[error("the invite is for {invited}, not for {given}")]
    InvitedAs {
        /// The name that was asked for.
        given: MemberName,
        /// The invite's.
        invited: MemberName,
    },
    /// Who joins has a name.
    #[error("your name in the vault is needed")]
    NameNeeded,
    /// A card is full.
    #[error("{0} has as many devices as a card can hold")]
    TooManyDevices(MemberName),
    /// A device's label is another device's.
    #[error("{name} has a device called {device} already")]
    DeviceExists {
        /// Whose.
        name: MemberName,
        /// The label.
        device: DeviceLabel,
    },
    /// A request that no admin could approve.
    #[error("the request of {name} is refused: {why}")]
    BadRequest {
        /// Whose.
        name: MemberName,
        /// Why.
        why: BadRequest,
    },
    /// Nobody asks under this name.
    #[error("there is no request of {0}")]
    NoRequest(MemberName),
    /// Several cards ask for one name, and one of them at most is the person's.
    #[error("there are {} different requests of {name}: {}", .cards.len(), .cards.join(", "))]
    SeveralRequests {
        /// The name.
        name: MemberName,
        /// Their cards as words, each with where it is.
        cards: Vec<String>,
    },
    /// No request has the card that was named.
    #[error("no request of {name} has the card {given}; there is {found}")]
    OtherCard {
        /// The name.
        name: MemberName,
        /// What was given.
        given: String,
        /// The words of the cards that there are.
        found: String,
    },
    /// A rotation that would change nothing.
    #[error("the new value of '{field}' of '{name}' is the old one")]
    SameValue {
        /// The secret.
        name: String,
        /// The field.
        field: String,
    },
    /// A rotation of what is no secret.
    #[error("the field '{field}' of '{name}' is no secret")]
    NoSecretField {
        /// The secret.
        name: String,
        /// The field.
        field: String,
    },
    /// A role for somebody who has one.
    #[error("{0} is a member already, and approving a request changes no role")]
    HasRole(MemberName),
    /// A machine is let in once: another identity for it is a renewal.
    #[error("the machine {0} is in already")]
    MachineIsIn(MemberName),
}

impl VaultError {
    /// Where another program said several lines: what comes before them, and the lines.
    pub fn in_lines(&self) -> Option<(String, Vec<&str>)> {
        match self {
            Self::Repo(error) => error.in_lines(),
            _ => None,
        }
    }
}

/// What a secret is to who cannot open it, or not all of it.
fn not_sealed(part: Part) -> &'static str {
    match part {
        Part::Nothing => "is not sealed to you",
        Part::Unsealed | Part::Sealed | Part::Lost => "has several versions, and not all are sealed to you",
    }
}

/// An error with its causes, on one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
