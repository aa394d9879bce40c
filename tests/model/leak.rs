//! Which texts look like secrets and which do not. No key stands here in its form: they are put together.

use covault::model::leak::{self, Known, Lines, Looked, Plain, is_binary};
use covault::plaintext::Plaintext;

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const HEX: &str = "0123456789abcdef";
const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const URL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BASE32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BECH32: &str = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L";

/// So many characters of an alphabet, in no order, the same each time. The last is a letter or a digit.
pub fn random(alphabet: &str, count: usize, seed: u64) -> String {
    let all: Vec<char> = alphabet.chars().collect();
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        all[(state >> 33) as usize % all.len()]
    };
    let mut text: String = (1..count).map(|_| next()).collect();
    text.push(std::iter::repeat_with(next).find(|c| c.is_ascii_alphanumeric()).unwrap());
    text
}

/// What a key is made of: a beginning, and runs of an alphabet with text between.
type Recipe = (&'static str, &'static [(&'static str, &'static str, usize)]);

/// Every form, with a recipe for a key: text before a run, its alphabet, its length.
const RECIPES: &[Recipe] = &[
    ("OpenRouter API key", &[("sk-or-v1-", HEX, 64)]),
    ("Anthropic API key", &[("sk-ant-api03-", URL, 95)]),
    ("OpenAI API key", &[("sk-proj-", URL, 74)]),
    ("OpenAI API key", &[("sk-", ALNUM, 20), ("T3BlbkFJ", ALNUM, 20)]),
    ("AWS access key id", &[("AKIA", BASE32, 16)]),
    ("AWS secret access key", &[("aws_secret_access_key = ", ALNUM, 40)]),
    ("AWS secret access key", &[("AWS_SECRET_ACCESS_KEY=\"", ALNUM, 40)]),
    ("GitHub token", &[("ghp_", ALNUM, 36)]),
    ("GitHub token", &[("gho_", ALNUM, 36)]),
    ("GitHub token", &[("ghs_", ALNUM, 36)]),
    ("GitHub token", &[("github_pat_", ALNUM, 22), ("_", ALNUM, 59)]),
    ("GitLab token", &[("glpat-", URL, 20)]),
    ("Slack token", &[("xoxb-", "0123456789", 12), ("-", "0123456789", 12), ("-", ALNUM, 24)]),
    ("Slack app token", &[("xapp-1-", BASE32, 11), ("-", "0123456789", 13), ("-", HEX, 64)]),
    ("Slack webhook", &[("https://hooks.slack.com/services/T", BASE32, 9), ("/B", BASE32, 9), ("/", ALNUM, 24)]),
    ("Stripe key", &[("sk_live_", ALNUM, 24)]),
    ("Stripe key", &[("rk_live_", ALNUM, 99)]),
    ("Stripe webhook secret", &[("whsec_", ALNUM, 32)]),
    ("Google API key", &[("AIza", URL, 35)]),
    ("Google OAuth secret", &[("GOCSPX-", URL, 28)]),
    ("npm token", &[("npm_", ALNUM, 36)]),
    ("PyPI token", &[("pypi-AgEIcHlwaS5vcmc", URL, 120)]),
    ("crates.io token", &[("cio", ALNUM, 32)]),
    ("SendGrid API key", &[("SG.", URL, 22), (".", URL, 43)]),
    ("Twilio API key", &[("SK", HEX, 32)]),
    ("Twilio auth token", &[("TWILIO_AUTH_TOKEN=", HEX, 32)]),
    ("Mailgun API key", &[("key-", HEX, 32)]),
    ("Hugging Face token", &[("hf_", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", 34)]),
    ("DigitalOcean token", &[("dop_v1_", HEX, 64)]),
    ("Docker Hub token", &[("dckr_pat_", URL, 27)]),
    ("Shopify token", &[("shpat_", HEX, 32)]),
    ("HashiCorp Vault token", &[("hvs.", URL, 95)]),
    ("Databricks token", &[("dapi", HEX, 32)]),
    ("Grafana token", &[("glsa_", ALNUM, 32), ("_", HEX, 8)]),
    ("Linear API key", &[("lin_api_", ALNUM, 40)]),
    ("age identity", &[("AGE-SECRET-KEY-1", BECH32, 58)]),
    ("covault signing key", &[("COVAULT-SIGNING-KEY-1", BECH32, 58)]),
    ("private key", &[("-----BEGIN RSA PRIVATE KEY-----\n", ALNUM, 64)]),
    ("private key", &[("-----BEGIN EC PRIVATE KEY-----\n", ALNUM, 64)]),
    ("private key", &[("-----BEGIN OPENSSH PRIVATE KEY-----\n", ALNUM, 64)]),
    ("private key", &[("-----BEGIN PRIVATE KEY-----\n", ALNUM, 64)]),
    ("private key", &[("{\"private_key\": \"-----BEGIN PRIVATE KEY-----\\n", ALNUM, 64)]),
    ("private key", &[("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES\n\n", ALNUM, 64)]),
    ("PGP private key", &[("-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n", ALNUM, 64)]),
    ("JSON web token", &[("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib2IifQ", LOWER, 1), (".", URL, 43)]),
];

fn key(recipe: &Recipe, run: impl Fn(&str, usize, u64) -> String) -> String {
    let parts = recipe.1.iter().enumerate();
    parts.map(|(n, (before, alphabet, count))| format!("{before}{}", run(alphabet, *count, n as u64 + 11))).collect()
}

fn said(text: &str) -> Vec<&'static str> {
    leak::formats(text.as_bytes()).into_iter().map(|(_, format)| format.name).collect()
}

#[test]
fn each_form_is_found_wherever_it_stands() {
    for recipe in RECIPES {
        let key = key(recipe, random);
        for text in [format!("{key}\n"), format!("a = '{key}'"), format!("x\n# {key},\n"), format!("({key})")] {
            assert_eq!(said(&text), [recipe.0], "{text}");
        }
    }
}

#[test]
fn every_form_of_the_table_has_a_key_here() {
    let (mut names, mut here) = (leak::names(), RECIPES.iter().map(|recipe| recipe.0).collect::<Vec<_>>());
    names.sort_unstable();
    here.sort_unstable();
    here.dedup();
    assert_eq!(names, here);
}

#[test]
fn what_stands_for_a_key_is_none() {
    for recipe in RECIPES {
        let same = |alphabet: &str, count: usize, _| alphabet[..1].repeat(count);
        let in_order = |alphabet: &str, count, _| alphabet.chars().cycle().take(count).collect::<String>();
        let few = |alphabet: &str, count, _| alphabet[..2].chars().cycle().take(count).collect::<String>();
        let all = [key(recipe, same), key(recipe, few), key(recipe, in_order)];
        // Of a file's beginning nobody can say that it is in order.
        let count = if recipe.0.ends_with("private key") { 2 } else { 3 };
        for text in &all[..count] {
            assert_eq!(said(text), Vec::<&str>::new(), "{text}");
        }
        // Cut off, as logs and manuals do.
        let cut = key(recipe, |_, _, _| "…".to_owned());
        assert_eq!(said(&cut), Vec::<&str>::new(), "{cut}");
    }
    let examples = [
        "AKIAIOSFODNN7EXAMPLE".to_owned(),
        format!("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCY{}", "EXAMPLEKEY"),
        format!("ghp_{}", "x".repeat(36)),
        format!("sk-ant-api03-{}", "your-key-here-".repeat(8)),
        format!("glpat-{}", "placeholder-token-1234"),
        "-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----".to_owned(),
        "grep -e '-----BEGIN PRIVATE KEY-----' file".to_owned(),
        "the task-or-v1-thing and disk-ant and mask-proj-".to_owned(),
    ];
    for text in examples {
        assert_eq!(said(&text), Vec::<&str>::new(), "{text}");
    }
}

#[test]
fn a_run_of_six_characters_is_no_part_of_a_key() {
    let (before, after) = (random(ALNUM, 40, 21), random(ALNUM, 40, 22));
    for (run, is_key) in [("QQQQQ", true), ("QQQQQQ", false), ("ghijk", true), ("ghijkl", false)] {
        assert_eq!(said(&format!("ghp_{before}7{run}7{after}")).len(), usize::from(is_key), "{run}");
    }
}

#[test]
fn a_key_with_exactly_the_bits_that_its_form_asks_for_is_one() {
    // 20, 2, 4, 1, 8, 1, 25, 10, 1, 4, 2 and 2 of 80 letters: 2.8 bits each, in whatever way a logarithm is rounded.
    let text = "AEGGAGGGCGHHGHAJGAAAGADAJCGEAGGGAGHGEHJHGJALGAAAHAECKEGFAGGGBGHGEHLIGKAAGACAHBEE";
    assert_eq!(said(&format!("xoxb-{text}")), ["Slack token"]);
    let less = text.replace('I', "G");
    assert_eq!(said(&format!("xoxb-{less}")), Vec::<&str>::new());
}

#[test]
fn a_field_in_the_open_looks_like_a_secret_by_its_name_or_its_value() {
    let (key, run) = (format!("ghp_{}", random(ALNUM, 36, 3)), random(ALNUM, 44, 5));
    // As long as the parts of a UUID.
    let not_hex = [8, 4, 4, 4, 12].map(|count| random(ALNUM, count, 7 + count as u64)).join("-");
    for (name, value) in [
        ("password", "hunter2"),
        ("db_password", "x"),
        ("dbPassword", "x"),
        ("DB-PASSWORD2", "x"),
        ("api_key", "x"),
        ("apiKey", "x"),
        ("client_secret", "x"),
        ("token", "x"),
        ("value", "x"),
        ("note", key.as_str()),
        ("note", run.as_str()),
        ("note", not_hex.as_str()),
        ("url", "postgres://app:hunter2@db.example/app"),
    ] {
        assert!(leak::looks_secret(name, value), "{name}={value}");
    }
    for (name, value) in [
        ("user", "app"),
        ("url", "https://db.example:5432/app/Some/Path2/To3/a"),
        ("url", "postgres://app@db.example/app"),
        ("host", "db-1.c9akciq32.eu-north-1.rds.amazonaws.com"),
        ("tenant", "550e8400-e29b-41d4-a716-446655440000"),
        ("key_id", run.as_str()),
        ("public_key", run.as_str()),
        ("token_url", "https://login.example/token"),
        ("password_policy", "strong"),
        ("password", ""),
        ("use_token", "true"),
        ("bypass", "x"),
        ("monkey", "x"),
        ("default_value", "x"),
        ("region", "eu-north-1"),
        ("note", "a few words that somebody wrote in 2026 about it"),
    ] {
        assert!(!leak::looks_secret(name, value), "{name}={value}");
    }
}

#[test]
fn a_signature_from_a_manual_is_no_key() {
    let token = |signature: &str| format!("{}.{signature}", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib2IifQ");
    for published in ["SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c", "cThIIoDvwdueQB468K5xDc5633seEFoqwxjF_xSJyQQ"] {
        assert_eq!(said(&token(published)), Vec::<&str>::new(), "{published}");
        let other: String = published.chars().rev().collect();
        assert_eq!(said(&token(&other)), ["JSON web token"], "{other}");
    }
}

#[test]
fn a_file_of_openssh_is_found_though_much_of_its_beginning_is_zeros() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    for kind in ["ed25519", "rsa"] {
        let made =
            std::process::Command::new("ssh-keygen").args(["-q", "-t", kind, "-N", "", "-f"]).arg(&file).status();
        assert!(made.unwrap().success());
        assert_eq!(said(&std::fs::read_to_string(&file).unwrap()), ["private key"], "{kind}");
        std::fs::remove_file(&file).unwrap();
    }
}

#[test]
fn words_with_a_keys_beginning_inside_are_no_keys() {
    let hex = random(HEX, 64, 5);
    for text in [format!("task-or-v1-{hex}"), format!("ask-or-v1-{hex}0"), format!("sk-or-v1-{}", &hex[..63])] {
        assert_eq!(said(&text), Vec::<&str>::new(), "{text}");
    }
    // A hash and a commit are no secrets.
    assert_eq!(said(&format!("sha256-{hex} {}", &hex[..40])), Vec::<&str>::new());
}

fn known(values: &[&str]) -> Known {
    let mut known = Known::default();
    for (n, value) in values.iter().enumerate() {
        known.add(&Plaintext::from_text(value), n);
    }
    known.ready();
    known
}

#[test]
fn values_are_found_word_for_word_and_nowhere_else() {
    let known = known(&["correct horse\n", "hunter2-hunter2", "postgres://app:s3cret@db/app"]);
    let text = b"a correct horse, acorrect horses\nhunter2-hunter3 hunter2-hunter2\nurl: postgres://app:s3cret@db/app";
    assert_eq!(known.find(text), [(2, 0), (49, 1), (70, 2)]);
    for short in ["", "correct", "correct hors", "Correct horse"] {
        assert_eq!(known.find(short.as_bytes()), []);
    }
    assert!(Known::default().find(text).is_empty());
}

#[test]
fn values_that_begin_alike_and_owners_of_one_value_are_all_found() {
    let known = known(&["correct horse", "correct staple", "correct horse", "correct battery"]);
    let text = b"correct staple, correct horse, correct battery";
    assert_eq!(known.find(text), [(0, 1), (16, 0), (16, 2), (31, 3)]);
}

#[test]
fn a_value_right_behind_itself_is_found_twice() {
    let value = "correct horse\nbattery staple";
    assert_eq!(known(&[value]).find(value.repeat(2).as_bytes()), [(0, 0), (value.len(), 0)]);
}

#[test]
fn of_several_lines_each_that_tells_something_is_found_by_itself() {
    let (first, second) = (random(ALNUM, 64, 1), random(ALNUM, 64, 2));
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{first}\n{second}\n-----END PRIVATE KEY-----\n");
    let known = known(&[&pem]);
    assert_eq!(known.find(format!("x\n  {second}\n").as_bytes()), [(4, 0)]);
    assert_eq!(known.find(b"-----BEGIN PRIVATE KEY-----\n"), []);
    // The whole is one finding for each of its lines at most, beginning with the first.
    assert_eq!(known.find(pem.as_bytes()), [(0, 0)]);
    let account = format!("{{\n  \"type\": \"service_account\",\n  \"private_key_id\": \"{first}\"\n}}\n");
    let known = self::known(&[&account]);
    assert_eq!(known.find(b"  \"type\": \"service_account\",\n"), []);
    assert_eq!(known.find(account.lines().nth(2).unwrap().trim().as_bytes()), [(0, 0)]);
}

#[test]
fn what_says_nothing_is_not_looked_for_and_said_to_be_so() {
    let look = |text: &str| Known::default().add(&Plaintext::from_text(text), 0);
    for short in ["", "secret", "1234567"] {
        assert_eq!(look(short), Looked::Not(Plain::Short), "{short}");
    }
    let common = [
        "production",
        "localhost",
        "us-east-1",
        "app_user",
        "127.0.0.1:5432",
        "2026-01-31",
        "aaaaaaaa",
        "db.internal",
        "smtp.example.com:587",
        "https://api.example.com/v1",
        "noreply@acme.example",
        "postgres://localhost/app",
    ];
    for text in common {
        assert_eq!(look(text), Looked::Not(Plain::Common), "{text}");
    }
    let token = random(ALNUM, 32, 3);
    let secrets = [
        "correct horse",
        "passw0rd!",
        "hunter2hunter2",
        "correct-horse-battery-staple",
        "postgres://app:s3cret@db/app",
        "https://example.org/?token=abc",
        "for the database",
        "Tr0ub4dor&3",
        &token,
        &format!("https://example.org/hook/{token}"),
    ];
    for text in secrets {
        assert_eq!(look(text), Looked::For, "{text}");
    }
}

#[test]
fn what_only_resembles_a_word_a_number_or_an_address_is_looked_for() {
    let look = |text: &str| Known::default().add(&Plaintext::from_text(text), 0);
    let common = [
        // Fifteen bytes.
        "internationally",
        "2026-01-31 10:0",
        "eu-central-12",
        // Two and three different ones.
        "a!a!a!a!",
        "a!?a!?a!?",
        "my-database.internal.example",
        "git+ssh://git.example.com/app",
        "first.last+tag@mail.example.com",
        // A long run, but of one class.
        "https://docs.example.com/internationalization",
    ];
    for text in common {
        assert_eq!(look(text), Looked::Not(Plain::Common), "{text}");
    }
    let secrets = [
        // Sixteen bytes.
        "responsibilities",
        "2026-01-31 10:00",
        // Four different ones.
        "a!b?a!b?",
        // No name: a part that is no word, is empty or is no number of two digits; a number first; too many parts.
        "admin-p4ss!",
        "admin--x",
        "prod-db-x9",
        "region-2024",
        "42-answer",
        "one-two-to-go",
        // No host: a label with another character or with none, no lower-case word of two letters at the end.
        "p!ssw0rd.word",
        "db..internal",
        "hunter2.Secret9",
        "hunter22.x",
        // No scheme.
        "P4ssw0rd://x",
        "://hunter2",
        // No user, no host, and a port.
        "p!ss@db.internal",
        "@db.internal",
        "hunter2@correct!",
        "app@db.internal:5432",
        // Sixteen bytes that change between letters and digits.
        "https://example.org/a1b2c3d4e5f6g7h8",
    ];
    for text in secrets {
        assert_eq!(look(text), Looked::For, "{text}");
    }
}

#[test]
fn a_line_is_allowed_by_the_whole_word_and_nothing_else() {
    for (text, is_allowed) in [
        ("covault:allow", true),
        ("key # covault:allow, an example", true),
        ("key # covault:allo w", false),
        ("covault:allo", false),
        ("a line that says nothing of it", false),
    ] {
        assert_eq!(Lines::new(text.as_bytes()).at(0).is_allowed(), is_allowed, "{text}");
    }
}

#[test]
fn lines_and_columns_count_from_one() {
    let text = b"one\n\ntwo three\nlast covault:allow";
    let mut lines = Lines::new(text);
    let mut at = |offset| {
        let line = lines.at(offset);
        (line.number, line.column, line.text, line.is_allowed())
    };
    assert_eq!(at(0), (1, 1, b"one".as_slice(), false));
    assert_eq!(at(2), (1, 3, b"one".as_slice(), false));
    assert_eq!(at(9), (3, 5, b"two three".as_slice(), false));
    assert_eq!(at(15), (4, 1, b"last covault:allow".as_slice(), true));
    assert_eq!(at(text.len()), (4, 19, b"last covault:allow".as_slice(), true));
}

#[test]
fn a_file_with_a_nul_near_its_beginning_is_binary() {
    let at = |n: usize| [vec![b'a'; n], vec![0], vec![b'a'; 10]].concat();
    for (bytes, binary) in
        [(at(0), true), (at(7_999), true), (at(8_000), false), (b"text".to_vec(), false), (vec![], false)]
    {
        assert_eq!(is_binary(&bytes), binary, "{} bytes", bytes.len());
    }
}

#[test]
fn who_looks_for_nothing_is_told_so() {
    assert!(Known::default().is_empty());
    assert!(!known(&["correct horse battery"]).is_empty());
}
