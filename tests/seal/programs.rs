//! Other people's programs as judges: age (Go), rage (Rust) and ssh-keygen. Where one is absent, the test says so.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use covault::plaintext::Plaintext;
use covault::seal::sshsig::{self, Namespace};
use covault::seal::{Identities, Identity, SigningKey, open_foreign, seal};
use rand_core::{OsRng, RngCore};
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::support::{Member, devices, draft};

/// The program from `$COVAULT_TOOLS/bin` or the PATH.
fn program(name: &str) -> Option<PathBuf> {
    let tools = std::env::var_os("COVAULT_TOOLS").map(|tools| PathBuf::from(tools).join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = tools.into_iter().chain(std::env::split_paths(&path)).map(|dir| dir.join(name)).find(|p| p.is_file());
    if found.is_none() {
        eprintln!("SKIPPED: the program {name} is not here");
    }
    found
}

fn run(command: &mut Command, home: &Path) -> Result<Vec<u8>, String> {
    let out = command.env("HOME", home).stdin(Stdio::null()).output().unwrap();
    if out.status.success() { Ok(out.stdout) } else { Err(String::from_utf8_lossy(&out.stderr).into_owned()) }
}

fn random(below: u32) -> usize {
    (OsRng.next_u32() % below) as usize
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
fn member(n: usize, dir: &Path) -> (Member, PathBuf) {
    let file = dir.join(format!("key{n}"));
    let identity = if random(3) == 0 {
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
    let dir = TempDir::new().unwrap();
    for round in 0..50 {
        let count = 1 + random(60);
        let (team, keys): (Vec<_>, Vec<_>) = (0..count).map(|n| member(n, dir.path())).unzip();
        // Among them the sizes around a chunk's end.
        let size = [0, 1, 65_535, 65_536, 65_537, 131_072].get(round).copied().unwrap_or_else(|| random(65_536));
        let text = bytes(size);
        let plaintext = Plaintext::new(text.clone());
        let sealed = seal(draft(&team), &plaintext, &devices(&team), &team[0].signing).unwrap();
        let file = dir.path().join("sealed.age");
        std::fs::write(&file, &sealed.bytes).unwrap();
        for n in [random(count as u32), count - 1] {
            let out = run(Command::new(&age).arg("-d").arg("-i").arg(&keys[n]).arg(&file), dir.path());
            assert!(out.as_deref() == Ok(&text), "{name}: {count} readers, {size} bytes, reader {n}: {:?}", out.err());
        }
    }
}

fn is_opened_by_us(name: &str) {
    let Some(age) = program(name) else { return };
    let dir = TempDir::new().unwrap();
    for round in 0..50 {
        let count = 1 + random(20);
        let (team, keys): (Vec<_>, Vec<_>) = (0..count).map(|n| member(n, dir.path())).unzip();
        let size = [0, 1, 65_535, 65_536, 65_537, 131_072].get(round).copied().unwrap_or_else(|| random(65_536));
        let text = bytes(size);
        let (plain, file) = (dir.path().join("plain"), dir.path().join("foreign.age"));
        std::fs::write(&plain, &text).unwrap();
        let mut command = Command::new(&age);
        command.arg("-e");
        for member in &team {
            command.arg("-r").arg(member.devices[0].recipient.to_string());
        }
        run(command.arg("-o").arg(&file).arg(&plain), dir.path()).unwrap();
        let file = std::fs::read(file).unwrap();
        for n in [random(count as u32), count - 1] {
            let key = std::fs::read_to_string(&keys[n]).unwrap();
            let identities = Identities::parse(&key, || None).unwrap();
            let opened = open_foreign(&file, &identities).unwrap();
            assert!(opened.expose() == text, "{name}: {count} recipients, {size} bytes, reader {n}");
        }
    }
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
    for namespace in [Namespace::Secret, Namespace::Roster, Namespace::Card, Namespace::Journal] {
        let message = bytes(random(5_000));
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
        assert!(verify(namespace.as_str(), &message));
        assert!(!verify("covault-other", &message));
        assert!(!verify(namespace.as_str(), &[&message[..], b"x"].concat()));
    }
}

#[test]
fn we_verify_what_ssh_keygen_signs() {
    let Some(keygen) = program("ssh-keygen") else { return };
    let dir = TempDir::new().unwrap();
    let key = SigningKey::generate().unwrap();
    let (file, message) = (dir.path().join("key"), dir.path().join("message"));
    write(&file, key.to_openssh("alice@host").unwrap().as_bytes());
    for _ in 0..20 {
        let text = bytes(random(5_000));
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
    }
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
