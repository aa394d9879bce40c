//! The tracked env file: references, and nothing else.

use covault::model::envfile::{
    EnvFileError, encode, env_name_from, is_loader_variable, is_variable_name, parse, secret_segment_from,
};
use proptest::prelude::*;

#[test]
fn references_comments_and_blank_lines_are_read() {
    let text = "\u{feff}# dev\r\n\r\nDATABASE_URL=covault://dev/db/url\r\n  _X1 = covault://dev/x \n# end";
    let lines = parse(text.as_bytes()).unwrap();
    let read: Vec<_> = lines.iter().map(|l| (l.name.as_str(), l.reference.as_str(), l.line)).collect();
    assert_eq!(read, [("DATABASE_URL", "dev/db/url", 3), ("_X1", "dev/x", 4)]);
    assert_eq!(encode(&lines), "DATABASE_URL=covault://dev/db/url\n_X1=covault://dev/x\n");
}

#[test]
fn a_literal_value_is_refused_and_not_repeated() {
    for text in ["A=hunter2", "A=", "A=$(hunter2)", "A=http://hunter2", "A=Covault://a", "A=x covault://a"] {
        let error = parse(text.as_bytes()).unwrap_err();
        assert_eq!(error, EnvFileError::Literal { name: "A".into(), line: 1 }, "{text}");
        assert!(!error.to_string().contains("hunter2"));
    }
}

#[test]
fn everything_else_is_refused_by_name() {
    let name = || "A".to_owned();
    assert_eq!(parse(b"\nA"), Err(EnvFileError::NotAnAssignment { line: 2 }));
    assert_eq!(parse(b"A B=covault://x/y"), Err(EnvFileError::BadName { line: 1 }));
    assert_eq!(parse(b"export A=covault://x/y"), Err(EnvFileError::BadName { line: 1 }));
    assert_eq!(parse(b"1A=covault://x/y"), Err(EnvFileError::BadName { line: 1 }));
    assert_eq!(parse(b"=covault://x/y"), Err(EnvFileError::BadName { line: 1 }));
    assert_eq!(parse(format!("{}=covault://x", "A".repeat(257)).as_bytes()), Err(EnvFileError::BadName { line: 1 }));
    for reference in ["", "/x", "x/", "x//y", "../x", "x/../y", "x#y", "? y", "x\u{1b}[31m", "x?y", "-x", "é"] {
        let text = format!("A=covault://{reference}");
        assert_eq!(parse(text.as_bytes()), Err(EnvFileError::BadReference { name: name(), line: 1 }), "{reference}");
    }
    for text in ["A=\"covault://a/b\"", "A='covault://a/b'", "A=\"covault://a"] {
        assert_eq!(parse(text.as_bytes()), Err(EnvFileError::Quoted { name: name(), line: 1 }), "{text}");
    }
    for text in ["A=covault://x # why", "A=covault://x y", "A=covault://x\t#"] {
        assert_eq!(parse(text.as_bytes()), Err(EnvFileError::AfterReference { name: name(), line: 1 }), "{text}");
    }
    let twice = b"A=covault://x\nB=covault://x\nA=covault://y";
    assert_eq!(parse(twice), Err(EnvFileError::Duplicate { name: name(), line: 3, earlier: 1 }));
    assert_eq!(parse(b"A=\xff"), Err(EnvFileError::NotUtf8));
    assert!(matches!(parse(&vec![b'\n'; 1 << 21]), Err(EnvFileError::TooLarge { .. })));
    let path = parse(b"PATH=covault://x").unwrap_err();
    assert_eq!(path, EnvFileError::LoaderVariable { name: "PATH".into(), line: 1 });
}

#[test]
fn a_file_of_exactly_the_limit_is_read() {
    let comment = |bytes: usize| format!("#{}", "x".repeat(bytes - 1));
    assert_eq!(parse(comment(1 << 20).as_bytes()), Ok(Vec::new()));
    let bytes = (1 << 20) + 1;
    assert_eq!(parse(comment(bytes).as_bytes()), Err(EnvFileError::TooLarge { bytes }));
}

#[test]
fn variables_that_make_programs_run_other_code_are_refused() {
    for name in [
        "LD_PRELOAD",
        "DYLD_INSERT_LIBRARIES",
        "GIT_SSH_COMMAND",
        "BASH_ENV",
        "ENV",
        "PATH",
        "path",
        "Path",
        "IFS",
        "PS4",
        "SHELLOPTS",
        "BASHOPTS",
        "BASH_FUNC_x",
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "PYTHONHOME",
        "PERL5LIB",
        "PERL5OPT",
        "PERLLIB",
        "RUBYOPT",
        "RUBYLIB",
        "NODE_OPTIONS",
        "NODE_PATH",
        "JAVA_TOOL_OPTIONS",
        "_JAVA_OPTIONS",
        "JDK_JAVA_OPTIONS",
        "COVAULT_IDENTITY",
        "HOME",
        "SHELL",
        "TMPDIR",
        "EDITOR",
        "VISUAL",
        "PAGER",
        "BROWSER",
        "SSH_ASKPASS",
        "GCONV_PATH",
        "NLSPATH",
        "LOCPATH",
        "MALLOC_CHECK_",
        "GLIBC_TUNABLES",
        "RES_OPTIONS",
        "HOSTALIASES",
        "PROMPT_COMMAND",
        "ZDOTDIR",
        "DOTNET_STARTUP_HOOKS",
        "COR_PROFILER",
        "CORECLR_PROFILER_PATH",
        "RUSTC_WRAPPER",
        "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER",
        "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER",
        "CARGO_HOME",
        "CARGO_BUILD_RUSTC_WRAPPER",
        "npm_config_script_shell",
        "OPENSSL_CONF",
        "LESSOPEN",
        "XDG_CONFIG_HOME",
        "MAKEFLAGS",
        "PHPRC",
        "ERL_FLAGS",
    ] {
        assert!(is_loader_variable(name), "{name}");
    }
}

#[test]
fn variables_that_hold_secrets_are_not() {
    for name in super::expected().keys().map(String::as_str).filter(|name| *name != "TZ").chain([
        "CARGO_REGISTRY_TOKEN",
        "CARGO_REGISTRIES_COMPANY_TOKEN",
        "GITHUB_TOKEN",
        "GITLAB_TOKEN",
        "NPM_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "PGPASSWORD",
        "TWINE_PASSWORD",
        "UV_PUBLISH_TOKEN",
        "COMPOSER_AUTH",
        "SSH_PRIVATE_KEY",
        "NODE_ENV",
        "HOMEPAGE_URL",
        "PATHFINDER",
        "ENVIRONMENT",
        "SHELL_TOKEN",
        "LDAP_PASSWORD",
        "HTTPS_PROXY",
    ]) {
        assert!(!is_loader_variable(name), "{name}");
    }
}

#[test]
fn a_secret_names_its_variable() {
    for (segment, field, name) in [
        ("database-url", "value", "DATABASE_URL"),
        ("prod/db", "password", "DB_PASSWORD"),
        ("api.key", "client-id", "API_KEY_CLIENT_ID"),
        ("2fa", "value", "_2FA"),
        ("x", "Value", "X_VALUE"),
    ] {
        assert_eq!(env_name_from(segment, field), name);
    }
}

#[test]
fn the_longest_secret_and_field_make_a_variable() {
    let name = env_name_from(&"1".repeat(64), &"f".repeat(64));
    assert!(is_variable_name(&name), "{} bytes", name.len());
    let text = format!("{name}=covault://x");
    assert_eq!(parse(text.as_bytes()).unwrap()[0].name, name);
}

#[test]
fn a_variable_names_its_secret() {
    for (variable, segment) in [
        ("DATABASE_URL", "database-url"),
        ("_JAVA", "java"),
        ("A.B", "a-b"),
        ("A__B", "a--b"),
        ("___", "unnamed"),
        ("", "unnamed"),
        ("Ärger", "rger"),
        ("CON", "con-value"),
        ("COM1", "com1-value"),
        ("COM", "com"),
        ("COMX", "comx"),
        ("COM10", "com10"),
        ("LPT9", "lpt9-value"),
        ("1", "1"),
    ] {
        assert_eq!(secret_segment_from(variable), segment);
    }
    assert_eq!(secret_segment_from(&"A".repeat(100)).len(), 64);
}

proptest! {
    #[test]
    fn a_segment_is_always_one(variable in "(?s).{0,80}") {
        let segment = secret_segment_from(&variable);
        prop_assert!((1..=64).contains(&segment.len()));
        prop_assert!(segment.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()));
        prop_assert!(segment.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
        prop_assert!(is_variable_name(&env_name_from(&segment, "value")));
    }

    #[test]
    fn usual_variables_come_back(variable in "[A-Z][A-Z0-9]{0,8}(_[A-Z0-9]{1,8}){0,4}") {
        let segment = secret_segment_from(&variable);
        prop_assume!(!segment.ends_with("-value"));
        prop_assert_eq!(env_name_from(&segment, "value"), variable);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = parse(&bytes);
    }
}
