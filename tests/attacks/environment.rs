//! Hostile names of variables, env files that map elsewhere, and the environment that Covault itself runs in.

use super::forge::now;
use super::rig::{Case, PLANTED, SECRETS, harmless, on_disk, pushed};
use covault::model::register::{Key, Value, Write};

const ENV: &str = ".covault/env/default.env";
const RUN: &[&str] = &["run", "--", "printenv"];

/// An env file is refused as a whole, and the program is not started.
#[track_caller]
fn env_refused(text: &str, code: i32, because: &str) {
    let attacked = pushed(|case| case.write(ENV, text));
    let (attacked, said) = attacked.command(RUN, code);
    assert!(said.out.is_empty() && said.err.contains(because) && said.err.contains("default.env"), "{}", said.err);
    attacked.ends(&["get", "dev/db"], 0, "the third value");
}

/// A secret whose name or metadata would give such a variable: the program is not started.
#[track_caller]
fn folder_refused(deed: impl FnOnce(&Case), because: &str) {
    let (attacked, said) = pushed(deed).command(&["run", "--from", "dev", "--", "printenv"], 2);
    assert!(said.out.is_empty() && said.err.contains(because), "{}", said.err);
    attacked.ends(&["get", "dev/db"], 0, "the third value");
}

#[test]
fn a_loader_in_an_env_file() {
    for name in ["LD_PRELOAD", "PATH", "BASH_ENV", "GIT_SSH_COMMAND", "NODE_OPTIONS", "PYTHONSTARTUP", "path", "Home"] {
        let why = format!("{name} decides which code programs run");
        let case = Case::new();
        case.write(ENV, format!("{name}=covault://dev/db\n"));
        std::fs::create_dir_all(case.alice.repo.join(".covault/env")).unwrap();
        std::fs::copy(case.path(ENV), case.alice.repo.join(ENV)).unwrap();
        let said = case.alice.covault(RUN).exits(2);
        assert!(said.out.is_empty() && said.err.contains(&why), "{}", said.err);
        if name == "PATH" {
            case.alice.covault(["export", "--env", "default"]).exits(2);
        }
    }
}

#[test]
fn a_loader_in_an_env_file_by_the_name_that_a_file_gets() {
    for name in ["SSL_CERT", "AWS_CONFIG", "TF_CLI_CONFIG", "aws_shared_credentials"] {
        let case = Case::new();
        std::fs::create_dir_all(case.alice.repo.join(".covault/env")).unwrap();
        std::fs::write(case.alice.repo.join(ENV), format!("{name}=covault://dev/db\n")).unwrap();
        let said = case.alice.covault(["run", "--files", "--", "printenv"]).exits(2);
        let why = format!("{name}_FILE changes how programs are loaded");
        assert!(said.out.is_empty() && said.err.contains(&why), "{}", said.err);
        // The variable itself decides nothing.
        case.alice.covault(["run", "--", "printenv", name]).ok();
    }
}

#[test]
fn our_own_variables_in_an_env_file() {
    env_refused("COVAULT_IDENTITY=covault://dev/db\n", 2, "COVAULT_IDENTITY decides");
}

#[test]
fn a_literal_value_in_an_env_file() {
    env_refused("URL=https://mallory.example/\n", 2, "URL has a literal value");
}

#[test]
fn a_command_in_an_env_file() {
    env_refused("URL=$(touch pwned)\n", 2, "URL has a literal value");
}

#[test]
fn a_variable_twice_in_an_env_file() {
    env_refused("DB=covault://dev/db\nDB=covault://dev/api\n", 2, "DB stands on line 1 already");
}

#[test]
fn a_variable_with_letters_that_look_like_others() {
    env_refused("D\u{412}=covault://dev/db\n", 2, "does not begin with the name of a variable");
}

#[test]
fn an_export_in_an_env_file() {
    env_refused("export DB=covault://dev/db\n", 2, "line 1");
}

#[test]
fn a_nul_in_an_env_file() {
    env_refused("DB\0X=covault://dev/db\n", 2, "line 1");
}

#[test]
fn an_env_file_that_leaves_the_vault() {
    env_refused("DB=covault://../../etc/passwd\n", 2, "line 1");
}

#[test]
fn an_env_file_that_names_what_there_is_not() {
    env_refused("DB=covault://dev/nothing\n", 3, "line 1");
}

#[test]
fn an_env_file_that_is_no_text() {
    let attacked = pushed(|case| case.write(ENV, b"DB=\xff\xfe\n"));
    attacked.ends(RUN, 2, "the file is not UTF-8").comes_to_nothing();
}

#[test]
fn an_env_file_that_is_larger_than_any() {
    let attacked = pushed(|case| case.write(ENV, vec![b'#'; 2 << 20]));
    attacked.refuses(RUN, "default.env` is larger than").comes_to_nothing();
}

#[test]
fn an_env_file_that_maps_elsewhere_is_followed_and_git_shows_it() {
    // Env files are not signed (docs/threats.md): what they name is, and the change is a line in a commit.
    let attacked = pushed(|case| case.write(ENV, "TEST_DB=covault://prod/db\n"));
    let (attacked, said) = attacked.command(&["run", "--", "printenv", "TEST_DB"], 0);
    assert_eq!(said.text(), format!("{}\n", SECRETS[3].1));
    let shown = attacked.case.alice.git(["show", "--format="]).ok().text();
    assert!(shown.contains("+TEST_DB=covault://prod/db"), "{shown}");
}

#[test]
fn an_env_file_for_somebody_who_may_not_read_what_it_names() {
    let attacked = pushed(|case| case.write(ENV, "DB=covault://prod/db\n"));
    let rita = attacked.case.clone_of("rita");
    let said = rita.covault(RUN).exits(4);
    assert!(said.out.is_empty() && said.err.contains("prod/db is not sealed to you"), "{}", said.err);
}

#[test]
fn an_env_file_with_the_name_of_another_file() {
    on_disk(|case| case.write("outside.env", "DB=covault://dev/db\n"))
        .ends(&["run", "-e", "../../outside", "--", "printenv"], 2, "../../outside")
        .comes_to_nothing();
}

// --- names that come from secrets

#[test]
fn a_secret_called_path() {
    folder_refused(|case| case.birth("dev/path", "wanda").put(), "PATH");
}

#[test]
fn a_secret_called_ld_preload() {
    folder_refused(|case| case.birth("dev/ld-preload", "wanda").put(), "LD_PRELOAD");
}

#[test]
fn a_secret_that_says_it_is_the_loader() {
    let deed = |case: &Case| {
        let env = Key::parse("meta.env").unwrap();
        let forged = case.birth("dev/innocent", "wanda").saying(|document| {
            let write =
                Write::new(&env, Value::text("LD_PRELOAD"), true, super::forge::member("wanda"), now(), [1; 16]);
            document.put(&env, write);
        });
        forged.put();
    };
    folder_refused(deed, "the variable LD_PRELOAD changes how programs are loaded");
}

#[test]
fn a_secret_whose_variable_is_no_name() {
    let deed = |case: &Case| {
        let env = Key::parse("meta.env").unwrap();
        let forged = case.birth("dev/innocent", "wanda").saying(|document| {
            let write = Write::new(&env, Value::text("A=B\nC"), true, super::forge::member("wanda"), now(), [1; 16]);
            document.put(&env, write);
        });
        forged.put();
    };
    folder_refused(deed, "which is no variable's name");
}

#[test]
fn a_secret_that_takes_the_variable_of_another() {
    let deed = |case: &Case| {
        let env = Key::parse("meta.env").unwrap();
        let forged = case.birth("dev/innocent", "wanda").saying(|document| {
            let write = Write::new(&env, Value::text("DB"), true, super::forge::member("wanda"), now(), [1; 16]);
            document.put(&env, write);
        });
        forged.put();
    };
    folder_refused(deed, "two secrets give the variable DB");
}

#[test]
fn a_value_with_a_nul() {
    let deed = |case: &Case| {
        let value = Key::parse("field.value").unwrap();
        let forged = case.birth("dev/innocent", "wanda").saying(|document| {
            let bytes = covault::plaintext::Plaintext::new(b"DB=1\0LD_PRELOAD=x".to_vec());
            let write = Write::new(&value, Value::new(bytes), false, super::forge::member("wanda"), now(), [1; 16]);
            document.put(&value, write);
        });
        forged.put();
    };
    folder_refused(deed, "holds a NUL byte");
}

// --- the environment of Covault itself

/// alice runs `get` with a variable set; it ends so, and shows nothing else than her value.
#[track_caller]
fn with_variable(name: &str, value: &str, code: i32) {
    let mut case = Case::new();
    case.alice.vars.push((name.to_owned(), value.to_owned()));
    let said = case.alice.covault(["get", "dev/db"]).exits(code);
    harmless(&[name], &said);
    assert_eq!(said.text(), if code == 0 { SECRETS[1].1 } else { "" });
    assert!(code == 0 || said.err.contains("hint: "), "{}", said.err);
    assert!(!std::path::Path::new(&case.alice.repo).join("pwned").exists());
}

#[test]
fn an_identity_that_is_none() {
    with_variable("COVAULT_IDENTITY", PLANTED, 4);
}

#[test]
fn an_identity_of_somebody_else() {
    let text = covault::seal::Identity::generate().unwrap().to_text().unwrap().to_string();
    with_variable("COVAULT_IDENTITY", text.trim(), 4);
}

#[test]
fn a_vault_that_is_no_name() {
    with_variable("COVAULT_VAULT", "\u{1b}[2Jnothing", 6);
}

#[test]
fn an_empty_vault() {
    // It asks for nothing; what this clone was set up for holds.
    with_variable("COVAULT_VAULT", "", 0);
}

#[test]
fn another_programs_for_git_to_run() {
    with_variable("GIT_EXTERNAL_DIFF", "touch pwned", 0);
    with_variable("GIT_SSH_COMMAND", "touch pwned", 0);
}

#[test]
fn what_a_program_gets_has_nothing_of_ours() {
    let case = Case::new();
    let mut alice = case.alice;
    alice.vars.push(("COVAULT_NO_INPUT".to_owned(), "1".to_owned()));
    let said = alice.covault(["run", "--from", "dev", "--", "env"]).ok();
    assert!(said.text().contains("DB=the third value") && !said.text().contains("COVAULT_"), "{}", said.text());
}
