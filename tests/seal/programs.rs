//! Other people's programs as judges: age (Go), rage (Rust) and ssh-keygen. Where one is absent, the test says so.
//!
//! Short: 25 files each way and 20 signatures. Long: 1,000 files and 500 signatures each way, by
//! `COVAULT_LONG=1 cargo test --locked seal::programs -- --nocapture`; `COVAULT_TOOLS` names a folder whose `bin` is looked
//! into first, `COVAULT_SEED` says sizes and readers.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use covault::plaintext::Plaintext;
use covault::seal::sshsig::{self, Namespace};
use covault::seal::{Identities, Identity, SealedFile, SigningKey, open_foreign, seal};
use rand_core::{OsRng, RngCore};
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::support::{Member, devices, draft};
use crate::simulation::dice::Dice;
use crate::world::judges::has;

/// The program from `$COVAULT_TOOLS/bin` or the PATH.
fn program(name: &str) -> Option<PathBuf> {
    let tools = std::env::var_os("COVAULT_TOOLS").map(|tools| PathBuf::from(tools).join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = tools.into_iter().chain(std::env::split_paths(&path)).map(|dir| dir.join(name)).find(|p| p.is_file());
    has(found.is_some(), name);
    found
}

fn run(command: &mut Command, home: &Path) -> Result<Vec<u8>, String> {
    let out = command.env("HOME", home).stdin(Stdio::null()).output().unwrap();
    if out.status.success() { Ok(out.stdout) } else { Err(String::from_utf8_lossy(&out.stderr).into_owned()) }
}

fn rounds(short: usize, long: usize) -> usize {
    if std::env::var_os("COVAULT_LONG").is_some_and(|value| value == "1") { long } else { short }
}

fn seed() -> u64 {
    std::env::var("COVAULT_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(6)
}

/// Sizes around the ends of chunks, empty ones, and others.
fn size(round: usize, dice: &mut Dice) -> usize {
    const TELLING: [usize; 12] =
        [0, 1, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 65_519, 65_520, 65_521, 1_048_576];
    match round % 25 {
        n if n < TELLING.len() => TELLING[n],
        _ => dice.below(3 * 65_536),
    }
}

fn count(round: usize, most: usize, dice: &mut Dice) -> usize {
    match round % 10 {
        0 => 1,
        9 => most,
        _ => 1 + dice.below(most),
    }
}

fn bytes(length: usize) -> Vec<u8> {
    let mut out = vec![0; length];
    OsRng.fill_bytes(&mut out);
    out
}

/// A file that only its owner reads, as ssh-keygen wants its keys.
fn write(path: &Path, text: &[u8]) {
    use std::io::Write;
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let mut file = std::fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path).unwrap();
    file.write_all(text).unwrap();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

/// A member who reads with an age key or an SSH key, and the file that holds it.
fn member(n: usize, dir: &Path, dice: &mut Dice) -> (Member, PathBuf) {
    let file = dir.join(format!("key{n}"));
    let identity = if dice.once_in(3) {
        let key = SigningKey::generate().unwrap().to_openssh("a comment").unwrap();
        write(&file, key.as_bytes());
        Identity::from_openssh(&key, || None).unwrap()
    } else {
        let identity = Identity::generate().unwrap();
        write(&file, format!("# a comment\n{}\n", *identity.to_text().unwrap()).as_bytes());
        identity
    };
    (Member::new(&format!("m{n:03}"), vec![identity]), file)
}

fn opens_ours(name: &str) {
    let Some(age) = program(name) else { return };
    let (dir, mut dice) = (TempDir::new().unwrap(), Dice::new(seed()));
    for round in 0..rounds(25, 1_000) {
        let count = count(round, 60, &mut dice);
        let (team, keys): (Vec<_>, Vec<_>) = (0..count).map(|n| member(n, dir.path(), &mut dice)).unzip();
        let text = bytes(size(round, &mut dice));
        let plaintext = Plaintext::new(text.clone());
        let sealed = seal(draft(&team), &plaintext, &devices(&team), &team[0].signing).unwrap();
        let file = dir.path().join("sealed.age");
        std::fs::write(&file, &sealed.bytes).unwrap();
        for n in [dice.below(count), count - 1] {
            let out = run(Command::new(&age).arg("-d").arg("-i").arg(&keys[n]).arg(&file), dir.path());
            let is_whole = out.as_deref() == Ok(&text);
            assert!(
                is_whole,
                "{name}, round {round}: {count} readers, {} bytes, reader {n}: {:?}",
                text.len(),
                out.err()
            );
        }
        // Who is no reader is refused there, too.
        let (_, other) = member(count, dir.path(), &mut dice);
        let out = run(Command::new(&age).arg("-d").arg("-i").arg(other).arg(&file), dir.path());
        assert!(out.is_err(), "{name}, round {round}: a stranger opened it");
    }
    eprintln!("{name} opens ours, seed {}: {} tried, 0 violations", seed(), rounds(25, 1_000));
}

fn is_opened_by_us(name: &str) {
    let Some(age) = program(name) else { return };
    let (dir, mut dice) = (TempDir::new().unwrap(), Dice::new(seed()));
    let mut armored = 0;
    for round in 0..rounds(25, 1_000) {
        let count = count(round, 20, &mut dice);
        let (team, keys): (Vec<_>, Vec<_>) = (0..count).map(|n| member(n, dir.path(), &mut dice)).unzip();
        let text = bytes(size(round, &mut dice));
        let (plain, file) = (dir.path().join("plain"), dir.path().join("foreign.age"));
        std::fs::write(&plain, &text).unwrap();
        let encrypt = |more: &[&str]| {
            let mut command = Command::new(&age);
            command.arg("-e").args(more);
            for member in &team {
                command.arg("-r").arg(member.devices[0].recipient.to_string());
            }
            run(command.arg("-o").arg(&file).arg(&plain), dir.path()).unwrap();
            std::fs::read(&file).unwrap()
        };
        let file = encrypt(&[]);
        for n in [dice.below(count), count - 1] {
            let key = std::fs::read_to_string(&keys[n]).unwrap();
            let identities = Identities::parse(&key, || None).unwrap();
            let opened = open_foreign(&file, &identities).unwrap();
            assert!(opened.expose() == text, "{name}, round {round}: {count} recipients, {} bytes, {n}", text.len());
        }
        let other = Identities::from(Identity::generate().unwrap());
        assert!(open_foreign(&file, &other).is_err(), "{name}, round {round}: a stranger opened it");
        if round % 20 == 3 {
            // Armor is for what passes through text; a secret's file never is, and nothing of one is opened.
            let file = encrypt(&["-a"]);
            let key = std::fs::read_to_string(&keys[0]).unwrap();
            let opened = open_foreign(&file, &Identities::parse(&key, || None).unwrap());
            assert!(opened.is_err() || opened.unwrap().expose() == text, "{name}, round {round}: armored");
            assert!(SealedFile::parse(file).is_err());
            armored += 1;
        }
    }
    let tried = rounds(25, 1_000);
    eprintln!("we open what {name} seals, seed {} ({armored} armored): {tried} tried, 0 violations", seed());
}

#[test]
fn age_opens_what_we_seal() {
    opens_ours("age");
}

#[test]
fn rage_opens_what_we_seal() {
    opens_ours("rage");
}

#[test]
fn we_open_what_age_seals() {
    is_opened_by_us("age");
}

#[test]
fn we_open_what_rage_seals() {
    is_opened_by_us("rage");
}

#[test]
fn age_keygen_derives_the_recipients_that_we_do() {
    let Some(keygen) = program("age-keygen") else { return };
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("identity.txt");
    run(Command::new(&keygen).arg("-o").arg(&file), dir.path()).unwrap();
    let theirs = Identities::parse(&std::fs::read_to_string(&file).unwrap(), || None).unwrap();
    let out = run(Command::new(&keygen).arg("-y").arg(&file), dir.path()).unwrap();
    let recipient = theirs.iter().next().unwrap().recipient().to_string();
    assert_eq!(String::from_utf8(out).unwrap().trim(), recipient);
}

#[test]
fn ssh_keygen_verifies_what_we_sign() {
    let Some(keygen) = program("ssh-keygen") else { return };
    let dir = TempDir::new().unwrap();
    let key = SigningKey::generate().unwrap();
    let (allowed, signature) = (dir.path().join("allowed"), dir.path().join("message.sig"));
    write(&allowed, format!("alice namespaces=\"covault-*\" {}\n", key.public()).as_bytes());
    let (mut dice, text) = (Dice::new(seed()), key.to_openssh("").unwrap());
    let namespaces = [Namespace::Secret, Namespace::Roster, Namespace::Card, Namespace::Journal];
    for round in 0..rounds(20, 500) {
        let namespace = namespaces[round % namespaces.len()];
        let key = if round % 5 == 0 {
            SigningKey::generate().unwrap()
        } else {
            SigningKey::from_openssh(&text, || None).unwrap()
        };
        write(&allowed, format!("alice namespaces=\"covault-*\" {}\n", key.public()).as_bytes());
        let message = bytes(if round < 4 { round } else { dice.below(5_000) });
        let armored = sshsig::armor(&sshsig::sign(&key, namespace, &message).unwrap());
        write(&signature, armored.as_bytes());
        let verify = |namespace: &str, message: &[u8]| {
            let file = dir.path().join("message");
            write(&file, message);
            let mut command = Command::new(&keygen);
            command.args(["-Y", "verify", "-I", "alice", "-n", namespace]).arg("-f").arg(&allowed);
            command.arg("-s").arg(&signature).stdin(std::fs::File::open(&file).unwrap());
            command.env("HOME", dir.path()).output().unwrap().status.success()
        };
        assert!(verify(namespace.as_str(), &message), "round {round}");
        assert!(!verify("covault-other", &message), "round {round}");
        assert!(!verify(namespace.as_str(), &[&message[..], b"x"].concat()), "round {round}");
    }
    eprintln!("ssh-keygen verifies ours, seed {}: {} tried, 0 violations", seed(), rounds(20, 500));
}

#[test]
fn we_verify_what_ssh_keygen_signs() {
    let Some(keygen) = program("ssh-keygen") else { return };
    let dir = TempDir::new().unwrap();
    let key = SigningKey::generate().unwrap();
    let (file, message) = (dir.path().join("key"), dir.path().join("message"));
    write(&file, key.to_openssh("alice@host").unwrap().as_bytes());
    let mut dice = Dice::new(seed());
    for round in 0..rounds(20, 500) {
        let text = bytes(if round < 4 { round } else { dice.below(5_000) });
        write(&message, &text);
        let signature = dir.path().join("message.sig");
        let _ = std::fs::remove_file(&signature);
        let mut command = Command::new(&keygen);
        command.args(["-Y", "sign", "-n", "covault-secret"]).arg("-f").arg(&file).arg(&message);
        run(&mut command, dir.path()).unwrap();
        let armored = std::fs::read_to_string(signature).unwrap();
        let blob = sshsig::dearmor(&armored).unwrap();
        assert_eq!(sshsig::verify(&blob, Namespace::Secret, &text).unwrap().to_public(), key.public());
        // Ed25519 is deterministic: the same bytes, not merely a good signature.
        assert_eq!(sshsig::armor(&sshsig::sign(&key, Namespace::Secret, &text).unwrap()), armored);
        assert!(sshsig::verify(&blob, Namespace::Roster, &text).is_err());
        assert!(sshsig::verify(&blob, Namespace::Secret, &[&text[..], b"x"].concat()).is_err());
    }
    eprintln!("we verify what ssh-keygen signs, seed {}: {} tried, 0 violations", seed(), rounds(20, 500));
}

#[test]
fn ssh_keygen_reads_our_private_key_files() {
    let Some(keygen) = program("ssh-keygen") else { return };
    let dir = TempDir::new().unwrap();
    let key = SigningKey::generate().unwrap();
    let file = dir.path().join("key");
    write(&file, key.to_openssh("alice@host").unwrap().as_bytes());
    let out = run(Command::new(&keygen).arg("-y").arg("-f").arg(&file), dir.path()).unwrap();
    assert_eq!(String::from_utf8(out).unwrap().trim(), format!("{} alice@host", key.public()));
}

#[test]
fn we_read_private_key_files_of_ssh_keygen_in_the_clear_and_encrypted() {
    let Some(keygen) = program("ssh-keygen") else { return };
    let dir = TempDir::new().unwrap();
    let generate = |name: &str, more: &[&str]| {
        let file = dir.path().join(name);
        let mut command = Command::new(&keygen);
        command.args(["-q", "-C", "bob@host", "-f"]).arg(&file).args(more);
        run(&mut command, dir.path()).unwrap();
        let public = std::fs::read_to_string(dir.path().join(format!("{name}.pub"))).unwrap();
        (std::fs::read_to_string(file).unwrap(), public.trim_end_matches(" bob@host\n").to_owned())
    };
    let (clear, public) = generate("clear", &["-t", "ed25519", "-N", ""]);
    assert_eq!(SigningKey::from_openssh(&clear, || panic!("asked")).unwrap().public().to_string(), public);
    assert_eq!(Identity::from_openssh(&clear, || panic!("asked")).unwrap().recipient().to_string(), public);
    for cipher in ["aes256-ctr", "aes128-ctr", "aes256-cbc", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"]
    {
        let (encrypted, public) = generate(cipher, &["-t", "ed25519", "-N", "horse", "-a", "4", "-Z", cipher]);
        let passphrase = |text: &str| Some(Zeroizing::new(text.to_owned()));
        let key =
            SigningKey::from_openssh(&encrypted, || passphrase("horse")).unwrap_or_else(|e| panic!("{cipher}: {e}"));
        assert_eq!(key.public().to_string(), public);
        let wrong = SigningKey::from_openssh(&encrypted, || passphrase("donkey")).unwrap_err();
        assert_eq!(wrong, covault::seal::SealError::WrongPassphrase, "{cipher}");
        let none = SigningKey::from_openssh(&encrypted, || None).unwrap_err();
        assert_eq!(none, covault::seal::SealError::PassphraseNeeded);
    }
    for (kind, name) in [("rsa", "ssh-rsa"), ("ecdsa", "ecdsa-sha2-nistp256")] {
        for passphrase in ["", "horse"] {
            let (other, _) = generate(&format!("{kind}{passphrase}"), &["-t", kind, "-N", passphrase]);
            let error = SigningKey::from_openssh(&other, || panic!("asked")).unwrap_err();
            assert_eq!(error, covault::seal::SealError::KeyType { kind: name.to_owned() });
        }
    }
}
