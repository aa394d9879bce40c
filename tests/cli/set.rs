//! `set`: where values come from, what is refused, and what is remembered.

use super::{all_of, head, json, same};
use crate::world::World;

#[test]
fn one_final_newline_of_a_one_line_value_is_dropped_and_no_other() {
    let world = World::new();
    let alice = world.founder("alice");
    for (given, kept) in [
        ("a", "a"),
        ("a\n", "a"),
        ("a\r\n", "a"),
        ("a\n\n", "a\n\n"),
        ("a\nb\n", "a\nb\n"),
        ("a\nb", "a\nb"),
        ("\n", ""),
        ("  a ", "  a "),
    ] {
        alice.covault_fed(given.as_bytes(), ["set", "x", "--stdin", "value"]).ok();
        assert_eq!(alice.get("x"), kept, "{given:?}");
    }
    alice.set("z", "a\n");
    assert_eq!(alice.get("z"), "a");
    let empty = alice.covault_fed(b"", ["set", "y", "--stdin", "value"]).ok();
    assert!(empty.err.contains("warning: the value from stdin is empty"), "{}", empty.err);
    assert_eq!(alice.get("y"), "");
}

#[test]
fn plain_fields_are_shown_and_secret_ones_are_not() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.covault_fed(b"s3cret", ["set", "prod/db", "user=app", "url=a=b=c", "empty=", "--stdin", "password"]).ok();
    let shown = alice.covault(["show", "prod/db"]).ok().text();
    assert!(shown.contains("user: app") && shown.contains("url: a=b=c") && shown.contains("empty: \n"), "{shown}");
    assert!(shown.contains("password: ********") && !shown.contains("s3cret"), "{shown}");
    assert_eq!(alice.get("prod/db/user"), "app");
    assert_eq!(alice.get("prod/db/password"), "s3cret");
    // A field that was secret can become plain where somebody says so twice.
    alice.covault(["set", "prod/db", "password=open"]).exits(2);
    alice.covault(["set", "prod/db", "--unset", "password"]).ok();
    alice.covault(["set", "prod/db", "password=open"]).ok();
    assert!(alice.covault(["show", "prod/db"]).ok().text().contains("password: open"));
    let wrong = alice.covault(["set", "prod/db", "nothing"]).exits(2);
    assert!(wrong.err.starts_with("error: this is not FIELD=TEXT\nhint: "), "{}", wrong.err);
}

#[test]
fn a_binary_file_comes_back_byte_for_byte() {
    let world = World::new();
    let alice = world.founder("alice");
    let bytes: Vec<u8> = (0..=255u8).cycle().take(70_000).collect();
    std::fs::write(alice.repo.join("key bin"), &bytes).unwrap();
    alice.covault(["set", "tls/key", "--file", "value=key bin"]).ok();
    assert_eq!(alice.covault(["get", "tls/key"]).ok().out, bytes);
    let said = json(&alice.covault(["get", "tls/key", "--json"]).ok());
    assert!(said["value"].is_null() && said["base64"].is_string());
    for text in ["\u{feff}bom", "tab\there\r\nand\rthere\u{7f}", "\u{0}nul", "Hei på deg 🌊\n\n"] {
        std::fs::write(alice.repo.join("key bin"), text).unwrap();
        alice.covault(["set", "tls/key", "--file", "value=key bin"]).ok();
        assert_eq!(alice.get("tls/key"), text);
    }
    // The path counts from where -C says.
    std::fs::create_dir(alice.repo.join("sub")).unwrap();
    std::fs::write(alice.repo.join("sub/k"), "from sub").unwrap();
    alice.covault(["-C", "sub", "set", "tls/key", "--file", "value=k"]).ok();
    assert_eq!(alice.get("tls/key"), "from sub");
    let missing = alice.covault(["set", "tls/key", "--file", "value=nowhere"]).exits(3);
    assert!(missing.err.contains("cannot read") && missing.err.contains("nowhere"), "{}", missing.err);
}

#[test]
fn generated_values_follow_the_recipe_and_the_recipe_is_remembered() {
    let world = World::new();
    let alice = world.founder("alice");
    for (given, kept) in [
        ("value", "alnum:32"),
        ("value:24", "alnum:24"),
        ("value:words:6", "words:6"),
        ("value:hex:64", "hex:64"),
        ("value:base64:32", "base64:32"),
        ("value:ascii:40", "ascii:40"),
        ("value:digits:6", "digits:6"),
        ("value:uuid", "uuid"),
    ] {
        alice.covault(["set", "g", "--generate", given]).ok();
        let value = alice.get("g");
        let shown = json(&alice.covault(["show", "g", "--json"]).ok());
        assert_eq!(shown["meta"]["generate-value"], kept, "{given} gave {value}");
        match kept {
            "hex:64" => assert!(value.len() == 64 && value.chars().all(|c| c.is_ascii_hexdigit())),
            "digits:6" => assert!(value.len() == 6 && value.chars().all(|c| c.is_ascii_digit())),
            "uuid" => assert_eq!(value.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]),
            "alnum:32" => assert!(value.len() == 32 && value.chars().all(|c| c.is_ascii_alphanumeric())),
            "words:6" => assert_eq!(value.split(['-', ' ']).count(), 6, "{value}"),
            _ => {}
        }
    }
    for wrong in ["value:nonsense", "value:hex:0", "value:words:100000", "a.b"] {
        let said = alice.covault(["set", "g", "--generate", wrong]).exits(2);
        assert!(said.err.starts_with("error: ") && !said.err.contains("panicked"), "{}", said.err);
    }
}

#[test]
fn codes_are_those_of_the_rfc() {
    let world = World::new();
    let alice = world.founder("alice");
    // RFC 6238, appendix B: the secret is the ASCII text 12345678901234567890.
    let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    for (given, digits, digest) in [
        (secret.to_owned(), 6, "sha1"),
        (format!("otpauth://totp/x?secret={secret}&digits=8&algorithm=SHA256"), 8, "sha256"),
    ] {
        alice.covault_fed(given.as_bytes(), ["set", "mail", "--totp", "otp"]).ok();
        let judge = format!(
            "import hmac,struct,time\nfor t in (-1,0,1):\n h=hmac.new(b'12345678901234567890',struct.pack('>Q',int(time.time())//30+t),'{digest}').digest()\n o=h[-1]&15\n print(str((struct.unpack('>I',h[o:o+4])[0]&0x7fffffff)%10**{digits}).zfill({digits}))"
        );
        let code = alice.get("mail/otp");
        let near = alice.fed("python3", judge.as_bytes(), ["-"]).ok().text();
        assert!(code.len() == digits && near.lines().any(|line| line == code), "{code} is none of {near}");
        let said = json(&alice.covault(["get", "mail/otp", "--json"]).ok());
        assert!((1..=30).contains(&said["valid_for"].as_u64().unwrap()));
        let raw = alice.covault(["get", "mail/otp", "--raw"]).ok().text();
        assert!(raw.starts_with("otpauth://totp/") && raw.contains(secret), "{raw}");
        assert!(!alice.covault(["show", "mail"]).ok().text().contains(secret));
    }
    let wrong = alice.covault_fed(b"not base32 at all 1890!", ["set", "mail", "--totp", "otp"]).exits(2);
    assert!(wrong.err.contains("base32") && !wrong.err.contains("1890"), "{}", wrong.err);
}

#[test]
fn tags_and_metadata_are_kept_and_taken_away() {
    let world = World::new();
    let alice = world.founder("alice");
    let args = [
        "set",
        "prod/db",
        "--tag",
        "web",
        "--tag",
        "eu",
        "--kind",
        "login",
        "--description",
        "main database",
        "--url",
        "https://db.example",
        "--env",
        "DATABASE_URL",
        "--expires",
        "2031-01-31",
        "--rotate-every",
        "90d",
        "--meta",
        "owner=ops",
        "--stdin",
        "value",
    ];
    alice.covault_fed(b"v", args).ok();
    let said = json(&alice.covault(["show", "prod/db", "--json"]).ok());
    assert_eq!(said["tags"], serde_json::json!(["eu", "web"]));
    for (name, value) in [
        ("kind", "login"),
        ("description", "main database"),
        ("url", "https://db.example"),
        ("env", "DATABASE_URL"),
        ("expires", "2031-01-31T00:00:00Z"),
        ("rotate-every", "90d"),
        ("owner", "ops"),
    ] {
        assert_eq!(said["meta"][name], value, "{name}: {said}");
    }
    let args = [
        "set",
        "prod/db",
        "--untag",
        "web",
        "--description",
        "",
        "--expires",
        "never",
        "--rotate-every",
        "never",
        "--meta",
        "owner=",
        "--unset",
        "value",
    ];
    alice.covault(args).ok();
    let said = json(&alice.covault(["show", "prod/db", "--json"]).ok());
    assert_eq!(said["tags"], serde_json::json!(["eu"]));
    for name in ["description", "expires", "rotate-every", "owner"] {
        assert!(said["meta"][name].is_null(), "{name}: {said}");
    }
    assert_eq!(said["fields"], serde_json::json!({}));
    for wrong in [
        ["--expires", "tomorrow-ish"],
        ["--rotate-every", "sometimes"],
        ["--env", "PATH"],
        ["--env", "a b"],
        ["--tag", "two words"],
        ["--meta", "novalue"],
        ["--meta", "env=LD_PRELOAD"],
        ["--meta", "expires=whenever"],
        ["--meta", "rotate-every=often"],
        ["--unset", "no field"],
    ] {
        let before = head(&alice);
        let said = alice.covault_fed(b"v", ["set", "prod/db", wrong[0], wrong[1]]).exits(2);
        assert!(said.err.starts_with("error: "), "{wrong:?}: {}", said.err);
        assert_eq!(head(&alice), before);
    }
}

#[test]
fn an_unchanged_value_makes_no_commit() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "same");
    let before = (head(&alice), std::fs::read(alice.file("a")).unwrap());
    let said = alice.covault_fed(b"same", ["set", "a"]).ok();
    assert!(said.err.contains("nothing to change"), "{}", said.err);
    assert_eq!((head(&alice), std::fs::read(alice.file("a")).unwrap()), before);
    let said = json(&alice.covault_fed(b"same", ["set", "a", "--json"]).ok());
    assert!(said["unchanged"] == true && said["commit"].is_null());
    // Taking away what is not there changes nothing, and makes nothing.
    alice.covault(["set", "a", "--unset", "other"]).ok();
    assert_eq!(head(&alice), before.0);
    let said = alice.covault(["set", "b", "--unset", "other"]).exits(3);
    assert!(said.err.contains("there is no secret 'b'"), "{}", said.err);
    assert!(!alice.file("b").exists());
}

#[test]
fn new_refuses_what_lives_and_takes_what_was_deleted() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.covault_fed(b"1", ["set", "a", "--new"]).ok();
    let said = alice.covault_fed(b"2", ["set", "a", "--new"]).exits(2);
    assert!(said.err.contains("there is a secret 'a' already\nhint: "), "{}", said.err);
    assert_eq!(alice.get("a"), "1");
    alice.covault(["rm", "a"]).ok();
    let said = alice.covault_fed(b"3", ["set", "a", "--new"]).ok();
    assert!(said.err.contains("added a"), "{}", said.err);
    assert_eq!(alice.get("a"), "3");
    // The old value does not come back with it.
    assert_eq!(json(&alice.covault(["show", "a", "--json"]).ok())["fields"]["value"].as_array().unwrap().len(), 1);
}

#[test]
fn the_largest_value_is_kept_and_one_byte_more_is_refused() {
    let world = World::new();
    let alice = world.founder("alice");
    for byte in [b'a', 0xff, b'"', 0x01] {
        let value = vec![byte; 1 << 20];
        alice.covault_fed(&value, ["set", "big"]).ok();
        assert_eq!(alice.covault(["get", "big"]).ok().out, value);
        let before = all_of(&alice);
        let more = vec![byte; (1 << 20) + 1];
        let said = alice.covault_fed(&more, ["set", "big"]).exits(2);
        assert!(said.err.contains("the field 'value' of 'big' has more than 1 MiB\nhint: "), "{}", said.err);
        std::fs::write(world.path().join("more"), &more).unwrap();
        let file = format!("value={}", world.path().join("more").display());
        alice.covault(["set", "big", "--file", &file]).exits(2);
        same(&before, &all_of(&alice));
    }
}

#[test]
fn a_secret_that_is_too_large_as_a_whole_is_refused_with_what_to_do() {
    let world = World::new();
    let alice = world.founder("alice");
    let file = world.path().join("file");
    std::fs::write(&file, vec![0xfe; 1 << 20]).unwrap();
    let before = all_of(&alice);
    let field = |name: &str| format!("{name}={}", file.display());
    let said = alice.covault(["set", "big", "--file", &field("a"), "--file", &field("b")]).exits(2);
    assert!(said.err.contains("hint: keep it as several secrets"), "{}", said.err);
    same(&before, &all_of(&alice));
    // Around the limit it is one or the other, and never a damaged secret.
    for size in (261_000..263_000).step_by(250) {
        std::fs::write(&file, vec![b'a'; 1 << 20]).unwrap();
        std::fs::write(world.path().join("rest"), vec![b'a'; size]).unwrap();
        let rest = format!("c={}", world.path().join("rest").display());
        let said = alice.covault(["set", "big", "--file", &field("a"), "--file", &field("b"), "--file", &rest]);
        assert!(said.code == 0 || said.code == 2, "{size}: {} {}", said.code, said.err);
        if said.code == 0 {
            assert_eq!(alice.get("big/c").len(), size);
        }
    }
}

#[test]
fn names_that_some_machine_could_not_hold_are_refused() {
    let world = World::new();
    let alice = world.founder("alice");
    let before = all_of(&alice);
    let (long, deep) = ("a".repeat(65), "a/".repeat(8) + "a");
    for name in [
        "",
        "/a",
        "a/",
        "a//b",
        "A",
        "prod/Db",
        "a b",
        "..",
        "a/../b",
        ".git",
        "a/.b",
        "-a",
        "con",
        "a/nul",
        "a.",
        "a.age",
        "é",
        "a\u{1b}[31m",
        "a\nb",
        "a\\b",
        "a:b",
        "a@b",
        &long,
        &deep,
    ] {
        let said = alice.covault_fed(b"v", ["set", "--", name]).exits(2);
        assert!(said.err.starts_with("error: "), "{name:?}: {}", said.err);
        assert!(!said.err.contains('\u{1b}'), "{name:?}: {}", said.err);
    }
    same(&before, &all_of(&alice));
    for field in ["1a", "a b", "a.b", "", "é"] {
        alice.covault_fed(b"v", ["set", "a", "--stdin", field]).exits(2);
    }
    alice.covault_fed(b"v", ["set", "a", "x=1", "--stdin", "x"]).exits(2);
    alice.covault_fed(b"v", ["set", "a", "--totp", "x", "--stdin", "y"]).exits(2);
}

#[test]
fn a_name_is_a_folder_or_a_secret() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a/b", "1");
    let said = alice.covault_fed(b"v", ["set", "a"]).exits(2);
    assert!(said.err.contains("it is a folder"), "{}", said.err);
    let said = alice.covault_fed(b"v", ["set", "a/b/c"]).exits(2);
    assert!(said.err.contains("'a/b' is a secret"), "{}", said.err);
    // What was deleted is in nobody's way, and comes back only where nothing is in its own.
    alice.covault(["rm", "a/b"]).ok();
    alice.set("a", "2");
    let said = alice.covault_fed(b"v", ["set", "a/b"]).exits(2);
    assert!(said.err.contains("'a' is a secret"), "{}", said.err);
    alice.covault(["restore", "a/b"]).exits(2);
    alice.covault(["rm", "a"]).ok();
    alice.set("a/b", "3");
    alice.covault_fed(b"v", ["set", "a"]).exits(2);
    alice.covault(["restore", "a"]).exits(2);
    alice.set("free", "4");
    alice.covault(["mv", "free", "a"]).exits(2);
    assert_eq!(json(&alice.covault(["status", "--json"]).ok())["both"], serde_json::json!([]));
}

#[test]
fn deleted_names_live_again_and_moved_ones_say_where_to() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.covault_fed(b"old", ["set", "a", "user=x", "--stdin", "value", "--tag", "t"]).ok();
    alice.covault(["rm", "a"]).ok();
    alice.set("a", "new");
    assert_eq!(alice.get("a"), "new");
    let said = json(&alice.covault(["show", "a", "--json"]).ok());
    assert!(said["fields"].get("user").is_none() && said["tags"] == serde_json::json!([]), "{said}");
    alice.covault(["mv", "a", "b"]).ok();
    let said = alice.covault_fed(b"v", ["set", "a"]).exits(3);
    assert_eq!(
        said.err,
        "error: 'a' was moved to 'b'\nhint: use: b; for another secret at the old name: covault set a --new\n"
    );
    assert_eq!(alice.get("b"), "new");
}

#[test]
fn who_only_stages_need_not_be_known_to_git() {
    let world = World::new();
    let mut alice = world.founder("alice");
    alice.set("a", "1");
    for name in ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"] {
        alice.vars.push((name.to_owned(), String::new()));
    }
    let said = alice.covault_fed(b"2", ["set", "a"]).exits(1);
    assert!(said.err.contains("git does not know who you are"), "{}", said.err);
    alice.covault_fed(b"2", ["set", "a", "--no-commit"]).ok();
    assert_eq!(
        (alice.get("a").as_str(), alice.git(["diff", "--cached", "--name-only"]).ok().text().lines().count()),
        ("2", 1)
    );
}

#[test]
fn a_new_value_has_not_expired_because_the_old_one_has() {
    let world = World::new();
    let alice = world.founder("alice");
    let due = || alice.covault(["ls", "--due"]).ok().text();
    for name in ["default/a", "default/b"] {
        alice.set(name, "old");
        alice.covault(["set", name, "--expires", "2020-01-01"]).ok();
    }
    assert!(due().contains("default/a") && due().contains("default/b"), "{}", due());
    let note = "expired 2020-01-01T00:00:00Z; give the new value an expiry with: covault set ";
    // What is no new value of a secret changes nothing of it.
    let said = alice.covault(["set", "default/a", "user=x"]).ok();
    assert!(!said.err.contains(note) && due().contains("default/a"), "{}", said.err);
    let said = alice.covault_fed(b"new", ["set", "default/a", "--stdin", "value"]).ok();
    assert!(said.err.contains(&format!("default/a {note}")), "{}", said.err);
    let said = alice.covault_fed(b"B=new\n", ["import", "-", "--format", "dotenv"]).ok();
    assert!(said.err.contains(&format!("default/b {note}")), "{}", said.err);
    assert!(!due().contains("default/"), "{}", due());
    // Who says when it expires is taken at their word.
    alice.covault_fed(b"newer", ["set", "default/a", "--stdin", "value", "--expires", "2020-01-02"]).ok();
    assert!(due().contains("default/a"), "{}", due());
}

#[test]
fn a_new_value_ends_no_expiry_of_another_one() {
    let world = World::new();
    let alice = world.founder("alice");
    let due = || alice.covault(["ls", "--due"]).ok().text();
    alice.covault_fed(b"old", ["set", "prod/db", "--stdin", "password", "--expires", "2020-01-01"]).ok();
    let said = alice.covault(["set", "prod/db", "--generate", "token"]).ok();
    assert!(said.err.contains("is due until there are new values of password, too"), "{}", said.err);
    assert!(due().contains("prod/db"), "{}", due());
    // Of what is due a run that can ask nobody changes what it can generate.
    let _ = alice.covault(["rotate", "--due", "--yes"]);
    assert!(due().contains("prod/db"), "{}", due());
    // It counts what was written after the expiry was, by the second.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    alice.covault(["set", "prod/db", "--generate", "token"]).ok();
    assert!(due().contains("prod/db"), "{}", due());
    alice.covault_fed(b"new", ["set", "prod/db", "--stdin", "password"]).ok();
    assert!(!due().contains("prod/db"), "{}", due());
}
