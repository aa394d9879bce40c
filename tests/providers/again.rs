//! When a call is made again, how long it waits, and what it says when it gives up.

use std::io::Read as _;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use covault::providers::{Guard as _, Inspect as _, Issue as _, KeySpec, Pace, Problem, Revoke as _, Switch as _};

use super::ops::{Came, Op, Scene};
use super::script::{Script, json_answer};
use super::{PACE, client, id, reach};
use crate::openrouter::fake::{Call, Fake, Fault, RetryAfter, Rule};

const KEY: &str = "sk-or-v1-0123456789abcdef0123456789abcdef";

fn spec() -> KeySpec {
    KeySpec { name: "new".to_owned(), limit: None, expires: None }
}

/// A port of this machine on which nobody answers.
fn nobody() -> std::net::SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn a_wait_that_was_asked_for_is_kept_in_both_spellings() {
    let pace = Pace { overall: Duration::from_secs(20), ..PACE };
    for after in [RetryAfter::Seconds(1), RetryAfter::Date(2)] {
        for fault in [Fault::TooMany(after), Fault::Unavailable(after)] {
            let fake = Fake::start();
            let hash = id(&fake.add_key("ours").hash);
            fake.inject(Rule::on(Call::GetKey, fault));
            let began = Instant::now();
            reach(&fake.url(), &fake.management_key(), pace).get(&hash).unwrap().unwrap();
            // Own waits are 20 ms at most.
            assert!(began.elapsed() >= Duration::from_millis(900), "it came back too soon");
            assert_eq!(fake.count(Call::GetKey), 2);
        }
    }
}

#[test]
fn a_wait_beyond_the_deadline_ends_the_call_at_once() {
    for op in Op::ALL {
        for after in [RetryAfter::Seconds(3600), RetryAfter::Seconds(u32::MAX), RetryAfter::Date(3600)] {
            for (fault, status) in [(Fault::TooMany(after), 429), (Fault::Unavailable(after), 503)] {
                let scene = Scene::new();
                let call = op.calls()[0];
                scene.fake.inject(Rule::on(call, fault));
                let (came, shown) = op.run(&client(&scene.fake), &scene);
                let Came::Failed(error) = came else { panic!("{op:?} {after:?}: {shown}") };
                assert_eq!((error.status(), scene.fake.count(call)), (Some(status), 1), "{op:?} {after:?}");
            }
        }
    }
}

#[test]
fn a_wait_in_another_spelling_is_none() {
    for spelling in [
        "soon",
        "-1",
        "1.5",
        "99999999999999999999999",
        "",
        "Fri, 31 Feb 2026 99:00:00 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
    ] {
        let script = Script::new(move |_| {
            let headers = format!("Retry-After: {spelling}\r\nContent-Type: application/json\r\n");
            super::script::answer(503, &headers, r#"{"error":{"code":503,"message":"busy"}}"#)
        });
        let pace = Pace { overall: Duration::from_millis(400), ..PACE };
        let error = reach(&script.url(), KEY, pace).get(&id("a1")).unwrap_err();
        assert_eq!(error.status(), Some(503), "{spelling}");
        assert!(script.requests().len() > 1, "{spelling}");
    }
}

#[test]
fn where_nobody_answers_nothing_was_sent() {
    let url = format!("http://{}/api/v1", nobody());
    let client = reach(&url, KEY, PACE);
    let errors = [
        client.create(&spec()).unwrap_err(),
        client.create_guardrail("g", "5/day".parse().unwrap()).unwrap_err(),
        client.list().unwrap_err(),
        client.delete(&id("a1")).unwrap_err(),
    ];
    for error in errors {
        assert!(error.was_not_sent() && matches!(error.problem, Problem::NotSent(_)), "{error}");
    }
}

#[test]
fn a_connection_is_tried_again_until_somebody_answers() {
    let address = nobody();
    let pace = Pace {
        first_wait: Duration::from_millis(50),
        longest_wait: Duration::from_secs(2),
        overall: Duration::from_secs(30),
        ..PACE
    };
    let late = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        // Somebody else may have got the port meanwhile.
        let listener = TcpListener::bind(address).ok()?;
        let body = format!(r#"{{"key":"{KEY}","data":{{"hash":"a1","name":"new","disabled":false}}}}"#);
        Some(Script::at(listener, move |_| json_answer(201, &body)))
    });
    let made = reach(&format!("http://{address}/api/v1"), KEY, pace).create(&spec());
    if let Some(script) = late.join().unwrap() {
        assert_eq!(made.unwrap().key.id.as_str(), "a1");
        assert_eq!(script.requests().len(), 1);
    }
}

#[test]
fn a_call_that_was_lost_is_not_said_to_be_unsent_because_later_tries_were() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // It takes one request, and goes without a word.
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        drop(listener);
        let got = stream.read(&mut [0; 4096]).unwrap();
        assert!(got > 0);
    });
    let error = reach(&format!("http://{address}/api/v1"), KEY, PACE).set_enabled(&id("a1"), false).unwrap_err();
    server.join().unwrap();
    assert!(matches!(error.problem, Problem::NoAnswer(_)), "{error}");
    assert!(!error.was_not_sent());
}

#[test]
fn what_is_sent_once_gets_a_connection_of_its_own() {
    let fake = Fake::start();
    let client = client(&fake);
    // A connection that is kept, and one that the server ends while nobody looks.
    client.list().unwrap();
    client.create(&spec()).unwrap();
    client.create(&spec()).unwrap();
    assert_eq!((fake.count(Call::CreateKey), fake.live_keys().len()), (2, 2));
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let pace = Pace { request: Duration::from_millis(100), overall: Duration::from_millis(350), ..PACE };
    for op in Op::ALL {
        let scene = Scene::new();
        scene.fake.inject(Rule::on("* /*", Fault::Slow(Duration::from_secs(3600))).always());
        scene.fake.inject(Rule::on("* /*/*", Fault::Slow(Duration::from_secs(3600))).always());
        scene.fake.inject(Rule::on("* /*/*/*", Fault::Slow(Duration::from_secs(3600))).always());
        scene.fake.inject(Rule::on("* /*/*/*/*", Fault::Slow(Duration::from_secs(3600))).always());
        let client = reach(&scene.fake.url(), &scene.fake.management_key(), pace);
        let (came, shown) = op.run(&client, &scene);
        let Came::Failed(error) = came else { panic!("{op:?}: {shown}") };
        assert!(matches!(error.problem, Problem::NoAnswer(_)), "{op:?}: {error}");
        let sent = scene.fake.requests().len();
        assert!(if op.makes() { sent == 1 } else { sent >= 1 }, "{op:?}: {sent}");
    }
}

#[test]
fn a_refusal_of_the_key_is_not_repeated() {
    for op in Op::ALL.into_iter().filter(|op| *op != Op::Probe) {
        let scene = Scene::new();
        let client = reach(&scene.fake.url(), KEY, PACE);
        let (came, shown) = op.run(&client, &scene);
        let Came::Failed(error) = came else { panic!("{op:?}: {shown}") };
        assert_eq!((error.status(), scene.fake.requests().len()), (Some(401), 1), "{op:?}");
    }
    // An ordinary key may ask about itself, and no more.
    for op in Op::ALL.into_iter().filter(|op| !matches!(op, Op::Probe | Op::Check)) {
        let scene = Scene::new();
        let client = reach(&scene.fake.url(), &scene.secret, PACE);
        let (came, shown) = op.run(&client, &scene);
        let Came::Failed(error) = came else { panic!("{op:?}: {shown}") };
        assert_eq!((error.status(), scene.fake.requests().len()), (Some(403), 1), "{op:?}");
    }
}
