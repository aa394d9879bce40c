//! Hostile content: names, links, odd modes, attributes, huge and deep input, confusable and colliding names.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::rig::{ALL, Case, ROSTER, all, fetched, file, harmless, on_disk, pushed};

/// Files below `secrets/` that are no secret's: nothing is read from them, and everything else works.
#[track_caller]
fn strangers(names: &[&str]) {
    let attacked = pushed(|case| {
        let bytes = case.read(&file("dev/db"));
        names.iter().for_each(|name| case.write(&format!(".covault/secrets/{name}"), &bytes));
    });
    let listed = attacked.case.alice.covault(["ls", "--flat"]).ok();
    harmless(&["ls"], &listed);
    assert_eq!(listed.text().lines().collect::<Vec<_>>(), ALL);
    let status = attacked.case.alice.covault(["status"]).ok();
    harmless(&["status"], &status);
    attacked.comes_to_nothing();
}

#[test]
fn names_with_capital_letters() {
    strangers(&["dev/DB.age", "DEV.age", "Dev2/db.age", "dev/db.AGE"]);
}

#[test]
fn names_that_look_like_others() {
    // Cyrillic and Greek letters, a combining accent, full-width letters.
    strangers(&["dev/аpi.age", "dev/d\u{3b2}.age", "dev/a\u{301}pi.age", "ｄev/db.age"]);
}

#[test]
fn names_with_invisible_letters_and_directions() {
    strangers(&["dev/db\u{200b}.age", "dev/\u{202e}bd.age", "dev/\u{feff}db.age", "dev/db\u{00ad}.age"]);
}

#[test]
fn names_that_write_to_the_terminal() {
    strangers(&["dev/\u{1b}[2Jx.age", "dev/\u{7}bell.age", "dev/a\rb.age", "\u{1b}]0;title\u{7}.age"]);
}

#[test]
fn names_with_line_ends_and_blanks() {
    strangers(&["dev/a\nprod.age", "dev/ db.age", "dev/db .age", "dev/\tdb.age"]);
}

#[test]
fn names_that_mean_something_to_a_shell() {
    strangers(&["dev/$(touch pwned).age", "dev/-rf.age", "dev/`id`.age", "dev/a;b.age", "dev/*.age"]);
}

#[test]
fn names_of_devices_and_with_final_dots() {
    strangers(&["dev/con.age", "dev/nul.x.age", "dev/db..age", "dev/lpt1.age", "aux/db.age"]);
}

#[test]
fn names_that_begin_like_files_being_written() {
    strangers(&[".covault-tmp-1.age", "dev/.covault-tmp-db.age", "dev/.db.age", "dev/_db.age"]);
}

#[test]
fn names_of_bytes_that_are_no_text() {
    use std::os::unix::ffi::OsStrExt as _;
    let attacked = pushed(|case| {
        let name = std::ffi::OsStr::from_bytes(b"db\xff\xfe.age");
        std::fs::write(case.path(".covault/secrets/dev").join(name), b"x").unwrap();
    });
    harmless(&["status"], &attacked.case.alice.covault(["status"]).ok());
    attacked.ends(&["ls", "--flat"], 0, "dev/db\n").comes_to_nothing();
}

#[test]
fn a_name_as_long_as_the_file_system_takes() {
    strangers(&[&format!("{}.age", "a".repeat(200)), &format!("{}/db.age", "b".repeat(100))]);
}

#[test]
fn folders_deeper_than_any_name() {
    strangers(&[&format!("{}db.age", "a/".repeat(60))]);
}

#[test]
fn a_thousand_files_that_are_no_secrets() {
    let attacked = pushed(|case| {
        (0..1000).for_each(|n| case.write(&format!(".covault/secrets/junk/{n}.txt"), "x"));
    });
    attacked.ends(&["ls", "--flat"], 0, "dev/db\n").comes_to_nothing();
}

#[test]
fn a_folder_with_the_name_of_a_secrets_file() {
    pushed(|case| {
        case.remove(&file("dev/db"));
        case.write(".covault/secrets/dev/db.age/x", "x");
    })
    .spoils(&["dev/db"])
    .refuses(&["get", "dev/db"], "dev/db.age")
    .refuses(&["set", "dev/db"], "dev/db.age");
}

#[test]
fn a_secret_below_a_secret() {
    // Both are there; neither takes the other's place.
    pushed(|case| case.write(".covault/secrets/dev/db/x.age", case.read(&file("dev/api"))))
        .refuses(&["get", "dev/db/x"], "sealed for another name")
        .reads("dev/db", "the third value of dev db");
}

// --- links and modes

#[track_caller]
fn linked(place: &str, target: &str, spoiled: &[&'static str], because: &str) {
    let attacked = pushed(|case| {
        case.remove(place);
        symlink(target, case.path(place)).unwrap();
    });
    attacked.spoils(spoiled).refuses(&["get", "dev/db"], because).refuses(&["set", "dev/db"], because);
}

#[test]
fn a_secret_that_is_a_link_to_another() {
    linked(&file("dev/db"), "../prod/db.age", &["dev/db"], "dev/db.age` is a symbolic link, which is never followed");
}

#[test]
fn a_secret_that_is_a_link_out_of_the_repository() {
    linked(&file("dev/db"), "/etc/passwd", &["dev/db"], "dev/db.age` is a symbolic link");
}

#[test]
fn a_secret_that_is_a_link_to_nowhere() {
    linked(&file("dev/db"), "nowhere", &["dev/db"], "dev/db.age` is a symbolic link");
}

#[test]
fn a_roster_that_is_a_link() {
    linked(ROSTER, "/etc/passwd", &ALL, "roster.toml` is a symbolic link");
}

#[test]
fn a_folder_that_is_a_link() {
    let attacked = pushed(|case| {
        std::fs::remove_dir_all(case.path(".covault/secrets/dev")).unwrap();
        symlink("prod", case.path(".covault/secrets/dev")).unwrap();
    });
    attacked
        .spoils(&["dev/api", "dev/db"])
        .refuses(&["get", "dev/db"], "secrets/dev` is a symbolic link")
        .refuses(&["set", "dev/new"], "secrets/dev` is a symbolic link");
}

#[test]
fn a_link_above_a_name_that_is_written_next() {
    let outside = tempfile::tempdir().unwrap();
    let attacked = pushed(|case| symlink(outside.path(), case.path(".covault/secrets/new")).unwrap());
    let attacked = attacked.refuses(&["set", "new/db"], "secrets/new` is a symbolic link");
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    attacked.comes_to_nothing();
}

#[test]
fn a_vault_that_is_a_link() {
    let attacked = pushed(|case| {
        std::fs::rename(case.path(".covault"), case.path("elsewhere")).unwrap();
        symlink("elsewhere", case.path(".covault")).unwrap();
    });
    let said = attacked.case.alice.covault(["get", "dev/db"]);
    assert!(said.code != 0 && said.out.is_empty() && said.err.contains("hint: "), "{}: {}", said.code, said.err);
    let before = all(&attacked.case.alice.repo);
    let said = attacked.case.alice.covault_fed(b"x", ["set", "dev/db"]);
    assert!(said.code != 0, "{}", said.err);
    crate::cli::same(&before, &all(&attacked.case.alice.repo));
}

#[test]
fn an_env_file_that_is_a_link() {
    pushed(|case| {
        std::fs::create_dir_all(case.path(".covault/env")).unwrap();
        symlink("/etc/passwd", case.path(".covault/env/default.env")).unwrap();
    })
    .refuses(&["run", "--", "true"], "default.env` is a symbolic link")
    .comes_to_nothing();
}

#[test]
fn a_secret_that_is_a_pipe() {
    let attacked = on_disk(|case| {
        case.remove(&file("dev/db"));
        assert!(case.at.command("mkfifo").arg(file("dev/db")).status().unwrap().success());
    });
    attacked.spoils(&["dev/db"]).refuses_unphotographed(&["get", "dev/db"], "dev/db.age");
}

#[test]
fn a_secret_that_can_be_run() {
    // Nothing of it is run; the second verifier names it.
    pushed(|case| {
        std::fs::set_permissions(case.path(&file("dev/db")), std::fs::Permissions::from_mode(0o755)).unwrap();
    })
    .reads("dev/db", "the third value of dev db")
    .comes_to_nothing();
}

#[test]
fn a_submodule_in_the_place_of_a_secret() {
    pushed(|case| {
        case.remove(&file("dev/db"));
        let head = case.git(&["rev-parse", "HEAD"]);
        case.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{head},{}", file("dev/db"))]);
        case.git(&["commit", "-qm", "a submodule"]);
        std::fs::create_dir_all(case.path(&file("dev/db"))).unwrap();
    })
    .spoils(&["dev/db"])
    .refuses(&["get", "dev/db"], "dev/db.age");
}

// --- attributes and git's own files

#[test]
fn attributes_that_change_bytes() {
    pushed(|case| {
        case.write(
            ".covault/secrets/.gitattributes",
            "* text eol=crlf ident filter=evil working-tree-encoding=UTF-16\n",
        );
        case.write(".gitattributes", "** text eol=crlf ident diff=evil merge=evil filter=evil\n");
        // Git writes the files anew.
        case.write("README", "changed");
        let bytes = case.read(&file("dev/db"));
        case.write(&file("dev/db"), &bytes);
    })
    .reads("dev/db", "the third value of dev db")
    .reads("prod/db", "the production password");
}

#[test]
fn our_own_attributes_taken_out() {
    let attacked = pushed(|case| case.write(".gitattributes", ""));
    let attacked = attacked.ends(&["set", "dev/db"], 0, "").reads("dev/db", "written by alice");
    let tracked = attacked.case.alice.git(["show", "HEAD:.gitattributes"]).ok().text();
    assert!(tracked.contains("secrets/** -text -merge diff=covault"), "{tracked}");
}

#[test]
fn a_gitignore_that_hides_the_vault() {
    let attacked = pushed(|case| case.write(".gitignore", "*\n.covault/\n"));
    let attacked = attacked.ends(&["set", "dev/new"], 0, "");
    let tracked = attacked.case.alice.git(["ls-files", ".covault"]).ok().text();
    assert!(tracked.contains("dev/new.age"), "{tracked}");
    attacked.comes_to_nothing();
}

#[test]
fn settings_and_keys_that_lie_in_the_tree() {
    let attacked = pushed(|case| {
        case.write(".gitconfig", "[diff \"covault\"]\n\ttextconv = touch pwned\n");
        case.write(".covault/config", "vault = \"mallory\"\n");
        case.write(".covault/identity.txt", "AGE-SECRET-KEY-1QQQQ\n");
        case.write(".covault/pin", "vault = \"x\"\n");
        case.write(".config/covault/identity.txt", "AGE-SECRET-KEY-1QQQQ\n");
        for hook in [".covault/hooks/post-commit", "hooks/post-commit"] {
            case.write(hook, "#!/bin/sh\ntouch pwned\n");
            std::fs::set_permissions(case.path(hook), std::fs::Permissions::from_mode(0o755)).unwrap();
        }
    });
    let alice = &attacked.case.alice;
    // Git runs what it is told to: hooks where it makes the commit, and textconv.
    alice.git(["config", "covault.commit", "git"]).ok();
    harmless(&["set"], &alice.covault_fed(b"a new one", ["set", "dev/new"]).ok());
    harmless(&["log"], &alice.git(["log", "-p", "-2"]).ok());
    attacked.comes_to_nothing();
}

// --- sizes

#[test]
fn a_secret_that_is_larger_than_any() {
    let deed = |case: &Case| {
        let sealed = std::fs::OpenOptions::new().write(true).open(case.path(&file("dev/db"))).unwrap();
        sealed.set_len(1 << 33).unwrap();
    };
    on_disk(deed)
        .spoils(&["dev/db"])
        .refuses_unphotographed(&["get", "dev/db"], "dev/db.age` is larger than")
        .refuses_unphotographed(&["set", "dev/db"], "dev/db.age` is larger than");
}

#[test]
fn a_secret_of_four_megabytes_in_git() {
    pushed(|case| {
        let mut bytes = case.read(&file("dev/db"));
        bytes.resize(4 << 20, b'x');
        case.write(&file("dev/db"), bytes);
    })
    .spoils(&["dev/db"])
    .refuses(&["get", "dev/db"], "the file has 4194304 bytes, more than the limit");
}

#[test]
fn a_roster_on_the_trunk_that_is_larger_than_any() {
    let why = "roster.toml at ";
    let attacked = fetched(|case| {
        let mut bytes = case.read(ROSTER);
        bytes.resize(5_000_000, b'#');
        case.write(ROSTER, bytes);
    });
    let attacked = attacked.spoils(&ALL).only_with_a_key_or_a_memory().refuses(&["get", "dev/db"], why);
    let attacked = attacked.refuses(&["status"], "the roster has 5000000 bytes and the limit is 4194304");
    let said = attacked.case.alice.covault(["who", "dev/db", "--at", "origin/main"]).exits(6);
    assert!(said.err.contains(why), "{}", said.err);
}

#[test]
fn a_header_without_an_end() {
    pushed(|case| {
        let stanza = "-> X25519 AAAA\nAAAA\n".repeat(100_000);
        case.write(&file("dev/db"), format!("age-encryption.org/v1\n{stanza}"));
    })
    .spoils(&["dev/db"])
    .refuses(&["get", "dev/db"], "dev/db.age is refused");
}

#[test]
fn a_line_without_an_end() {
    pushed(|case| case.write(&file("dev/db"), format!("age-encryption.org/v1\n-> {}", "x".repeat(2 << 20))))
        .spoils(&["dev/db"])
        .refuses(&["get", "dev/db"], "the header is longer than");
}

#[test]
fn what_lies_about_its_size_takes_no_memory() {
    let siblings = |count: u32, length: u32| {
        [&b"covault-siblings 1\n\0"[..], &count.to_be_bytes(), &length.to_be_bytes(), b"x"].concat()
    };
    // 8 GiB on no disk, and more than there is memory for below.
    let sparse = |case: &Case, begins: &[u8]| {
        case.write(&file("dev/db"), begins);
        let opened = std::fs::OpenOptions::new().write(true).open(case.path(&file("dev/db"))).unwrap();
        opened.set_len(1 << 33).unwrap();
    };
    let deeds: [(&str, &dyn Fn(&Case)); 5] = [
        ("a count", &|case| case.write(&file("dev/db"), siblings(u32::MAX, 1))),
        ("a length", &|case| case.write(&file("dev/db"), siblings(2, u32::MAX))),
        ("a file", &|case| sparse(case, b"")),
        ("siblings", &|case| sparse(case, &siblings(u32::MAX, u32::MAX))),
        ("a header", &|case| sparse(case, b"age-encryption.org/v1\n-> X25519 ")),
    ];
    for (what, deed) in deeds {
        let mut case = Case::new();
        case.at.repo.clone_from(&case.alice.repo);
        deed(&case);
        let limited = "ulimit -v 1500000; exec \"$0\" get \"$1\"";
        let get = |name: &str| case.alice.fed("sh", b"", ["-c", limited, env!("CARGO_BIN_EXE_covault"), name]);
        let said = get("dev/db").exits(6);
        assert!(said.err.contains("dev/db.age"), "{what}: {}", said.err);
        // The control: so much memory is enough.
        assert_eq!(get("dev/api").ok().text(), "the key that wanda wrote");
    }
}

#[test]
fn noise_where_secrets_are() {
    let mut state = 1_u32;
    let mut noise = move |length: usize| -> Vec<u8> {
        let next = |state: &mut u32| {
            *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (*state >> 24) as u8
        };
        (0..length).map(|_| next(&mut state)).collect()
    };
    let attacked = pushed(|case| {
        case.write(&file("dev/db"), noise(5000));
        case.write(&file("prod/db"), [b"age-encryption.org/v1\n-> X25519 ".to_vec(), noise(3000)].concat());
    });
    attacked
        .spoils(&["dev/db", "prod/db"])
        .refuses(&["get", "dev/db"], "not an age file")
        .refuses(&["get", "prod/db"], "prod/db.age is refused");
}
