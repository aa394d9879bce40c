//! Every named refusal of a sealed file, each from a file that is wrong in one thing only.

use covault::model::bytes::{Hash, Short};
use covault::model::canon::CanonError;
use covault::model::card::{Device, Recipient};
use covault::model::codec::MAX_DOCUMENT;
use covault::model::manifest::{Manifest, State};
use covault::model::names::SecretPath;
use covault::plaintext::Plaintext;
use covault::seal::sshsig::{self, Namespace};
use covault::seal::{MAX_FILE, MAX_PAYLOAD, SealError, SealedFile, header_limit, peek_manifests, seal};

use super::forge::{MAGIC, Parts, find, stanza};
use super::support::{Member, devices, draft, open_fully, refusal, seal_for, team};

fn parts() -> (Vec<Member>, Parts) {
    let team = team(2);
    let mut parts = Parts::of(&seal_for(&team, b"document"));
    parts.learn_key(&team[0].identities[0].to_text().unwrap());
    (team, parts)
}

fn parse(bytes: &[u8]) -> SealError {
    refusal(SealedFile::parse(bytes))
}

/// The file with one piece of its bytes replaced.
fn replaced(from: &[u8], to: &[u8]) -> Vec<u8> {
    let bytes = parts().1.join();
    let at = find(&bytes, from);
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

#[test]
fn the_forger_puts_a_file_together_that_is_accepted() {
    let (team, parts) = parts();
    let opened = open_fully(&parts.join(), &team[1].keys(), &[1]).unwrap();
    assert_eq!(opened.plaintext.expose(), b"document");
}

#[test]
fn files_of_other_kinds_are_refused() {
    assert_eq!(parse(b"hello"), SealError::NotAge);
    assert_eq!(parse(b""), SealError::HeaderCutOff);
    assert_eq!(parse(b"age-encryption.org/v2\n-> x\n\n--- "), SealError::UnknownAgeVersion);
    assert_eq!(parse(b"age-encryption.org/v1\r\n"), SealError::UnknownAgeVersion);
    assert_eq!(parse(b"-----BEGIN AGE ENCRYPTED FILE-----\n"), SealError::Armored);
}

#[test]
fn sizes_are_refused_before_anything_is_read() {
    assert_eq!(parse(&vec![0; MAX_FILE + 1]), SealError::FileTooLarge { size: MAX_FILE + 1, limit: MAX_FILE });
    let (team, mut parts) = parts();
    let manifest = Manifest::decode(std::str::from_utf8(&parts.manifest).unwrap()).unwrap();
    for (size, wanted) in [
        (MAX_PAYLOAD + 1, SealError::PayloadTooLarge { size: MAX_PAYLOAD + 1, limit: MAX_PAYLOAD }),
        (31, SealError::PayloadTooShort),
        (15, SealError::PayloadTooShort),
        (0, SealError::PayloadTooShort),
    ] {
        parts.payload = vec![1; size];
        parts.sign(&Manifest { payload: Hash::of(&parts.payload), ..manifest.clone() }, &team[0].signing);
        assert_eq!(parse(&parts.join()), wanted);
    }
}

#[test]
fn a_header_has_64_kib_for_a_hundred_devices_and_656_bytes_for_each_above() {
    assert_eq!(header_limit(1), 65_536);
    assert_eq!(header_limit(100), 65_536);
    assert_eq!(header_limit(103), 65_536 + 3 * 656);
    assert_eq!(header_limit(usize::MAX), usize::MAX);
    let (_, parts) = parts();
    let large = |body: usize| {
        let own = [stanza("covault-manifest", &vec![b'x'; body]), stanza("covault-signature", &parts.signature)];
        parse(&parts.join_with(&own.concat()))
    };
    assert_eq!(large(60_000), SealError::HeaderTooLarge { limit: 65_536 });
    // Just inside, and then just outside: only the manifest is wrong with the one.
    let fits = (40_000..60_000).collect::<Vec<_>>().partition_point(|n| matches!(large(*n), SealError::Manifest(_)));
    assert!(matches!(large(39_999 + fits), SealError::Manifest(_)));
    assert_eq!(large(40_000 + fits), SealError::HeaderTooLarge { limit: 65_536 });
}

#[test]
fn a_header_of_exactly_the_limit_is_sealed_and_read() {
    let length = |member: &Member, values: u64, name: usize| {
        let team = std::slice::from_ref(member);
        let values = (0..values).map(|n| Short(n.to_be_bytes())).collect();
        let manifest = Manifest { values, path: SecretPath::parse(&"n".repeat(name)).unwrap(), ..draft(team) };
        let sealed = seal(manifest, &Plaintext::new(b"x".to_vec()), &devices(team), &member.signing).ok()?;
        SealedFile::parse(sealed.bytes.clone()).unwrap();
        Some(sealed.bytes.len() - 33)
    };
    // A name that is longer by a byte makes it longer by one or two: not every number of devices meets the limit.
    let longest = (1..=4).map(|count| {
        let member = Member::with_devices("alice", count);
        let values: Vec<u64> = (0..4_000).collect();
        let values = values.partition_point(|n| length(&member, *n, 1).is_some()) as u64 - 1;
        (1..60).map_while(|name| length(&member, values, name)).max().unwrap()
    });
    assert_eq!(longest.max(), Some(65_536));
}

#[test]
fn a_payload_of_exactly_the_limit_is_sealed_and_opened() {
    let team = team(1);
    // In 37 chunks, each with its tag.
    let most = MAX_PAYLOAD - 16 - 37 * 16;
    let sealed = seal_for(&team, &vec![b'x'; most]);
    assert_eq!(open_fully(&sealed.bytes, &team[0].keys(), &[0]).unwrap().plaintext.len(), most);
    let more = Plaintext::new(vec![b'x'; most + 1]);
    let refused = refusal(seal(draft(&team), &more, &devices(&team), &team[0].signing));
    assert_eq!(refused, SealError::PayloadTooLarge { size: MAX_PAYLOAD + 1, limit: MAX_PAYLOAD });
}

#[test]
fn a_file_of_exactly_the_limit_is_sealed_and_read() {
    // So many readers that the largest payload is too large beside them.
    let team: Vec<Member> = (0..3_080).map(|n| Member::with_devices(&format!("m{n:047}"), 1)).collect();
    let sealed =
        |length: usize| seal(draft(&team), &Plaintext::new(vec![b'x'; length]), &devices(&team), &team[0].signing);
    let header = sealed(1).unwrap().bytes.len() - 33;
    let payload = MAX_FILE - header;
    let most = payload - 16 - 16 * (payload - 16).div_ceil(65_536 + 16);
    let file = sealed(most).unwrap().bytes;
    assert_eq!(file.len(), MAX_FILE);
    assert_eq!(peek_manifests(&file).unwrap().len(), 1);
    SealedFile::parse(file).unwrap();
    assert_eq!(refusal(sealed(most + 1)), SealError::FileTooLarge { size: MAX_FILE + 1, limit: MAX_FILE });
}

#[test]
fn an_endless_line_is_refused_at_the_limit() {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(b"-> ");
    bytes.extend(std::iter::repeat_n(b'a', MAX_FILE / 2));
    assert_eq!(parse(&bytes), SealError::HeaderTooLarge { limit: 65_536 });
}

#[test]
fn a_malformed_line_between_stanzas_is_refused() {
    assert_eq!(parse(&replaced(b"-> covault-manifest", b"=> covault-manifest")), SealError::HeaderLine);
    assert_eq!(parse(&replaced(b"-> covault-manifest", b"\n-> covault-manifest")), SealError::HeaderLine);
    assert_eq!(parse(&replaced(b"-> covault-manifest", b"->covault-manifest")), SealError::HeaderLine);
    assert_eq!(parse(&replaced(b"\n--- ", b"\n-- ")), SealError::HeaderLine);
}

#[test]
fn a_malformed_first_line_of_a_stanza_is_refused() {
    for wrong in [
        &b"->  covault-manifest"[..],
        b"-> covault-manifest ",
        b"-> covault-manifest  x",
        b"-> covault-manifest\r",
        b"-> covault-manifest\t",
        b"-> covault-\xc3\xa4",
        b"-> \x7f",
        b"-> ",
    ] {
        assert_eq!(parse(&replaced(b"-> covault-manifest", wrong)), SealError::StanzaLine, "{wrong:?}");
    }
}

#[test]
fn a_body_that_is_not_canonical_base64_is_refused() {
    let (_, parts) = parts();
    let with = |body: &str| {
        let own = [format!("-> covault-manifest\n{body}").into_bytes(), stanza("covault-signature", b"x")].concat();
        parse(&parts.join_with(&own))
    };
    let full = "A".repeat(64);
    for (body, why) in [
        ("AAAA=\n", "padding"),
        ("AA==\n", "padding"),
        ("AB\n", "trailing bits of two characters"),
        ("AAB\n", "trailing bits of three characters"),
        ("A\n", "one character left over"),
        ("AA A\n", "space"),
        ("AAAA\r\n", "carriage return"),
        ("AA-_\n", "the other alphabet"),
        (&format!("{full}A\n"), "a long line"),
        (&format!("{full}AAAA\n"), "a long line"),
    ] {
        assert_eq!(with(body), SealError::StanzaBody, "{why}");
    }
    assert_eq!(with("AAAA\nAAAA\n"), SealError::HeaderLine, "two short lines");
    assert_eq!(with("AAAA\n\n"), SealError::HeaderLine, "an empty line after a short one");
    // Forty-eight bytes fill a line, and then an empty one ends the body.
    assert_eq!(with(&format!("{full}\n")), SealError::StanzaBody, "no short line at the end");
    assert!(matches!(with(&format!("{full}\n\n")), SealError::Manifest(_)));
    assert!(matches!(with("\n"), SealError::Manifest(_)));
}

#[test]
fn a_malformed_end_of_the_header_is_refused() {
    let (_, parts) = parts();
    let file = parts.join();
    let at = find(&file, b"\n--- ") + 1;
    let with = |line: &[u8]| parse(&[&file[..at], line, &file[at + 48..]].concat());
    let mac = std::str::from_utf8(&file[at + 4..at + 47]).unwrap().to_owned();
    for line in [
        format!("---{mac}\n"),
        format!("---  {mac}\n"),
        format!("--- {mac}=\n"),
        format!("--- {mac} \n"),
        format!("--- {mac}\r\n"),
        format!("--- {}\n", &mac[1..]),
        format!("--- {}B\n", &mac[..42]),
        format!("--- {}*\n", &mac[..42]),
    ] {
        assert_eq!(with(line.as_bytes()), SealError::MacLine, "{line}");
    }
    assert_eq!(parse(&[MAGIC, &file[at..]].concat()), SealError::NoStanza);
}

#[test]
fn stanzas_of_other_types_are_refused_by_name() {
    let (_, parts) = parts();
    let own = [stanza("covault-manifest", &parts.manifest), stanza("covault-signature", &parts.signature)].concat();
    let with = |line: &str| {
        let text = parse(&parts.join_with(&[stanza(line, &[1; 32]), own.clone()].concat()));
        let behind = parse(&parts.join_with(&[own.clone(), stanza(line, &[1; 32])].concat()));
        assert_eq!(text, behind, "{line}");
        text
    };
    assert_eq!(with("scrypt AAAAAAAAAAAAAAAAAAAAAA 18"), SealError::Scrypt);
    assert_eq!(with("ssh-rsa AAAAAA"), SealError::SshRsa);
    assert_eq!(with("x*d-grease a b"), SealError::Grease);
    assert_eq!(with("piv-p256 AAAA AAAA"), SealError::UnknownStanza { kind: "piv-p256".to_owned() });
    assert_eq!(with("x25519 AAAA"), SealError::UnknownStanza { kind: "x25519".to_owned() });
    assert_eq!(with(&"q".repeat(99)), SealError::UnknownStanza { kind: "q".repeat(32) });
}

#[test]
fn a_malformed_readers_stanza_is_refused() {
    let (_, parts) = parts();
    let own = [stanza("covault-manifest", &parts.manifest), stanza("covault-signature", &parts.signature)].concat();
    let with =
        |line: &str, length: usize| parse(&parts.join_with(&[stanza(line, &vec![9; length]), own.clone()].concat()));
    let share = "A".repeat(43);
    for (line, length) in [
        ("X25519".to_owned(), 32),
        (format!("X25519 {share}"), 31),
        (format!("X25519 {share}"), 33),
        (format!("X25519 {share}"), 0),
        (format!("X25519 {share} {share}"), 32),
        (format!("X25519 {}", &share[1..]), 32),
        (format!("X25519 {share}A"), 32),
        (format!("X25519 {}B", &share[1..]), 32),
        (format!("X25519 {share}="), 32),
    ] {
        assert_eq!(with(&line, length), SealError::ReaderStanza { kind: "X25519" }, "{line} {length}");
    }
    for (line, length) in [
        (format!("ssh-ed25519 {share}"), 32),
        (format!("ssh-ed25519 AAAAAA {share}"), 31),
        (format!("ssh-ed25519 AAAAA {share}"), 32),
        (format!("ssh-ed25519 AAAAAB {share}"), 32),
        (format!("ssh-ed25519 AAAAAAAA {share}"), 32),
        (format!("ssh-ed25519 AAAAAA {share} x"), 32),
    ] {
        assert_eq!(with(&line, length), SealError::ReaderStanza { kind: "ssh-ed25519" }, "{line} {length}");
    }
}

#[test]
fn our_two_stanzas_stand_last_once_and_without_arguments() {
    let (_, parts) = parts();
    let manifest = stanza("covault-manifest", &parts.manifest);
    let signature = stanza("covault-signature", &parts.signature);
    let reader = parts.readers[0].clone();
    let with = |own: &[&[u8]]| parse(&parts.join_with(&own.concat()));
    assert_eq!(with(&[]), SealError::NoManifest);
    assert_eq!(with(&[&manifest]), SealError::NoSignature);
    assert_eq!(with(&[&signature]), SealError::StanzaOrder);
    assert_eq!(with(&[&signature, &manifest]), SealError::StanzaOrder);
    assert_eq!(with(&[&manifest, &manifest, &signature]), SealError::StanzaOrder);
    assert_eq!(with(&[&manifest, &signature, &signature]), SealError::StanzaOrder);
    assert_eq!(with(&[&manifest, &signature, &manifest]), SealError::StanzaOrder);
    assert_eq!(with(&[&manifest, &signature, &reader]), SealError::StanzaOrder);
    assert_eq!(with(&[&manifest, &reader, &signature]), SealError::StanzaOrder);
    let kind = "covault-manifest";
    assert_eq!(with(&[&stanza("covault-manifest 2", &parts.manifest), &signature]), SealError::Arguments { kind });
    let kind = "covault-signature";
    assert_eq!(with(&[&manifest, &stanza("covault-signature x", &parts.signature)]), SealError::Arguments { kind });
    let nobody = Parts { readers: Vec::new(), ..parts };
    assert_eq!(parse(&nobody.join()), SealError::NoReaders);
}

#[test]
fn a_manifest_that_the_encoder_would_not_have_written_is_refused() {
    let (team, mut parts) = parts();
    let text = String::from_utf8(parts.manifest.clone()).unwrap();
    let mut with = |manifest: Vec<u8>| {
        parts.sign_bytes(manifest, &team[0].signing);
        parse(&parts.join())
    };
    assert_eq!(with(b"\xff\xfe".to_vec()), SealError::ManifestNotText);
    assert!(matches!(
        with(text.replacen("format = 1", "format = 2", 1).into()),
        SealError::Manifest(CanonError::Value { .. })
    ));
    assert!(matches!(with(text.replacen(" = ", "=", 1).into()), SealError::Manifest(_)));
    assert!(matches!(with(format!("{text}\n").into()), SealError::Manifest(CanonError::Trailing { .. })));
    assert!(matches!(with(text.trim_end().into()), SealError::Manifest(_)));
}

#[test]
fn stanzas_and_payload_are_those_of_the_manifest() {
    let (_, mut parts) = parts();
    let good = parts.readers.clone();
    parts.readers.swap(0, 1);
    assert_eq!(parse(&parts.join()), SealError::StanzasHash);
    parts.readers = vec![good[0].clone()];
    assert_eq!(parse(&parts.join()), SealError::StanzasHash);
    parts.readers = good;
    parts.payload.push(0);
    assert_eq!(parse(&parts.join()), SealError::PayloadHash);
}

#[test]
fn a_manifest_that_was_cut_off_and_put_on_another_file_does_not_open() {
    let (team, mut parts) = parts();
    let mut manifest = Manifest::decode(std::str::from_utf8(&parts.manifest).unwrap()).unwrap();
    manifest.document = Hash::of(b"another document");
    parts.sign(&manifest, &team[0].signing);
    let error = refusal(open_fully(&parts.join(), &team[0].keys(), &[0]));
    assert_eq!(error, SealError::DocumentHash);
}

#[test]
fn a_header_that_was_signed_but_not_by_somebody_with_the_key_does_not_open() {
    let (team, mut parts) = parts();
    parts.key = None;
    assert_eq!(refusal(open_fully(&parts.join(), &team[0].keys(), &[0])), SealError::HeaderMac);
}

#[test]
fn a_payload_under_another_key_does_not_open() {
    let (team, mut parts) = parts();
    let other = Parts::of(&seal_for(&team, b"document"));
    let mut manifest = Manifest::decode(std::str::from_utf8(&parts.manifest).unwrap()).unwrap();
    manifest.payload = Hash::of(&other.payload);
    parts.payload = other.payload;
    parts.sign(&manifest, &team[0].signing);
    assert_eq!(refusal(open_fully(&parts.join(), &team[0].keys(), &[0])), SealError::Payload);
}

#[test]
fn a_share_of_small_order_is_refused() {
    let (team, mut parts) = parts();
    parts.readers[0] = stanza(&format!("X25519 {}", "A".repeat(43)), &[7; 32]);
    let mut manifest = Manifest::decode(std::str::from_utf8(&parts.manifest).unwrap()).unwrap();
    manifest.stanzas = Hash::of(&parts.readers_part());
    parts.sign(&manifest, &team[0].signing);
    assert_eq!(refusal(open_fully(&parts.join(), &team[0].keys(), &[0])), SealError::LowOrderShare);
}

#[test]
fn a_signature_over_another_manifest_or_for_another_purpose_is_refused() {
    let (team, mut parts) = parts();
    let verify = |parts: &Parts| refusal(SealedFile::parse(parts.join()).unwrap().verify_signature());
    let text = String::from_utf8(parts.manifest.clone()).unwrap();
    parts.manifest = text.replacen("prod/db", "prod/xx", 1).into_bytes();
    assert_eq!(verify(&parts), SealError::BadSignature);
    parts.manifest = text.clone().into_bytes();
    parts.signature = sshsig::sign(&team[0].signing, Namespace::Roster, text.as_bytes()).unwrap();
    assert_eq!(verify(&parts), SealError::SshsigNamespace { expected: "covault-secret" });
    parts.signature.clear();
    assert_eq!(verify(&parts), SealError::NotSshsig);
}

#[test]
fn stanzas_that_are_not_those_of_the_readers_devices_are_refused() {
    let team = vec![
        Member::with_devices("alice", 2),
        Member::new("bob", vec![ssh_identity()]),
        Member::with_devices("carol", 1),
    ];
    let file = SealedFile::parse(seal_for(&team, b"x").bytes).unwrap();
    file.check_devices(&devices(&team)).unwrap();
    let all = devices(&team);
    let outline = SealedFile::parse(file.bytes().to_vec()).unwrap().into_outline(file.verify_signature());
    outline.check_devices(&all).unwrap();
    assert_eq!(refusal(outline.check_devices(&all[..2])), SealError::ReaderCount { readers: 3, given: 2 });
    assert_eq!(refusal(file.check_devices(&all[..2])), SealError::ReaderCount { readers: 3, given: 2 });
    let fewer: [&[Device]; 3] = [&all[0][..1], all[1], all[2]];
    assert_eq!(refusal(file.check_devices(&fewer)), SealError::DeviceCount { stanzas: 4, devices: 3 });
    let swapped: [&[Device]; 3] = [all[0], all[2], all[1]];
    assert_eq!(refusal(file.check_devices(&swapped)), SealError::DeviceMismatch { index: 2 });
    let other = Member::new("bob", vec![ssh_identity()]);
    let other_key: [&[Device]; 3] = [all[0], &other.devices, all[2]];
    assert_eq!(refusal(file.check_devices(&other_key)), SealError::DeviceMismatch { index: 2 });
}

fn ssh_identity() -> covault::seal::Identity {
    let key = covault::seal::SigningKey::generate().unwrap().to_openssh("bob@host").unwrap();
    covault::seal::Identity::from_openssh(&key, || None).unwrap()
}

#[test]
fn sealing_refuses_what_reading_would() {
    let team = team(2);
    let text = Plaintext::from_text("document");
    let try_seal =
        |draft, text: &Plaintext, devices: &[&[Device]]| refusal(seal(draft, text, devices, &team[0].signing));
    let all = devices(&team);
    assert_eq!(try_seal(draft(&team), &text, &all[..1]), SealError::ReaderCount { readers: 2, given: 1 });
    assert_eq!(try_seal(draft(&team), &text, &[all[0], &[]]), SealError::NoDevice { name: "m001".to_owned() });
    let nobody = Manifest { readers: Vec::new(), ..draft(&team) };
    assert_eq!(try_seal(nobody, &text, &[]), SealError::NoReaders);
    let mut unsorted = draft(&team);
    unsorted.readers.reverse();
    assert!(matches!(try_seal(unsorted, &text, &all), SealError::Manifest(CanonError::Value { .. })));
    let moved = Manifest { state: State::Moved(SecretPath::parse("prod/db").unwrap()), ..draft(&team) };
    assert!(matches!(try_seal(moved, &text, &all), SealError::Manifest(_)));
    let large = Plaintext::new(vec![b'x'; MAX_PAYLOAD]);
    assert!(matches!(try_seal(draft(&team), &large, &all), SealError::PayloadTooLarge { .. }));
    let values = (0..4_000_u64).map(|n| Short(n.to_be_bytes())).collect();
    let long = Manifest { values, ..draft(&team) };
    assert_eq!(try_seal(long, &text, &all), SealError::HeaderTooLarge { limit: 65_536 });
    let mut strange = team[1].devices.clone();
    strange[0].recipient = Recipient::X25519("age1notakey".to_owned());
    let refused = try_seal(draft(&team), &text, &[all[0], &strange]);
    assert_eq!(refused, SealError::Recipient { text: "age1notakey".to_owned() });
}

#[test]
fn the_largest_document_is_sealed_and_opened() {
    let team = team(2);
    let text = vec![b'x'; MAX_DOCUMENT];
    let sealed = seal_for(&team, &text);
    assert_eq!(open_fully(&sealed.bytes, &team[1].keys(), &[1]).unwrap().plaintext.expose(), text);
}

#[test]
fn git_sees_a_nul_early_in_every_file() {
    for count in [1, 5, 22] {
        let team = team(count);
        for _ in 0..100 {
            let sealed = seal_for(&team, &[b'x'; 1024]);
            assert!(sealed.bytes.iter().take(8_000).any(|b| *b == 0));
        }
    }
}

#[test]
fn a_header_that_was_cut_off_is_told_from_one_that_is_none() {
    let bytes = parts().1.join();
    let end = find(&bytes, b"\n--- ") + 1 + 48;
    for length in 0..end {
        assert_eq!(parse(&bytes[..length]), SealError::HeaderCutOff, "{length} bytes");
        let stanza_begins = bytes[..length].ends_with(b"\n")
            && ["-> ", "---"].iter().any(|it| bytes[length..].starts_with(it.as_bytes()));
        if stanza_begins {
            for noise in ["x", "-x", "- ", "x\n"] {
                let other = [&bytes[..length], noise.as_bytes()].concat();
                assert_eq!(parse(&other), SealError::HeaderLine, "{length} bytes and {noise:?}");
            }
        }
    }
}

#[test]
fn a_header_may_have_exactly_its_limit() {
    let team = team(103);
    let parts = Parts::of(&seal_for(&team, b"document"));
    let limit = header_limit(103);
    let mut exact = 0;
    for more in 0..3 {
        let before = parts.join_with(&stanza("covault-signature", &vec![0; 100 + more])).len() - parts.payload.len();
        for body in (limit - before) / 65 * 48 - 60..(limit - before) / 65 * 48 + 30 {
            let own =
                [stanza("covault-manifest", &vec![b'x'; body]), stanza("covault-signature", &vec![0; 100 + more])];
            let file = parts.join_with(&own.concat());
            let header = file.len() - parts.payload.len();
            exact += usize::from(header == limit);
            let error = parse(&file);
            assert_eq!(error == SealError::HeaderTooLarge { limit }, header > limit, "{header} bytes: {error}");
        }
    }
    assert!(exact > 0, "the limit itself was met");
}
