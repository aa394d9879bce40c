//! Somebody goes on with an operation whose covault is alive, and only slow: one of the two yields.

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::place::{NEW, OLD, Place, Template};
use super::races::{again, all_resume};
use crate::openrouter::fake::{Call, Fault, Rule};
use crate::world::{Person, Said};

/// Runs a command of alice's whose request for a key arrives late: `other` began to resume meanwhile, saw that there is
/// no such key, and waits before looking once more.
fn resumed_beside(place: &Place, other: &Person, args: &[&str]) -> (Said, Said) {
    let resuming: Arc<Mutex<Option<JoinHandle<Said>>>> = Arc::default();
    let (kept, handle, other) = (Arc::clone(&resuming), place.fake.handle(), again(other));
    let looks = place.fake.count(Call::ListGuardrails);
    place.fake.inject(Rule::on(
        Call::CreateKey,
        Fault::run(move || {
            let other = again(&other);
            *kept.lock().unwrap() = Some(std::thread::spawn(move || other.covault(["key", "resume"])));
            let begun = Instant::now();
            while handle.count(Call::ListGuardrails) == looks && begun.elapsed() < Duration::from_secs(15) {
                std::thread::sleep(Duration::from_millis(10));
            }
            std::thread::sleep(Duration::from_millis(200));
        }),
    ));
    let said = place.alice().covault(args);
    let resumed = resuming.lock().unwrap().take().expect("nothing was asked for").join().unwrap();
    (said, resumed)
}

fn no_key_that_is_given_out_dies(args: &[&str]) {
    let template = Template::new();
    for in_one_clone in [false, true] {
        let place = template.copy();
        let at = format!("{} beside a resume, in one clone: {in_one_clone}", args.join(" "));
        place.believes_after("5s");
        let other = if in_one_clone { place.alice() } else { place.bob() };
        let (said, resumed) = resumed_beside(&place, other, args);
        place.check(&said, &at);
        place.check(&resumed, &at);
        assert_eq!((said.code, resumed.code), (5, 0), "{at}: {} {}", said.err, resumed.err);
        place.patient();
        all_resume(&place, &at);
        assert!(place.remote.value(args[2]).is_some(), "{at}");
    }
}

#[test]
fn a_rotation_that_is_resumed_beside_its_slow_request_gives_out_no_dead_key() {
    no_key_that_is_given_out_dies(&["key", "rotate", OLD]);
}

#[test]
fn an_issue_that_is_resumed_beside_its_slow_request_gives_out_no_dead_key() {
    no_key_that_is_given_out_dies(&["key", "issue", NEW, "--limit", "10/day"]);
}
