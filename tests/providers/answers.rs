//! What an answer may look like, and what is made of it: money to the last digit, words without keys.

use covault::model::keys::amount::Amount;
use covault::model::keys::limit::{Limit, Window};
use covault::model::time::Time;
use covault::plaintext::Plaintext;
use covault::providers::{
    Account as _, Guard as _, Inspect as _, Issue as _, KeySpec, Minted, Probe as _, Probed, Problem, RemoteKey,
    Result, Revoke as _, SetLimit as _, Switch as _,
};

use super::script::{Script, json_answer};
use super::{PACE, client, id, reach};
use crate::openrouter::fake::{Call, Fake};

const KEY: &str = "sk-or-v1-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const NEW: &str = "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";

fn always(status: u16, body: &str) -> Script {
    let body = body.to_owned();
    Script::new(move |_| json_answer(status, &body))
}

/// What `GET /keys/a1` makes of a key object.
fn read(object: &str) -> Result<Option<RemoteKey>> {
    let script = always(200, &format!("{{\"data\":{object}}}"));
    reach(&script.url(), KEY, PACE).get(&id("a1"))
}

fn amount(text: &str) -> Amount {
    Amount::parse_number(text).unwrap()
}

fn create(status: u16, body: &str) -> Result<Minted> {
    let script = always(status, body);
    let made = reach(&script.url(), KEY, PACE).create(&KeySpec { name: "n".to_owned(), limit: None, expires: None });
    assert_eq!(script.requests().len(), 1, "it was asked for again");
    made
}

#[test]
fn limits_are_sent_with_the_digits_that_were_written() {
    let fake = Fake::start();
    let client = client(&fake);
    for (limit, spelled) in [
        ("10/day", r#""limit":10,"limit_reset":"daily""#),
        ("2.50/week", r#""limit":2.5,"limit_reset":"weekly""#),
        ("0.000001/month", r#""limit":0.000001,"limit_reset":"monthly""#),
        ("1000000000/total", r#""limit":1000000000,"limit_reset":null"#),
        ("123456789.123457/total", r#""limit":123456789.123457,"limit_reset":null"#),
        ("0/day", r#""limit":0,"limit_reset":"daily""#),
    ] {
        let limit: Limit = limit.parse().unwrap();
        let made = client.create(&KeySpec { name: "n".to_owned(), limit: Some(limit), expires: None }).unwrap();
        assert_eq!(made.key.limit, Some(limit));
        let changed = client.set_limit(&made.key.id, Some(limit)).unwrap();
        assert_eq!(changed.limit, Some(limit));
        let created = &fake.requests_to(Call::CreateKey).pop().unwrap().body;
        let patched = &fake.requests_to(Call::UpdateKey).pop().unwrap().body;
        assert_eq!(*created, format!("{{\"name\":\"n\",{spelled}}}"));
        assert_eq!(*patched, format!("{{{spelled}}}"));
    }
    let key = fake.keys().remove(0);
    assert_eq!(client.set_limit(&id(&key.hash), None).unwrap().limit, None);
    assert_eq!(fake.requests_to(Call::UpdateKey).pop().unwrap().body, r#"{"limit":null,"limit_reset":null}"#);
}

#[test]
fn an_end_is_sent_in_utc_with_seconds() {
    let fake = Fake::start();
    let expires = Time::parse("2031-02-03T04:05:06Z");
    let spec = KeySpec { name: "covault 1f3a09bc prod/x g3 9f86d081884c7d65".to_owned(), limit: None, expires };
    let made = client(&fake).create(&spec).unwrap();
    assert_eq!((made.key.expires, made.key.name), (expires, spec.name.clone()));
    let sent = fake.requests_to(Call::CreateKey).pop().unwrap().body;
    assert_eq!(sent, format!("{{\"name\":\"{}\",\"expires_at\":\"2031-02-03T04:05:06Z\"}}", spec.name));
}

#[test]
fn money_is_read_to_the_last_digit() {
    let key = read(
        r#"{"hash":"a1","name":"n","disabled":false,"limit":10.10,"limit_remaining":-0.000000000000000001,
            "limit_reset":"weekly","usage":25.123456789012345678,"usage_daily":1e-05,"usage_weekly":0.1,
            "usage_monthly":1.2E1}"#,
    )
    .unwrap()
    .unwrap();
    assert_eq!(key.limit, Some(Limit { amount: amount("10.1"), window: Window::Week }));
    assert_eq!(key.remaining, Some(amount("-0.000000000000000001")));
    assert_eq!(key.usage.total.to_string(), "25.123456789012345678");
    assert_eq!(key.usage.day.to_string(), "0.00001");
    assert_eq!((key.usage.week, key.usage.month), (amount("0.1"), amount("12")));
}

#[test]
fn a_key_may_be_described_in_few_words_or_in_new_ones() {
    let key = read(r#"{"hash":"a1","name":"n","disabled":true}"#).unwrap().unwrap();
    assert!(key.disabled && key.limit.is_none() && key.expires.is_none() && key.label.is_empty());
    assert_eq!(key.usage.total, Amount::ZERO);
    let key = read(
        r#"{"hash":"a1","name":"","disabled":false,"limit":5,"limit_reset":"yearly","created_at":"once",
            "last_used_at":"2026-11-21T10:30:00.363244+00:00","expires_at":"some day","new":{"deep":[1,{"er":null}]}}"#,
    )
    .unwrap()
    .unwrap();
    assert_eq!(key.limit.unwrap().window, Window::Total, "a limit that we do not know is one all the same");
    assert_eq!(key.last_used, Time::parse("2026-11-21T10:30:00Z"));
    assert_eq!((key.created.as_str(), key.expires), ("once", None));
}

#[test]
fn a_key_that_lacks_what_it_needs_is_not_read() {
    for object in [
        r#"{"name":"n","disabled":false}"#,
        r#"{"hash":"a1","disabled":false}"#,
        r#"{"hash":"a1","name":"n"}"#,
        r#"{"hash":"a1","name":"n","disabled":"false"}"#,
        r#"{"hash":"a1","name":"n","disabled":null}"#,
        r#"{"hash":"../keys","name":"n","disabled":false}"#,
        r#"{"hash":"a1/../../credits","name":"n","disabled":false}"#,
        r#"{"hash":"a1?x=y","name":"n","disabled":false}"#,
        r#"{"hash":"","name":"n","disabled":false}"#,
        r#"{"hash":"b2","name":"another one","disabled":false}"#,
        r#"{"hash":"a1","name":"n","disabled":false,"limit":true}"#,
        r#"{"hash":"a1","name":"n","disabled":false,"limit":"ten"}"#,
        r#"{"hash":"a1","name":"n","disabled":false,"usage":[1]}"#,
        r#"{"hash":"a1","name":"n","disabled":false,"limit":1e400}"#,
        "null",
        "[]",
        "7",
    ] {
        let error = read(object).unwrap_err();
        assert!(matches!(error.problem, Problem::Unreadable { status: 200, .. }), "{object}: {error}");
    }
}

#[test]
fn an_id_in_a_list_that_is_no_id_is_refused() {
    let script = always(200, r#"{"data":[{"hash":"../credits","name":"n","disabled":false}]}"#);
    let error = reach(&script.url(), KEY, PACE).list().unwrap_err();
    assert!(matches!(error.problem, Problem::Unreadable { status: 200, .. }), "{error}");
}

#[test]
fn a_new_key_is_taken_with_any_status_of_success() {
    let body = format!(r#"{{"key":"{NEW}","data":{{"hash":"a1","name":"n","disabled":false}}}}"#);
    for status in [200, 201, 202] {
        let made = create(status, &body).unwrap();
        assert_eq!(made.secret.expose_str(), Some(NEW));
        assert!(!format!("{made:?}").contains(NEW));
    }
    // The same key, escaped.
    let body = body.replace("sk-or", "\\u0073k\\u002dor");
    assert_eq!(create(201, &body).unwrap().secret.expose_str(), Some(NEW));
}

#[test]
fn a_new_key_that_is_not_whole_is_an_error_without_it() {
    let data = r#"{"hash":"a1","name":"n","disabled":false}"#;
    for body in [
        format!(r#"{{"key":"{NEW}"}}"#),
        format!(r#"{{"key":"{NEW}","data":{{}}}}"#),
        format!(r#"{{"key":"{NEW}","data":"{NEW}"}}"#),
        format!(r#"{{"key":["{NEW}"],"data":{data}}}"#),
        format!(r#"{{"data":{{"key":"{NEW}","hash":"a1","name":"n","disabled":"{NEW}"}}}}"#),
        format!(r#"{{"data":{data}}}"#),
        format!(r#"{{"key":"","data":{data}}}"#),
        format!(r#"{{"key":"sk or","data":{data}}}"#),
        format!(r#"{{"key":"{NEW}\n","data":{data}}}"#),
        format!(r#"{{"key":"{NEW}","data":{data}"#),
        format!(r#"{{"key":"{NEW}","data":{}}}"#, data.replace("a1", NEW)),
        format!(r#"{{"key":"{NEW}","data":{}}}"#, data.replace("a1", "../x")),
    ] {
        let shown = match create(201, &body) {
            // A key may be an id by its letters.
            Ok(made) if made.key.id.as_str() == NEW => continue,
            Ok(made) => panic!("{body}: {made:?}"),
            Err(error) => {
                assert!(matches!(error.problem, Problem::Unreadable { status: 201, .. }), "{body}: {error}");
                format!("{error} {error:?}")
            }
        };
        assert!(!shown.contains("fedcba98"), "{shown}");
    }
}

#[test]
fn words_of_a_provider_are_shown_without_keys_and_controls() {
    for (message, shown) in [
        ("User not found.".to_owned(), "User not found.".to_owned()),
        (format!("the key {KEY} is unknown"), "the key […] is unknown".to_owned()),
        (format!("Bearer {KEY}"), "Bearer […]".to_owned()),
        (format!("made {NEW}."), "made […]".to_owned()),
        (format!("({})", &NEW[..30]), "([…])".to_owned()),
        (format!("x{}x", &KEY[9..]), "[…]".to_owned()),
        ("a\\u001b[31mred\\n\\u202eback\\u0000".to_owned(), "a [31mred  back ".to_owned()),
        ("w ".repeat(300), format!("{}…", "w ".repeat(100).trim_end())),
        (format!("{}{KEY}", "w ".repeat(95)), format!("{}[…]", "w ".repeat(95))),
    ] {
        for status in [400, 401, 403] {
            let script = always(status, &format!(r#"{{"error":{{"code":{status},"message":"{message}"}}}}"#));
            let error = reach(&script.url(), KEY, PACE).set_enabled(&id("a1"), true).unwrap_err();
            assert_eq!(error.problem, Problem::Refused { status, message: shown.clone() });
        }
    }
}

#[test]
fn a_refusal_may_say_nothing() {
    for body in [r#"{"error":{}}"#, r#"{"error":{"message":7}}"#, r#"{"error":{"message":null,"code":"x"}}"#] {
        let error = reach(&always(403, body).url(), KEY, PACE).guardrails().unwrap_err();
        assert!(error.status() == Some(403) && error.is_unavailable(), "{error}");
    }
    let error = reach(&always(403, r#"{"error":"no"}"#).url(), KEY, PACE).guardrails().unwrap_err();
    assert_eq!(error.to_string(), "openrouter: GET /guardrails: answered 403: no");
}

#[test]
fn a_deletion_is_believed_where_it_says_so() {
    for body in [r#"{"deleted":false}"#, "{}", "[]", "", r#"{"error":{"message":"no"}}"#] {
        let error = reach(&always(200, body).url(), KEY, PACE).delete(&id("a1")).unwrap_err();
        assert!(matches!(error.problem, Problem::Unreadable { status: 200, .. }), "{body}: {error}");
    }
    reach(&always(200, r#"{"deleted":true,"more":1}"#).url(), KEY, PACE).delete(&id("a1")).unwrap();
}

#[test]
fn what_is_too_long_is_not_read_to_its_end() {
    let endless = Script::new(|_| {
        let chunk = format!("{:x}\r\n{}\r\n", 1 << 20, " ".repeat(1 << 20));
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n", chunk.repeat(9))
    });
    let announced = Script::new(|_| format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{{", 1_u64 << 40));
    for script in [endless, announced] {
        let error = reach(&script.url(), KEY, PACE).get(&id("a1")).unwrap_err();
        assert!(matches!(&error.problem, Problem::Unreadable { status: 200, why } if why.contains("8 MiB")), "{error}");
        assert_eq!(script.requests().len(), 1);
    }
}

#[test]
fn a_management_key_says_whether_it_manages() {
    for (flags, manages) in [
        (r#""is_management_key":true"#, true),
        (r#""is_provisioning_key":true"#, true),
        (r#""is_management_key":false,"is_provisioning_key":false"#, false),
        (r#""limit":null"#, false),
    ] {
        let key = format!(r#"{{"data":{{"label":"sk-or-v1-0e6...c96",{flags}}}}}"#);
        let script = Script::new(move |request| {
            if request.contains("/credits") {
                json_answer(200, r#"{"data":{"total_credits":100.5,"total_usage":25.123456789012345}}"#)
            } else {
                json_answer(200, &key)
            }
        });
        let info = reach(&script.url(), KEY, PACE).check().unwrap();
        let credits = manages.then(|| (amount("100.5"), amount("25.123456789012345")));
        assert_eq!((info.manages, info.credits), (manages, credits), "{flags}");
    }
}

#[test]
fn a_key_tells_the_limits_that_count_for_it() {
    for (said, limits) in [
        (r#""limit":null"#, vec![]),
        (r#""limit":10,"limit_reset":"daily""#, vec!["10/day"]),
        (r#""limit":10,"limit_reset":"hourly","budgets":null"#, vec!["10/total"]),
        (r#""limit":10,"limit_reset":null,"budgets":[{"scope":"workspace","limit_usd":1}]"#, vec!["10/total"]),
        (
            r#""limit":10,"limit_reset":"daily","budgets":[
                {"scope":"api_key","limit_usd":100,"reset_interval":"monthly"},
                {"scope":"key_limit","limit_usd":10,"reset_interval":"daily"},
                {"scope":"member","limit_usd":1,"reset_interval":"daily"},{"scope":"api_key","limit_usd":null},{}]"#,
            vec!["100/month", "10/day"],
        ),
    ] {
        let script = always(200, &format!(r#"{{"data":{{"label":"l",{said}}}}}"#));
        let probed = reach(&script.url(), KEY, PACE).probe(&Plaintext::from_text(NEW)).unwrap();
        let limits: Vec<Limit> = limits.into_iter().map(|limit| limit.parse().unwrap()).collect();
        assert_eq!(probed, Probed::Works(limits), "{said}");
        assert!(script.requests().iter().all(|request| request.contains(NEW) && !request.contains(KEY)));
    }
    // JSON that is not about a key does not say that it works.
    for body in [r#"{"data":{}}"#, "{}", r#"{"data":[]}"#, r#"{"status":"ok"}"#] {
        assert!(reach(&always(200, body).url(), KEY, PACE).probe(&Plaintext::from_text(NEW)).is_err(), "{body}");
    }
}

#[test]
fn a_guardrail_limits_by_a_window_or_something_else() {
    let script = always(
        200,
        r#"{"data":[{"id":"1","name":"a","limit_usd":5,"reset_interval":"daily"},{"id":"2","name":"b"},
            {"id":"3","name":"c","limit_usd":7,"reset_interval":"fortnightly"},
            {"id":"4","name":"d","limit_usd":null,"reset_interval":null}],"total_count":4}"#,
    );
    let all = reach(&script.url(), KEY, PACE).guardrails().unwrap();
    let limits: Vec<Option<Limit>> = all.iter().map(|guardrail| guardrail.limit).collect();
    assert_eq!(limits, [Some("5/day".parse().unwrap()), None, None, None]);
    assert_eq!(script.requests().len(), 1, "the count says that there is no more");
}

#[test]
fn a_guardrail_without_a_window_is_not_asked_for() {
    let fake = Fake::start();
    let (client, total) = (client(&fake), "5/total".parse().unwrap());
    for error in
        [client.create_guardrail("g", total).unwrap_err(), client.change_guardrail(&id("a"), total).unwrap_err()]
    {
        assert!(error.was_not_sent(), "{error}");
    }
    assert!(fake.requests().is_empty());
}

#[test]
fn assigning_replaces_and_is_found_again() {
    let fake = Fake::start();
    let client = client(&fake);
    let key = id(&fake.add_key("ours").hash);
    let [first, second] =
        ["5/day", "100.25/month"].map(|limit| client.create_guardrail("g", limit.parse().unwrap()).unwrap());
    assert_eq!(client.guardrail_of(&key).unwrap(), None);
    for guardrail in [&first, &second, &second] {
        client.assign(&guardrail.id, &key).unwrap();
        assert_eq!(client.guardrail_of(&key).unwrap().as_ref(), Some(&guardrail.id));
    }
    client.delete_guardrail(&second.id).unwrap();
    client.delete_guardrail(&second.id).unwrap();
    assert_eq!(client.guardrail_of(&key).unwrap(), None);
}
