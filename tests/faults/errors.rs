//! A system that says no: each call that changes something fails once, with each of the errors that systems have.
//!
//! Short: a spread sample. Long: every call with every error:
//! `COVAULT_LONG=1 cargo test --test covault faults::errors -- --nocapture`

use super::rig::{acts, check_values, copy, each, points, spread, template, traced, value};
use crate::world::have;

const ERRORS: &[&str] = &["ENOSPC", "EIO", "EACCES", "EROFS", "EMFILE", "EDQUOT", "EINTR"];

fn fails_everywhere(what: &str, count: usize) {
    if !have("strace") {
        return;
    }
    let (_world, alice) = template();
    let act = acts().into_iter().find(|(name, _)| *name == what).unwrap().1;
    let all: Vec<_> = points(&alice, &act)
        .into_iter()
        .flat_map(|(call, n)| ERRORS.map_to(move |error| (call.clone(), n, error)))
        .collect();
    // Seven errors for each call: a step that shares no factor with seven meets them all.
    let chosen = spread(&all, count);
    let (mut failed, mut fine) = (0, 0);
    each(&chosen, |(call, n, error)| {
        let at = format!("{what}, {error} from {call} number {n}");
        let (_world, person) = copy(&alice);
        let options = [format!("--trace={call}"), format!("--inject={call}:error={error}:when={n}")];
        let (said, _) = traced(&person, &options, act.args, &act.input);
        check_values(&person, &act, &at);
        match said.code {
            0 => {
                fine += 1;
                let vault = super::rig::open(&person).unwrap();
                if act.args.first() != Some(&"restore") {
                    for (name, allowed) in &act.allowed {
                        assert_eq!(super::rig::read(&vault, name).unwrap(), allowed[1], "{at}: {name}: {}", said.err);
                    }
                }
            }
            1..=9 => {
                failed += 1;
                assert!(said.err.contains("error: "), "{at}: {}", said.err);
                assert!(!said.err.contains("panicked"), "{at}: {}", said.err);
            }
            code => panic!("{at}: exit code {code}: {}", said.err),
        }
        assert!(!said.err.contains(super::rig::CANARY), "{at}: {}", said.err);
        // A lock that git itself could not remove is named; everything else is as if nothing had been.
        let next = person.covault_fed(value("next").as_bytes(), ["set", "next/one"]);
        assert!(next.code == 0 || next.err.contains("hint: if no other git is running: rm "), "{at}: {}", next.err);
        check_values(&person, &act, &at);
    });
    eprintln!("{what}: {} of {} errors; {failed} reported, {fine} done all the same", chosen.len(), all.len());
}

trait MapTo<T> {
    fn map_to<U>(&self, make: impl Fn(T) -> U) -> Vec<U>;
}

impl<T: Copy> MapTo<T> for [T] {
    fn map_to<U>(&self, make: impl Fn(T) -> U) -> Vec<U> {
        self.iter().map(|one| make(*one)).collect()
    }
}

#[test]
fn a_change_that_the_system_refuses_anywhere_is_old_or_new() {
    fails_everywhere("set", 23);
}

#[test]
fn a_new_secret_that_the_system_refuses_anywhere_is_there_or_not() {
    fails_everywhere("set a new secret", 11);
}

#[test]
fn a_move_that_the_system_refuses_anywhere_loses_nothing() {
    fails_everywhere("mv", 11);
}

#[test]
fn an_import_that_the_system_refuses_anywhere_has_whole_values() {
    fails_everywhere("import", 11);
}
