//! Where a key is sent, and where it is not.

use covault::plaintext::Plaintext;
use covault::providers::openrouter::OpenRouter;
use covault::providers::{Account as _, Inspect as _, Probe as _, Problem, connect};

use super::ops::{Came, Op, Scene};
use super::script::{Script, answer};
use super::{PACE, client, reach, settings};
use crate::openrouter::fake::{Fake, Fault, Rule};

const KEY: &str = "sk-or-v1-0123456789abcdef0123456789abcdef";

#[test]
fn a_base_url_that_would_give_keys_away_is_refused() {
    let refused = [
        "",
        "openrouter.ai/api/v1",
        "ftp://openrouter.ai/api/v1",
        "file:///etc/passwd",
        "http://openrouter.ai/api/v1",
        "http://192.168.0.1/api/v1",
        "http://localhost.example.com/",
        "http://127.0.0.1.example.com/",
        "http://127.0.0.1@example.com/",
        "http://[::2]/",
        "http://0.0.0.0/",
        "https://somebody@openrouter.ai/",
        "https://somebody:passw0rd-of-somebody@openrouter.ai/",
        "https://openrouter.ai/api/v1?x=1",
        "https://openrouter.ai/api/v1#x",
        "https://",
    ];
    for url in refused {
        let error = OpenRouter::new(&settings(url, PACE), Plaintext::from_text(KEY)).err().unwrap();
        assert!(matches!(error.problem, Problem::Settings(_)), "{url}: {error}");
        assert!(error.was_not_sent() && !error.to_string().contains("passw0rd"), "{error}");
    }
    let taken = [
        "https://openrouter.ai/api/v1",
        "https://openrouter.ai/api/v1/",
        "https://10.0.0.1:8443",
        "http://127.0.0.1:1/",
        "http://127.9.9.9/",
        "http://[::1]:8080/x",
        "http://localhost:8080",
        "HTTP://LOCALHOST:8080",
    ];
    for url in taken {
        assert!(OpenRouter::new(&settings(url, PACE), Plaintext::from_text(KEY)).is_ok(), "{url}");
    }
}

#[test]
fn where_there_is_no_tls_nothing_is_sent() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let mut heard = Vec::new();
        // It is tried six times; the last connection is ours.
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut piece = [0; 4096];
            let got = stream.read(&mut piece).unwrap();
            if piece.starts_with(b"bye") {
                return heard;
            }
            heard.extend_from_slice(&piece[..got]);
            let _ = stream.write_all(answer(200, "", "{}").as_bytes());
        }
        heard
    });
    let error = reach(&format!("https://{address}/api/v1"), KEY, PACE).check().unwrap_err();
    std::io::Write::write_all(&mut std::net::TcpStream::connect(address).unwrap(), b"bye").unwrap();
    let heard = server.join().unwrap();
    assert!(matches!(error.problem, Problem::NotSent(_)), "{error}");
    assert!(heard.len() > 100 && !heard.windows(12).any(|bytes| KEY.as_bytes().windows(12).any(|key| key == bytes)));
}

#[test]
fn what_cannot_be_a_key_is_not_sent() {
    let script = Script::new(|_| answer(200, "", ""));
    for key in [
        "",
        "sk-or-v1-abcdef0123456789\n",
        "sk or v1",
        "sk-or-v1-\u{e9}\u{e9}\u{e9}\u{e9}",
        "a\r\nX-Other: yes",
        "a\0b",
    ] {
        let error = OpenRouter::new(&settings(&script.url(), PACE), Plaintext::from_text(key)).err().unwrap();
        assert!(matches!(error.problem, Problem::Settings(_)), "{error}");
        let error = reach(&script.url(), KEY, PACE).probe(&Plaintext::from_text(key)).unwrap_err();
        assert!(matches!(error.problem, Problem::Settings(_)), "{error}");
        assert!(key.is_empty() || !format!("{error} {error:?}").contains(key));
    }
    assert!(script.requests().is_empty());
}

#[test]
fn a_slash_at_the_end_of_the_base_url_counts_for_nothing() {
    let fake = Fake::start();
    for end in ["", "/", "//"] {
        let client = reach(&format!("{}{end}", fake.url()), &fake.management_key(), PACE);
        assert!(client.check().unwrap().manages);
    }
    assert!(fake.requests().iter().all(|request| ["/key", "/credits"].contains(&request.path.as_str())));
}

#[test]
fn the_name_of_this_machine_is_this_machine() {
    let fake = Fake::start();
    let url = fake.url().replace("127.0.0.1", "localhost");
    assert!(reach(&url, &fake.management_key(), PACE).check().unwrap().manages);
}

#[test]
fn every_request_names_us_and_carries_the_key_in_one_header_only() {
    for op in Op::ALL {
        let scene = Scene::new();
        let key = scene.fake.management_key();
        let (came, shown) = op.run(&client(&scene.fake), &scene);
        assert!(matches!(came, Came::Good), "{op:?}: {shown}");
        for request in scene.fake.requests() {
            let sent = if op == Op::Probe { &scene.secret } else { &key };
            let header =
                |name: &str| request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
            assert_eq!(request.bearer.as_ref(), Some(sent), "{op:?}");
            assert_eq!(header("user-agent").as_deref(), Some("covault/0.0.0-test"));
            let carriers = request.headers.iter().filter(|(_, value)| value.contains(sent.as_str()));
            assert_eq!(carriers.map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["authorization"]);
            assert!(!request.path.contains(sent.as_str()) && !request.body.contains(sent.as_str()));
            assert!(header("cookie").is_none() && header("referer").is_none());
        }
    }
}

#[test]
fn a_redirect_is_never_followed() {
    for status in [300, 301, 302, 303, 304, 307, 308, 399] {
        for op in Op::ALL {
            let (scene, elsewhere) = (Scene::new(), Fake::start());
            let call = op.calls()[0];
            scene.fake.inject(Rule::on(call, Fault::Redirect(status, format!("{}/key", elsewhere.url()))));
            let (came, shown) = op.run(&client(&scene.fake), &scene);
            let Came::Failed(error) = came else { panic!("{op:?} {status}: {shown}") };
            assert_eq!(error.problem, Problem::Redirected { status }, "{op:?}");
            assert_eq!((scene.fake.count(call), elsewhere.requests().len()), (1, 0), "{op:?} {status}");
        }
    }
}

#[test]
fn a_server_that_is_something_else_is_not_believed() {
    let page = "<!DOCTYPE html><html><body>Please log in to the hotel's network</body></html>";
    for status in [200, 201, 401, 403, 404, 410] {
        let script = Script::new(move |_| answer(status, "Content-Type: text/html\r\n", page));
        for op in Op::ALL {
            let scene = Scene::new();
            let (came, shown) = op.run(&reach(&script.url(), KEY, PACE), &scene);
            let Came::Failed(error) = came else { panic!("{op:?} {status}: {shown}") };
            assert!(
                matches!(error.problem, Problem::Unreadable { status: said, .. } if said == status),
                "{op:?}: {error}"
            );
        }
    }
}

#[test]
fn a_gateway_that_answers_json_of_its_own_is_not_believed() {
    for body in
        [r#"{"message":"no Route matched with those values"}"#, "[]", "null", r#"{"detail":"Not Found"}"#, "404"]
    {
        let script = Script::new(move |_| answer(404, "Content-Type: application/json\r\n", body));
        let error = reach(&script.url(), KEY, PACE).get(&super::id("a1")).unwrap_err();
        assert!(matches!(error.problem, Problem::Unreadable { status: 404, .. }), "{body}: {error}");
    }
}

#[test]
fn a_provider_is_reached_by_its_name() {
    let key = || Some(Plaintext::from_text(KEY));
    let here = settings("http://127.0.0.1:1", PACE);
    let found = connect("openrouter", &here, key()).unwrap().unwrap();
    assert!(found.account().is_some() && found.issuing().is_some() && found.inspecting().is_some());
    assert!(found.limiting().is_some() && found.guarding().is_some() && found.switching().is_some());
    assert!(found.revoking().is_some() && found.probing().is_some());
    assert_eq!(found.capabilities().name, "openrouter");
    assert!(connect("openrouter", &here, None).unwrap().is_none());
    assert!(connect("nobody", &here, key()).unwrap().is_none());
    assert!(connect("manual", &here, None).unwrap().unwrap().issuing().is_none());
}
