//! The fake breaks as it is told to: the right requests, on the right side of their effect, in the right way.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::fake::{Call, Cut, Fake, Fault, RetryAfter, Rule, Victim, When};
use super::life::manager;
use super::wire::{Caller, Reply};

const BODY: &str = r#"{"name":"ci"}"#;

/// What a client sees of a fault.
fn is_seen(fault: &Fault, reply: Option<Reply>) {
    let name = fault.to_string();
    let Some(reply) = reply else {
        return assert!(matches!(fault, Fault::Cut(Cut::BeforeAnswer)), "{name}");
    };
    let json = serde_json::from_slice::<serde_json::Value>(&reply.body);
    match fault {
        Fault::Status(status) => assert!(!reply.refuses(*status).is_empty()),
        Fault::TooMany(when) | Fault::Unavailable(when) => {
            assert_eq!(reply.status, if name.starts_with("429") { 429 } else { 503 });
            let after = reply.header("retry-after");
            match when {
                RetryAfter::Seconds(seconds) => assert_eq!(after, Some(seconds.to_string().as_str())),
                RetryAfter::Date(_) => drop(httpdate::parse_http_date(after.unwrap()).unwrap()),
            }
        }
        Fault::Html(status) => {
            assert_eq!((reply.status, json.is_err()), (*status, true));
            assert!(reply.header("content-type").unwrap().starts_with("text/html"));
        }
        Fault::Empty(status) => assert_eq!((reply.status, reply.body.len()), (*status, 0)),
        Fault::Cut(cut) => {
            assert!(!reply.whole && json.is_err(), "{name}");
            assert_eq!(reply.body.is_empty(), *cut == Cut::AfterHead, "{name}");
        }
        Fault::Redirect(status, to) => {
            assert_eq!((reply.status, reply.header("location")), (*status, Some(to.as_str())));
        }
        Fault::OtherShape => assert!(reply.status == 201 && json.unwrap().get("data").is_none()),
        Fault::HalfJson => assert!(reply.status == 201 && reply.whole && json.is_err()),
        Fault::Huge(mib) => assert!(reply.status == 201 && reply.whole && reply.body.len() > mib << 20),
        Fault::Slow(_) | Fault::Dribble(..) | Fault::Field(..) | Fault::Run(_) => {
            assert!(reply.is(201).json()["key"].as_str().unwrap().starts_with("sk-or-v1-"));
        }
        Fault::Kill(_) => panic!("nobody is left to see it"),
    }
}

#[test]
fn every_fault_happens_once_and_has_its_effect_only_where_that_was_asked() {
    for fault in Fault::all() {
        for when in When::all() {
            let fake = Fake::start();
            let admin = manager(&fake);
            let rule = Rule::on(Call::CreateKey, fault.clone()).when(when);
            let name = rule.to_string();
            fake.inject(rule);
            assert_eq!(fake.idle_rules(), [name.as_str()]);
            admin.get("/keys").is(200);
            is_seen(&fault, admin.send("POST", "/keys", Some(BODY.to_owned())));
            assert_eq!(fake.idle_rules(), [""; 0]);
            let effect = usize::from(when == When::After || fault.is_harmless());
            assert_eq!(fake.live_keys().len(), effect, "{name}");
            let logged = &fake.requests_to("POST /keys")[0];
            assert_eq!((logged.rule.as_deref(), logged.carried_out), (Some(name.as_str()), effect == 1));
            admin.post("/keys", BODY).is(201);
            assert_eq!((fake.live_keys().len(), fake.count("POST /keys")), (effect + 1, 2), "{name}");
        }
    }
}

#[test]
fn faults_and_calls_have_names_of_their_own() {
    let distinct = |mut names: Vec<String>| {
        let before = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), before, "{names:?}");
    };
    distinct(Fault::all().iter().map(ToString::to_string).collect());
    distinct(Call::all().iter().map(ToString::to_string).collect());
}

#[test]
fn a_rule_says_which_of_the_matching_requests_it_means() {
    let statuses = |rule: Rule| {
        let fake = Fake::start();
        fake.inject(rule);
        let admin = manager(&fake);
        let mut ask = |path: &str| admin.get(path).status;
        ["/keys", "/credits", "/keys?offset=1", "/keys/", "/keys"].map(&mut ask)
    };
    let rule = || Rule::on("GET /keys", Fault::Status(503));
    assert_eq!(statuses(rule()), [503, 200, 200, 200, 200]);
    assert_eq!(statuses(rule().next(2)), [503, 200, 503, 200, 200]);
    assert_eq!(statuses(rule().nth(3)), [200, 200, 200, 503, 200]);
    assert_eq!(statuses(rule().always()), [503, 200, 503, 503, 503]);
    assert_eq!(statuses(Rule::on("* /*", Fault::Status(500)).always()), [500; 5]);
    assert_eq!(statuses(Rule::on("GET /keys/*", Fault::Status(500)).always()), [200; 5]);
}

#[test]
fn rules_can_be_taken_back_and_requests_forgotten() {
    let fake = Fake::start();
    let admin = manager(&fake);
    fake.inject(Rule::on(Call::ListKeys, Fault::Status(500)).after().before().always());
    admin.get("/keys").refuses(500);
    fake.clear_rules();
    admin.get("/keys").is(200);
    let statuses: Vec<_> = fake.requests().iter().map(|one| (one.status, one.carried_out)).collect();
    assert_eq!(statuses, [(Some(500), false), (Some(200), true)]);
    fake.clear_requests();
    admin.raw("GET", "/keys", "X-Title: Covault\r\n", b"").unwrap().is(401);
    let [request] = fake.requests().try_into().unwrap();
    assert!(request.headers.contains(&("x-title".to_owned(), "Covault".to_owned())));
    assert_eq!(request.bearer, None);
}

#[test]
fn a_redirect_that_is_followed_is_seen() {
    let fake = Fake::start();
    let other = Fake::start();
    fake.inject(Rule::on("GET /keys", Fault::Redirect(307, format!("{}/keys", other.url()))));
    let to = manager(&fake).get("/keys").is(307).header("location").unwrap().to_owned();
    assert_eq!(to, format!("{}/keys", other.url()));
    Caller::new(other.url(), fake.management_key()).get("/keys").refuses(401);
    assert_eq!(other.requests()[0].bearer, Some(fake.management_key()));
    let root = Caller { url: format!("http://{}/", fake.address()), secret: None };
    root.get("elsewhere").is(404);
    assert_eq!(fake.requests().last().unwrap().line(), "GET /elsewhere");
}

#[test]
fn a_field_can_be_changed_or_taken_away() {
    let fake = Fake::start();
    let key = fake.add_key("ci");
    let path = format!("/keys/{}", key.hash);
    fake.inject(Rule::on(Call::GetKey, Fault::Field("limit_reset", Some("yearly".into()))));
    fake.inject(Rule::on(Call::ListKeys, Fault::Field("label", None)));
    let admin = manager(&fake);
    assert_eq!(admin.get(&path).is(200).data()["limit_reset"], "yearly");
    assert_eq!(admin.get("/keys").is(200).data()[0].get("label"), None);
    assert_eq!(admin.get("/keys").is(200).data()[0]["label"], key.label());
}

#[test]
fn a_new_key_may_be_unknown_at_first() {
    let fake = Fake::start();
    fake.refuse_new_keys(2);
    let secret = manager(&fake).post("/keys", BODY).is(201).json()["key"].as_str().unwrap().to_owned();
    let user = Caller::new(fake.url(), secret);
    assert_eq!([(); 3].map(|()| user.get("/key").status), [401, 401, 200]);
}

#[test]
fn disabling_may_be_seen_late() {
    let fake = Fake::start();
    fake.disable_late(3);
    let key = fake.add_key("ci");
    let (admin, user) = (manager(&fake), Caller::new(fake.url(), &key.secret));
    let path = format!("/keys/{}", key.hash);
    admin.patch(&path, r#"{"disabled":true}"#).is(200);
    user.get("/key").is(200);
    assert_eq!(admin.get(&path).data()["disabled"], false);
    user.get("/key").is(200);
    user.get("/key").refuses(401);
    assert_eq!(admin.get(&path).data()["disabled"], true);
}

#[test]
fn a_client_is_killed_on_either_side_of_the_effect() {
    for when in When::all() {
        let fake = Fake::start();
        let victim = Victim::new();
        fake.inject(Rule::on(Call::CreateKey, Fault::Kill(victim.clone())).when(when));
        // It stands for the client; the request comes from here.
        let mut child = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap();
        victim.is(child.id());
        assert!(manager(&fake).send("POST", "/keys", Some(BODY.to_owned())).is_none());
        let signal = std::os::unix::process::ExitStatusExt::signal(&child.wait().unwrap());
        assert_eq!(signal, Some(9));
        assert_eq!(fake.live_keys().len(), usize::from(when == When::After));
        assert_eq!(fake.requests()[0].status, None);
    }
}

#[test]
fn a_fake_ends_while_its_clients_wait() {
    let fake = Fake::start();
    fake.inject(Rule::on(Call::ListKeys, Fault::Slow(Duration::from_secs(3600))).after());
    let admin = manager(&fake);
    let asking = std::thread::spawn(move || admin.send("GET", "/keys", None).is_none());
    while fake.count(Call::ListKeys) == 0 {
        std::thread::yield_now();
    }
    drop(fake);
    assert!(asking.join().unwrap());
}

#[test]
fn many_clients_are_answered_at_once() {
    let fake = Fake::start();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..10).for_each(|_| drop(manager(&fake).post("/keys", BODY).is(201))));
        }
    });
    assert_eq!((fake.live_keys().len(), fake.count("POST /keys")), (80, 80));
}
