//! What a branch brings beside secrets to make git do something else, and words that a shell would take for its own.

use super::super::rig::{Attacked, Case, file, pwned};
use super::{DB, THIRD, branch, hers, merged, old};
use crate::world::Person;

/// Lines that would have git merge, filter or convert sealed files.
const ATTRIBUTES: &[&str] = &[
    "* merge=union",
    "** merge=union text eol=crlf",
    "*.age filter=evil",
    "*.age ident text=auto",
    "*.age working-tree-encoding=UTF-16",
    "*.age merge=evil diff=evil",
    "*.age !merge !diff !text",
    "*.age merge=binary",
    "*.age -merge",
    "[attr]covault merge=union\n*.age covault",
    "[attr]merge=covault -merge\n*.age merge=covault",
    "**/.covault/secrets/** merge=text",
];

/// Both values are there, as two people wrote them at once.
#[track_caller]
fn has_both(alice: &Person) {
    let shown = alice.covault(["show", DB, "--reveal"]).ok().text();
    assert!(
        shown.contains("what alice wrote meanwhile") && shown.contains("the value of the feature branch"),
        "{shown}"
    );
}

#[test]
fn attributes_at_the_top_that_change_how_git_merges() {
    for line in ATTRIBUTES {
        let case = Case::new();
        branch(&case, "origin/feature", |case| case.write(".gitattributes", format!("{line}\n")));
        let (attacked, said) = merged(case, true, 0);
        assert!(!said.err.contains("evil"), "{line}: {}", said.err);
        has_both(&attacked.case.alice);
        let readable = attacked.both_find(&[]);
        readable.case.alice.set(DB, "one value again");
        assert_eq!(readable.case.alice.get(DB), "one value again", "{line}");
    }
}

#[test]
fn attributes_in_the_vaults_folder_that_change_how_git_merges() {
    for line in ATTRIBUTES {
        let case = Case::new();
        branch(&case, "origin/feature", |case| case.write(".covault/.gitattributes", format!("{line}\n")));
        let (attacked, _) = merged(case, true, 0);
        has_both(&attacked.case.alice);
        attacked.case.alice.set(DB, "one value again");
        assert_eq!(attacked.case.alice.get(DB), "one value again", "{line}");
    }
}

#[test]
fn attributes_beside_the_secrets_that_change_how_git_merges() {
    let case = Case::new();
    branch(&case, "origin/feature", |case| case.write(".covault/secrets/dev/.gitattributes", "* merge=union text\n"));
    let (attacked, _) = merged(case, true, 0);
    has_both(&attacked.case.alice);
    // Nothing but secrets belongs there, and that is found.
    attacked.both_find(&[("file", ".gitattributes")]);
}

#[test]
fn attributes_where_a_bot_without_a_driver_merges() {
    for line in ATTRIBUTES {
        let case = Case::new();
        branch(&case, "origin/feature", |case| {
            case.write(".gitattributes", format!("{line}\n"));
            case.write(".covault/.gitattributes", format!("{line}\n"));
        });
        case.alice.set(DB, "what alice wrote meanwhile");
        case.alice.git(["push", "-q"]).ok();
        // The bot works on that branch, and brings the trunk in.
        let bot = case.world.newcomer("bot");
        if bot.git(["checkout", "-q", "-B", "main", "origin/evil"]).code != 0 {
            // What is no text has no encoding: not even a checkout comes of it.
            continue;
        }
        bot.git(["branch", "-q", "-u", "origin/main"]).ok();
        let said = bot.covault(["sync"]);
        super::super::rig::harmless(&["sync"], &said);
        if said.code != 0 {
            // Where git changed the bytes in its checkout, what lies there is refused, and nothing went out.
            assert_eq!(said.code, 6, "{line}: {}", said.err);
            continue;
        }
        case.alice.git(["pull", "-q", "--ff-only"]).ok();
        has_both(&case.alice);
        Attacked::of(case).both_find(&[]);
    }
}

#[test]
fn settings_of_git_and_programs_that_lie_in_the_tree() {
    let case = Case::new();
    branch(&case, "origin/feature", |case| {
        let config =
            "[merge \"covault\"]\n\tdriver = touch pwned\n[core]\n\thooksPath = hooks\n\tfsmonitor = touch pwned\n";
        for file in [".gitconfig", ".git-config", ".config/git/config", "config", ".covault/config", ".git.d/config"] {
            case.write(file, config);
        }
        for program in
            ["covault", "git", "sh", "hooks/pre-merge-commit", "hooks/post-merge", ".covault/hooks/pre-commit"]
        {
            use std::os::unix::fs::PermissionsExt as _;
            case.write(program, "#!/bin/sh\ntouch pwned\n");
            std::fs::set_permissions(case.path(program), std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        case.write(".gitmodules", "[submodule \"x\"]\n\tpath = .covault/secrets\n\turl = --upload-pack=touch pwned\n");
        case.write(".mailmap", "mallory <alice@example.org>\n");
        case.write(".git-blame-ignore-revs", "0000000000000000000000000000000000000000\n");
    });
    let (attacked, _) = merged(case, true, 0);
    has_both(&attacked.case.alice);
    attacked.case.alice.covault(["sync", "--no-push"]).ok();
    assert!(!pwned(&attacked.case));
    attacked.both_find(&[]);
}

/// What a shell, a terminal or git could take for something else.
const BRANCHES: &[&str] = &[
    "$(touch${IFS}pwned)",
    "`touch${IFS}pwned`",
    "x';touch${IFS}pwned;'",
    "x\";touch${IFS}pwned;\"",
    "x|touch${IFS}pwned",
    "x&&touch${IFS}pwned",
    "%O%A%B%P",
    "%S",
    "deadbeef",
    "émoji-🦊",
];

#[test]
fn branches_whose_names_a_shell_would_run() {
    for name in BRANCHES {
        let case = Case::new();
        branch(&case, "origin/feature", |case| {
            case.write("README", "changed");
            case.git(&["commit", "-qam", "work"]);
            case.git(&["branch", "-f", name]);
            case.git(&["push", "-q", "origin", &format!("refs/heads/{name}:refs/heads/{name}")]);
        });
        case.alice.set(DB, "what alice wrote meanwhile");
        case.alice.git(["branch", "-q", name, &format!("refs/remotes/origin/{name}")]).ok();
        case.alice.git(["merge", "-q", "--no-edit", name]).ok();
        has_both(&case.alice);
        assert!(!pwned(&case), "{name}");
        Attacked::of(case).both_find(&[]);
    }
}

#[test]
fn subjects_of_commits_that_look_like_gits_own_words() {
    for subject in
        ["parent of 1234567 (x)", "merged common ancestors", "$(touch pwned)", "HEAD", "--upload-pack=x", "%S"]
    {
        let case = Case::new();
        branch(&case, "origin/feature", |case| {
            case.git(&["commit", "-q", "--amend", "-m", subject]);
        });
        case.alice.set(DB, "what alice wrote meanwhile");
        let said = case.alice.git(["cherry-pick", "origin/evil"]).ok();
        super::super::rig::harmless(&["cherry-pick"], &said);
        has_both(&case.alice);
        assert!(!pwned(&case), "{subject}");
        Attacked::of(case).both_find(&[]);
    }
}

#[test]
fn an_emailed_patch_with_the_same_words() {
    for subject in ["parent of 1234567 (x)", "merged common ancestors", "main", "$(touch pwned)"] {
        let case = Case::new();
        case.git(&["checkout", "-q", "-B", "evil", "main"]);
        case.write(&file(DB), old(&case, "begun", DB));
        case.git(&["commit", "-qam", subject]);
        let patch = case.at.git(["format-patch", "--stdout", "--binary", "--full-index", "-1"]).ok().out;
        case.alice.set(DB, "what alice wrote meanwhile");
        let said = case.alice.fed("git", &patch, ["am", "-3", "-q"]);
        super::super::rig::harmless(&["am"], &said);
        case.alice.git(["am", "--abort"]);
        assert!(!pwned(&case), "{subject}");
        hers(Attacked::of(case)).both_find(&[]);
    }
}

/// Names for `%P` and the labels.
const WORDS: &[&str] = &[
    "$(touch pwned)",
    "`touch pwned`",
    "a;touch pwned",
    "a\ntouch pwned\n",
    "\u{1b}]0;owned\u{7}",
    "../../etc/passwd",
    "/etc/passwd",
    ".covault/secrets/../roster.toml",
    ".covault/secrets/dev/../../../x.age",
    ".covault/secrets/.covault/secrets/dev/db.age",
    "x/.covault/secrets/dev/db.age",
    ".covault/secrets/dev/DB.age",
    ".covault/secrets/dev/db",
    ".covault/secrets/dev/db.age\u{202e}",
    "",
];

/// Three sides for the driver, called by hand, and what it made of the file that takes the result.
fn driver(case: &Case, path: &str, label: &str) -> (crate::world::Said, bool) {
    let alice = &case.alice;
    let [base, theirs] = ["begun", "origin/feature"].map(|commit| old(case, commit, DB));
    let ours = std::fs::read(alice.file(DB)).unwrap();
    for (name, bytes) in [("side o", &base), ("side a", &ours), ("side b", &theirs)] {
        std::fs::write(alice.repo.join(name), bytes).unwrap();
    }
    let said = alice.covault(["merge-driver", "side o", "side a", "side b", "7", path, label, label, label]);
    let changed = std::fs::read(alice.repo.join("side a")).unwrap() != ours;
    (said, changed)
}

#[test]
fn paths_that_the_driver_is_called_with() {
    let case = Case::new();
    for word in WORDS {
        let (said, changed) = driver(&case, word, "HEAD");
        super::super::rig::harmless(&["merge-driver"], &said);
        assert!(said.code == 1 || said.code == 129, "{word:?}: {}", said.code);
        assert!(!changed && said.out.is_empty(), "{word:?}");
        assert!(!pwned(&case), "{word:?}");
    }
    let (said, changed) = driver(&case, ".covault/secrets/dev/db.age", "HEAD");
    assert!(said.code == 0 && changed, "{}", said.err);
}

#[test]
fn labels_that_the_driver_is_called_with() {
    for word in WORDS.iter().chain(&["--upload-pack=x", "-", "--", "@{-1}", ":/x", "HEAD@{now}", "*", "^HEAD", "a..b"])
    {
        let case = Case::new();
        let (said, _) = driver(&case, ".covault/secrets/dev/db.age", word);
        super::super::rig::harmless(&["merge-driver"], &said);
        assert!(said.code == 0, "{word:?}: {} {}", said.code, said.err);
        assert!(!pwned(&case), "{word:?}");
        assert_eq!(case.alice.get(DB), THIRD);
    }
}
