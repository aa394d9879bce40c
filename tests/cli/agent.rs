//! Signing with ssh-agent, and people who bring one ssh-ed25519 key for everything. A real agent, and lying ones.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use covault::seal::sshsig::{self, Namespace};
use covault::seal::wire::{put, take};
use covault::seal::{Signer as _, SigningKey};

use super::{all_of, head, json, on_terminal, same};
use crate::world::{Person, Said, World, have};

/// A real ssh-agent of a person's own; it ends with the test.
pub(crate) struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts an agent for `person` and points their environment at it. Who is asked by it answers with `askpass`.
fn agent(world: &World, person: &mut Person, askpass: &str) -> Agent {
    let (socket, script) = (world.path().join("agent.sock"), world.path().join("ask pass"));
    std::fs::write(&script, format!("#!/bin/sh\n{askpass}\n")).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    for (name, value) in [("SSH_ASKPASS", script.to_str().unwrap()), ("SSH_ASKPASS_REQUIRE", "force")] {
        person.vars.push((name.to_owned(), value.to_owned()));
    }
    let mut command = person.command("ssh-agent");
    command.arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).stderr(Stdio::null());
    let agent = Agent(command.spawn().unwrap());
    while UnixStream::connect(&socket).is_err() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    point_at(person, &socket);
    agent
}

fn point_at(person: &mut Person, socket: &Path) {
    person.vars.retain(|(name, _)| name != "SSH_AUTH_SOCK");
    person.vars.push(("SSH_AUTH_SOCK".to_owned(), socket.to_str().unwrap().to_owned()));
}

/// Has ssh-keygen make a key pair; the private half's file.
fn key_pair(world: &World, person: &Person, name: &str, more: &[&str]) -> PathBuf {
    let file = world.path().join(name);
    let mut command = person.command("ssh-keygen");
    assert!(command.args(["-q", "-C", "alice@host"]).args(more).arg("-f").arg(&file).status().unwrap().success());
    file
}

const PLAIN: &[&str] = &["-t", "ed25519", "-N", ""];

fn public_of(file: &Path) -> PathBuf {
    file.with_extension("pub")
}

#[track_caller]
pub(crate) fn add(person: &Person, args: &[&str], key: &Path) {
    let done = person.command("ssh-add").arg("-q").args(args).arg(key).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn init(person: &Person, more: &[&str]) -> Said {
    let args = ["init", "--name", "alice", "--vault-name", "x", "--device", "laptop", "--no-passphrase"];
    person.covault([&args, more].concat())
}

/// alice with a vault whose founder signs with an agent, which has the key; the key's file.
pub(crate) fn signs_with_agent(world: &World, askpass: &str) -> (Person, Agent, PathBuf) {
    let mut alice = world.person("alice");
    let agent = agent(world, &mut alice, askpass);
    let key = key_pair(world, &alice, "id", PLAIN);
    add(&alice, &[], &key);
    init(&alice, &["--signing-key", public_of(&key).to_str().unwrap()]).ok();
    (alice, agent, key)
}

/// Bodies of the stanzas with this name.
fn stanza(file: &Path, name: &str) -> Vec<u8> {
    let bytes = std::fs::read(file).unwrap();
    let header = String::from_utf8_lossy(&bytes).into_owned();
    let body = header.split(&format!("-> {name}\n")).nth(1).unwrap();
    let lines: String = body.lines().take_while(|line| !line.starts_with('-')).collect();
    STANDARD_NO_PAD.decode(lines).unwrap()
}

#[track_caller]
fn refused(said: Said, words: &[&str]) {
    let said = said.exits(4);
    assert!(words.iter().all(|word| said.err.contains(word)), "{words:?} are not all in:\n{}", said.err);
    assert!(said.err.contains("\nhint: ") && !said.err.contains("hunter2-hunter2"), "{}", said.err);
}

#[test]
fn what_an_agent_signs_is_good_to_ssh_keygen_and_to_people_without_the_agent() {
    if !have("ssh-agent") {
        return;
    }
    let world = World::new();
    let (mut alice, agent, key) = signs_with_agent(&world, "exit 1");
    // The private half is not needed once the agent has it.
    let away = world.path().join("away");
    std::fs::rename(&key, &away).unwrap();
    alice.set("prod/db", "hunter2-hunter2");
    alice.set("prod/db", "hunter3-hunter3");
    assert_eq!(alice.get("prod/db"), "hunter3-hunter3");
    alice.covault(["status"]).ok();
    assert!(!alice.home.join(".config/covault/signing_ed25519").exists());

    let public = std::fs::read_to_string(public_of(&key)).unwrap();
    let (allowed, signature) = (world.path().join("allowed"), world.path().join("signature"));
    std::fs::write(&allowed, format!("alice namespaces=\"covault-secret\" {public}")).unwrap();
    let file = alice.file("prod/db");
    std::fs::write(&signature, sshsig::armor(&stanza(&file, "covault-signature"))).unwrap();
    let verify = ["-Y", "verify", "-I", "alice", "-n", "covault-secret", "-f"].map(str::to_owned);
    let rest = [allowed.to_str().unwrap(), "-s", signature.to_str().unwrap()].map(str::to_owned);
    let manifest = stanza(&file, "covault-manifest");
    alice.fed("ssh-keygen", &manifest, verify.iter().chain(&rest)).ok();
    alice.fed("ssh-keygen", b"another text", verify.iter().chain(&rest)).exits(255);

    // Ed25519 is deterministic: the agent signs as the key itself does.
    let direct = SigningKey::from_openssh(&std::fs::read_to_string(&away).unwrap(), || None).unwrap();
    assert_eq!(direct.sign(Namespace::Secret, &manifest).unwrap(), stanza(&file, "covault-signature"));

    let who = json(&alice.covault(["whoami", "--json"]).ok());
    assert_eq!((&who["in_agent"], who["signing_key"].as_str()), (&true.into(), public.strip_suffix(" alice@host\n")));
    assert!(alice.covault(["whoami"]).ok().text().contains(" (in ssh-agent)\n"));
    drop(agent);
    // Reading needs no agent, and whoami says what is wrong.
    assert_eq!(alice.get("prod/db"), "hunter3-hunter3");
    assert_eq!(json(&alice.covault(["whoami", "--json"]).ok())["in_agent"], false);
    let said = alice.covault(["whoami"]).ok().text();
    assert!(said.contains(" (not usable: no ssh-agent answers at "), "{said}");
    let said = alice.covault(["doctor"]).exits(8).text();
    assert!(said.contains("BAD  signing key: ") && said.contains("no ssh-agent answers at "), "{said}");
    // The private key's file by itself signs for the same card.
    alice.vars.push(("COVAULT_SIGNING_KEY_FILE".to_owned(), away.to_str().unwrap().to_owned()));
    alice.set("prod/db", "hunter4-hunter4");
    assert_eq!(json(&alice.covault(["whoami", "--json"]).ok())["in_agent"], serde_json::Value::Null);
}

#[test]
fn an_agent_that_is_gone_locked_or_without_the_key_is_no_access_and_nothing_is_written() {
    if !have("ssh-agent") {
        return;
    }
    let world = World::new();
    let (mut alice, agent, key) = signs_with_agent(&world, "echo sesame");
    let add_it = format!("ssh-add '{}'", key.display());
    alice.set("a", "1");
    let before = all_of(&alice);
    let set = |alice: &Person| alice.covault_fed(b"hunter2-hunter2", ["set", "b"]);
    let ssh_add = |alice: &Person, args: &[&str]| {
        let done = alice.command("ssh-add").arg("-q").args(args).output().unwrap();
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    };
    // Locked: the agent shows no keys.
    ssh_add(&alice, &["-x"]);
    refused(set(&alice), &["does not have this key", "ssh-add -X"]);
    ssh_add(&alice, &["-X"]);
    // Removed.
    ssh_add(&alice, &["-D"]);
    refused(set(&alice), &["id.pub", "does not have this key", &add_it]);
    for args in
        [&["rm", "a"][..], &["mv", "a", "b"], &["set", "b", "--generate", "x"], &["set", "b", "x=1", "--dry-run"]]
    {
        refused(alice.covault(args), &["does not have this key"]);
    }
    let said = alice.covault(["whoami"]).ok().text();
    assert!(said.contains(" (not usable: ssh-agent does not have this key)\n"), "{said}");
    // Gone, elsewhere, and never there.
    drop(agent);
    refused(set(&alice), &["no ssh-agent answers at", "agent.sock", &add_it]);
    point_at(&mut alice, &world.path().join("nothing"));
    refused(set(&alice), &["no ssh-agent answers at", "nothing"]);
    point_at(&mut alice, &key);
    refused(set(&alice), &["no ssh-agent answers at"]);
    point_at(&mut alice, Path::new(&format!("/{}", "long/".repeat(100))));
    refused(set(&alice), &["no ssh-agent answers at"]);
    alice.vars.retain(|(name, _)| name != "SSH_AUTH_SOCK");
    refused(set(&alice), &["SSH_AUTH_SOCK names none", &add_it]);
    same(&before, &all_of(&alice));
    assert_eq!(alice.get("a"), "1");
}

#[test]
fn who_does_not_confirm_signs_nothing() {
    if !have("ssh-agent") {
        return;
    }
    let world = World::new();
    let (alice, _agent, key) = signs_with_agent(&world, "exit 1");
    alice.set("a", "1");
    add(&alice, &["-c"], &key);
    let before = all_of(&alice);
    refused(alice.covault_fed(b"hunter2-hunter2", ["set", "b"]), &["id.pub", "ssh-agent refused", "confirm"]);
    same(&before, &all_of(&alice));
}

#[test]
fn a_key_that_is_kept_to_some_hosts_signs_nothing_here() {
    if !have("ssh-agent") {
        return;
    }
    let world = World::new();
    let (alice, _agent, key) = signs_with_agent(&world, "exit 1");
    alice.set("a", "1");
    // Whose host it may be used on is known by that host's key.
    let host = std::fs::read_to_string(public_of(&key_pair(&world, &alice, "host", PLAIN))).unwrap();
    let known = world.path().join("known hosts");
    std::fs::write(&known, format!("example.org {host}")).unwrap();
    add(&alice, &["-h", "example.org", "-H", known.to_str().unwrap()], &key);
    let before = all_of(&alice);
    refused(alice.covault_fed(b"hunter2-hunter2", ["set", "b"]), &["id.pub", "ssh-agent refused"]);
    same(&before, &all_of(&alice));
}

#[test]
fn a_version_that_arrives_while_a_person_confirms_is_not_written_over() {
    if !have("ssh-agent") {
        return;
    }
    let world = World::new();
    // Who is asked runs this first.
    let meanwhile = world.path().join("meanwhile");
    let (mut alice, _agent, key) = signs_with_agent(&world, &format!(". '{}'; echo >> asked", meanwhile.display()));
    std::fs::write(alice.repo.join(".git/info/exclude"), "asked\n").unwrap();
    for name in ["prod/db", "prod/old"] {
        alice.covault_fed(b"hunter2", ["set", name, "--stdin", "password"]).ok();
    }
    alice.git(["checkout", "-q", "-b", "theirs"]).ok();
    for name in ["prod/db", "prod/old", "prod/new"] {
        alice.covault(["set", name, "user=theirs"]).ok();
    }
    alice.git(["checkout", "-q", "main"]).ok();
    add(&alice, &["-c"], &key);
    let begin = head(&alice);
    let theirs = alice.git(["rev-parse", "theirs"]).ok().text().trim().to_owned();
    let editor = "sh -c 'printf \"[secret]\\npassword = \\\"mine\\\"\\n\" > \"$0\"'";
    alice.vars.push(("EDITOR".to_owned(), editor.to_owned()));

    let pull = "git pull -q --ff-only . theirs";
    // On disk alone, as a merge has it before it moves the branch.
    let check_out = "git checkout -q theirs -- .covault/secrets";
    let commands: [(&[&str], &str); 7] = [
        (&["set", "prod/db", "--stdin", "password"], "prod/db"),
        (&["set", "prod/new", "--stdin", "password"], "prod/new"),
        (&["edit", "prod/new"], "prod/new"),
        (&["rm", "prod/db"], "prod/db"),
        (&["mv", "prod/old", "prod/db2"], "prod/old"),
        (&["mv", "prod/old", "prod/new"], "prod/new"),
        (&["rekey", "prod/db", "--yes"], "prod/db"),
    ];
    for arrives in [pull, check_out] {
        for (command, name) in commands {
            if command[0] == "rekey" && arrives == check_out {
                continue;
            }
            alice.git(["reset", "-q", "--hard", &begin]).ok();
            std::fs::write(&meanwhile, arrives).unwrap();
            let said = alice.covault_fed(b"mine", command).exits(5);
            let text = format!("{name}.age` was changed by somebody else meanwhile\nhint: repeat it");
            assert!(said.err.contains(&text), "{command:?}: {}", said.err);
            assert_eq!(alice.get(&format!("{name}/user")), "theirs", "{command:?}");
            assert_eq!(head(&alice), if arrives == pull { &theirs } else { &begin }.as_str());
            assert_eq!(alice.git(["diff", "--name-only", "theirs"]).ok().text(), "", "{command:?}");
        }
    }
    // Repeated, it goes on from what has arrived.
    alice.git(["reset", "-q", "--hard", &begin]).ok();
    std::fs::write(&meanwhile, pull).unwrap();
    alice.covault_fed(b"mine", ["set", "prod/db", "--stdin", "password"]).exits(5);
    alice.covault_fed(b"mine", ["set", "prod/db", "--stdin", "password"]).ok();
    assert_eq!(["user", "password"].map(|field| alice.get(&format!("prod/db/{field}"))), ["theirs", "mine"]);
    // What arrives elsewhere holds nobody up.
    alice.git(["reset", "-q", "--hard", &begin]).ok();
    alice.covault_fed(b"mine", ["set", "prod/other", "--stdin", "password"]).ok();
    assert_eq!((alice.get("prod/db/user"), alice.get("prod/other/password")), ("theirs".into(), "mine".into()));
    assert_eq!(alice.git(["status", "--porcelain"]).ok().text(), "");
}

#[test]
fn init_asks_the_agent_before_it_writes_anything() {
    if !have("ssh-agent") {
        return;
    }
    let world = World::new();
    let mut alice = world.person("alice");
    let key = key_pair(&world, &alice, "id", PLAIN);
    let public = public_of(&key);
    let before = all_of(&alice);
    refused(init(&alice, &["--signing-key", public.to_str().unwrap()]), &["SSH_AUTH_SOCK names none"]);
    let _agent = agent(&world, &mut alice, "exit 1");
    refused(init(&alice, &["--signing-key", public.to_str().unwrap()]), &["does not have this key"]);
    same(&before, &all_of(&alice));
    add(&alice, &[], &key);
    init(&alice, &["--signing-key", public.to_str().unwrap()]).ok();
    alice.set("a", "1");
}

#[test]
fn public_keys_of_other_types_are_refused_by_name() {
    let world = World::new();
    let alice = world.person("alice");
    let before = all_of(&alice);
    let file = world.path().join("key.pub");
    let refuses = |text: &str, words: &[&str]| {
        std::fs::write(&file, text).unwrap();
        refused(init(&alice, &["--signing-key", file.to_str().unwrap()]), words);
    };
    for (kind, name) in [("rsa", "ssh-rsa"), ("ecdsa", "ecdsa-sha2-nistp256")] {
        let key = key_pair(&world, &alice, kind, &["-t", kind, "-N", ""]);
        let public = public_of(&key);
        refused(init(&alice, &["--signing-key", public.to_str().unwrap()]), &[name, "where ssh-ed25519 is needed"]);
        refused(init(&alice, &["--signing-key", key.to_str().unwrap()]), &[name, "where ssh-ed25519 is needed"]);
    }
    for name in ["sk-ssh-ed25519@openssh.com", "ssh-ed25519-cert-v01@openssh.com", "ssh-dss"] {
        refuses(&format!("{name} AAAA alice@host\n"), &[name, "where ssh-ed25519 is needed"]);
    }
    let good = std::fs::read_to_string(public_of(&key_pair(&world, &alice, "id", PLAIN))).unwrap();
    let weak = format!("ssh-ed25519 {} x\n", {
        let mut blob = Vec::new();
        put(&mut blob, b"ssh-ed25519");
        put(&mut blob, &[0; 32]);
        STANDARD.encode(blob)
    });
    let two = good.repeat(2);
    for text in
        ["", "nonsense", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-ed25519 !", &weak, &two, &good.replace('A', "\n")]
    {
        refuses(text, &["key.pub cannot be used"]);
    }
    // A public key opens nothing, and the error says so.
    std::fs::write(&file, &good).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    refused(init(&alice, &["--identity", file.to_str().unwrap()]), &["only the private half opens"]);
    same(&before, &all_of(&alice));
}

/// An agent that answers each request with what `answer` gives, raw, and hangs up. `None` keeps it silent.
fn liar(socket: &Path, answer: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + 'static) {
    let _ = std::fs::remove_file(socket);
    let listener = UnixListener::bind(socket).unwrap();
    std::thread::spawn(move || {
        let mut silent = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut length = [0; 4];
            if stream.read_exact(&mut length).is_err() {
                continue;
            }
            let mut request = vec![0; u32::from_be_bytes(length) as usize];
            stream.read_exact(&mut request).unwrap();
            match answer(&request) {
                // Who asked may have gone away in the middle of it.
                Some(answer) => drop(stream.write_all(&answer)),
                None => silent.push(stream),
            }
        }
    });
}

fn message(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, body);
    out
}

/// What a good agent says to a request for its keys.
fn listing(blobs: &[&[u8]]) -> Vec<u8> {
    let mut body = vec![12];
    body.extend_from_slice(&(blobs.len() as u32).to_be_bytes());
    for blob in blobs {
        put(&mut body, blob);
        put(&mut body, b"a comment");
    }
    message(&body)
}

/// What a good agent says to a request for a signature.
fn signed(kind: &[u8], signature: &[u8], more: &[u8]) -> Vec<u8> {
    let mut blob = Vec::new();
    put(&mut blob, kind);
    put(&mut blob, signature);
    blob.extend_from_slice(more);
    let mut body = vec![14];
    put(&mut body, &blob);
    message(&body)
}

/// alice, whose signing key is known to her by its public half alone, and the blob of that.
fn knows_public_half(world: &World) -> (Person, SigningKey, Vec<u8>) {
    let alice = world.founder("alice");
    alice.set("a", "1");
    let config = alice.home.join(".config/covault");
    let private = config.join("signing_ed25519");
    let key = SigningKey::from_openssh(&std::fs::read_to_string(&private).unwrap(), || None).unwrap();
    std::fs::remove_file(&private).unwrap();
    std::fs::write(config.join("signing-key-file"), config.join("signing_ed25519.pub").to_str().unwrap()).unwrap();
    let blob = STANDARD.decode(&key.public().0).unwrap();
    (alice, key, blob)
}

#[test]
fn an_agent_that_lies_about_its_keys_is_an_error_and_nothing_is_written() {
    let world = World::new();
    let (mut alice, _, blob) = knows_public_half(&world);
    let socket = world.path().join("liar.sock");
    point_at(&mut alice, &socket);
    let before = all_of(&alice);
    let good = listing(&[&blob]);
    let other = listing(&[b"\0\0\0\x07ssh-rsa\0\0\0\x01\x05", &blob[..50], &[&blob[..], b"x"].concat(), b""]);
    let many = {
        let mut body = vec![12, 255, 255, 255, 255];
        body.extend_from_slice(&[0; 1000]);
        message(&body)
    };
    let cut = message(&good[4..good.len() - 1]);
    let longer = message(&[&good[4..], b"x"].concat());
    let broken = "not one of its protocol";
    let cases: Vec<(Option<Vec<u8>>, &str)> = vec![
        (Some(Vec::new()), "hung up"),
        (Some(vec![0, 0]), "hung up"),
        (Some(good[..good.len() - 1].to_vec()), "hung up"),
        (Some(vec![0, 4, 0, 0, 12]), "hung up"),
        (Some(vec![0, 4, 0, 1, 12]), "above 256 KiB"),
        (Some(vec![0xff; 9]), "above 256 KiB"),
        (Some(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()), "above 256 KiB"),
        (Some(vec![0; 4]), "an empty message"),
        (Some(message(&[6])), broken),
        (Some(message(&[14])), broken),
        (Some(message(&[12])), broken),
        (Some(many), broken),
        (Some(cut), broken),
        (Some(longer), broken),
        (Some(message(&[5])), "refused"),
        (Some(message(&[102])), "refused"),
        (Some(listing(&[])), "does not have this key"),
        (Some(other), "does not have this key"),
        (None, "did not answer within 5 seconds"),
    ];
    for (answer, words) in cases {
        liar(&socket, move |_| answer.clone());
        refused(alice.covault_fed(b"hunter2-hunter2", ["set", "b"]), &["signing_ed25519.pub", words]);
        same(&before, &all_of(&alice));
    }
}

#[test]
fn an_agent_that_hangs_up_before_it_listens_is_an_error() {
    let world = World::new();
    let (mut alice, ..) = knows_public_half(&world);
    let socket = world.path().join("short.sock");
    point_at(&mut alice, &socket);
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let before = all_of(&alice);
    for _ in 0..20 {
        refused(alice.covault_fed(b"hunter2-hunter2", ["set", "b"]), &["signing_ed25519.pub"]);
    }
    same(&before, &all_of(&alice));
}

#[test]
fn an_agent_that_signs_something_else_is_an_error_and_nothing_is_written() {
    let world = World::new();
    let (mut alice, key, blob) = knows_public_half(&world);
    let socket = world.path().join("liar.sock");
    point_at(&mut alice, &socket);
    let before = all_of(&alice);
    let others = SigningKey::generate().unwrap();
    // What comes after the fixed parts of an SSHSIG blob are the 64 bytes.
    let raw = |key: &SigningKey, text: &[u8]| {
        let blob = key.sign(Namespace::Secret, text).unwrap();
        blob[blob.len() - 64..].to_vec()
    };
    let (stale, foreign) = (raw(&key, b"another text"), raw(&others, b"another text"));
    let type_ = b"ssh-ed25519";
    for (answer, words) in [
        (signed(type_, &stale, b""), "is not good"),
        (signed(type_, &foreign, b""), "is not good"),
        (signed(type_, &[0; 64], b""), "is not good"),
        (signed(type_, &[0xff; 64], b""), "is not good"),
        (signed(type_, &[0; 63], b""), "not an ssh-ed25519 signature"),
        (signed(type_, &[0; 65], b""), "not an ssh-ed25519 signature"),
        (signed(type_, &[0; 64], b"x"), "not an ssh-ed25519 signature"),
        (signed(b"rsa-sha2-512", &[0; 64], b""), "not an ssh-ed25519 signature"),
        (signed(b"sk-ssh-ed25519@openssh.com", &[0; 64], b"\x01\0\0\0\0"), "not an ssh-ed25519 signature"),
        (message(&[14]), "not an ssh-ed25519 signature"),
        (message(&[14, 255, 255, 255, 255]), "not an ssh-ed25519 signature"),
        (listing(&[&blob]), "another type"),
        (message(&[6]), "another type"),
        (message(&[30]), "refused"),
        (vec![0, 0, 0, 83, 14], "hung up"),
        (vec![0xff; 100], "above 256 KiB"),
        (Vec::new(), "hung up"),
    ] {
        let blob = blob.clone();
        liar(&socket, move |request| Some(if request == [11] { listing(&[&blob]) } else { answer.clone() }));
        let said = alice.covault_fed(b"hunter2-hunter2", ["set", "b"]);
        refused(said, &["cannot make or sign the new version", "signing_ed25519.pub", words]);
        same(&before, &all_of(&alice));
    }
    // The same stand-in as an honest one: so it was the lies that were refused.
    let text = key.to_openssh("").unwrap();
    let own = ssh_key::PrivateKey::from_openssh(&*text).unwrap();
    let own = own.key_data().ed25519().unwrap().private.to_bytes();
    let (own, listed) = (ed25519_dalek::SigningKey::from_bytes(&own), blob.clone());
    liar(&socket, move |request| {
        let Some(mut rest) = request.strip_prefix(&[13]) else { return Some(listing(&[b"another", &listed])) };
        let (asked, data) = (take(&mut rest).unwrap(), take(&mut rest).unwrap());
        assert_eq!((asked, rest), (&listed[..], &[0; 4][..]));
        Some(signed(b"ssh-ed25519", &ed25519_dalek::Signer::sign(&own, data).to_bytes(), b""))
    });
    alice.set("b", "2");
    assert_eq!(alice.get("b"), "2");
}

#[test]
fn one_ssh_key_opens_and_signs_and_plain_age_opens_with_it() {
    let world = World::new();
    let alice = world.person("alice");
    let key = key_pair(&world, &alice, "id_ed25519", PLAIN);
    let file = key.to_str().unwrap();
    init(&alice, &["--identity", file, "--signing-key", file]).ok();
    alice.set("prod/db", "hunter2-hunter2");
    alice.covault(["set", "prod/db", "user=app"]).ok();
    assert_eq!(alice.covault(["get", "prod/db/value"]).ok().text(), "hunter2-hunter2");
    let public = std::fs::read_to_string(public_of(&key)).unwrap();
    let public = public.strip_suffix(" alice@host\n").unwrap();
    let roster = std::fs::read_to_string(alice.repo.join(".covault/roster.toml")).unwrap();
    assert!(roster.contains(&format!("devices = [\"laptop {public} {public}\"]")), "{roster}");
    let who = json(&alice.covault(["whoami", "--json"]).ok());
    assert_eq!((&who["recipients"][0], &who["signing_key"]), (&public.into(), &public.into()));
    let config = alice.home.join(".config/covault");
    assert!(!config.join("identity.txt").exists() && !config.join("signing_ed25519").exists());
    for (program, found) in ["age", "rage"].map(|program| (program, have(program))) {
        if found {
            let said = alice.command(program).args(["-d", "-i", file]).arg(alice.file("prod/db")).output().unwrap();
            let text = String::from_utf8_lossy(&said.stdout).into_owned();
            assert!(text.contains("hunter2-hunter2"), "{program}: {}", String::from_utf8_lossy(&said.stderr));
        }
    }
    // Others' eyes on it: refused, as with any other identity.
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    refused(alice.covault(["get", "prod/db/value"]), &["can be read by others"]);
}

#[test]
fn a_protected_ssh_key_opens_with_its_passphrase_and_signs_through_the_agent() {
    if !have("ssh-agent") {
        return;
    }
    let world = World::new();
    let mut alice = world.person("alice");
    let key = key_pair(&world, &alice, "id", &["-t", "ed25519", "-N", "sesame", "-a", "4"]);
    let _agent = agent(&world, &mut alice, "echo sesame");
    add(&alice, &[], &key);
    let (private, public) = (key.to_str().unwrap(), public_of(&key));
    let founded = ["init", "--name", "alice", "--vault-name", "x", "--identity", private, "--signing-key"];
    let args = [&founded[..], &[public.to_str().unwrap()]].concat();
    assert_eq!(on_terminal(&alice, &["sesame"], &args).ok().err, "1");
    // Once: for the identity. The agent was given its own when the key was added. The others are for a value.
    assert_eq!(on_terminal(&alice, &["sesame", "", ""], &["set", "a", "x=1"]).ok().err, "3");
    assert!(on_terminal(&alice, &["sesame"], &["get", "a"]).ok().text().trim_end().ends_with('1'));
    let said = alice.covault(["get", "a"]).exits(7);
    assert!(said.err.contains("needs its passphrase"), "{}", said.err);
}

#[test]
fn no_key_is_made_where_one_that_is_named_is_missing() {
    let world = World::new();
    let alice = world.person("alice");
    let (identity, key) = (world.path().join("identity.txt"), key_pair(&world, &alice, "id", PLAIN));
    std::fs::copy(world.founder("eve").identity(), &identity).unwrap();
    let named = ["--identity", identity.to_str().unwrap(), "--signing-key", key.to_str().unwrap()];
    init(&alice, &named).ok();
    // Both are on a disk that is not there while somebody starts another vault.
    let (mut other, away) = (world.person("other"), world.path().join("away"));
    other.home.clone_from(&alice.home);
    let before = all_of(&other);
    for file in [&identity, &key] {
        std::fs::rename(file, &away).unwrap();
        refused(init(&other, &[]), &["which is no file", file.to_str().unwrap()]);
        assert!(!file.exists());
        std::fs::rename(&away, file).unwrap();
    }
    same(&before, &all_of(&other));
    init(&other, &[]).ok();
}

#[test]
fn no_key_is_made_in_the_place_of_one_whose_public_half_is_here() {
    let world = World::new();
    let mut alice = world.person("alice");
    let key = key_pair(&world, &alice, "id", PLAIN);
    let public = std::fs::read(public_of(&key)).unwrap();
    // An agent has it.
    std::fs::remove_file(&key).unwrap();
    let before = all_of(&alice);
    let name = |alice: &mut Person, file: &Path| {
        alice.vars = vec![("COVAULT_SIGNING_KEY_FILE".to_owned(), file.to_str().unwrap().to_owned())];
    };
    name(&mut alice, &key);
    let hint = format!("name '{}' with COVAULT_SIGNING_KEY_FILE: ssh-agent signs", public_of(&key).display());
    refused(init(&alice, &[]), &[&hint]);
    let gone = world.path().join("gone.pub");
    name(&mut alice, &gone);
    refused(init(&alice, &[]), &["bring", "gone.pub", "ssh-agent signs"]);
    assert!(std::fs::read(public_of(&key)).unwrap() == public && !key.exists() && !gone.exists());
    // The same beside where one would be made, and of a link that leads nowhere.
    alice.vars.clear();
    same(&before, &all_of(&alice));
    let own = alice.home.join(".config/covault");
    std::fs::create_dir_all(&own).unwrap();
    std::fs::write(own.join("signing_ed25519.pub"), &public).unwrap();
    refused(init(&alice, &[]), &["signing_ed25519.pub"]);
    assert_eq!(std::fs::read(own.join("signing_ed25519.pub")).unwrap(), public);
    std::fs::remove_file(own.join("signing_ed25519.pub")).unwrap();
    std::os::unix::fs::symlink(world.path().join("nowhere"), alice.identity()).unwrap();
    init(&alice, &[]).exits(1);
    assert!(alice.identity().is_symlink() && !own.join("signing_ed25519").exists());
    std::fs::remove_file(alice.identity()).unwrap();
    init(&alice, &[]).ok();
}
