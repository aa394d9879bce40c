//! libFuzzer for one target, which `COVAULT_FUZZ` names; without a target it prints their names and their longest inputs.
#![no_main]

#[cfg(feature = "answers")]
#[path = "targets/answers.rs"]
mod answers;
mod targets;

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use targets::{TARGETS, Target};

fn target() -> &'static Target {
    static TARGET: OnceLock<&Target> = OnceLock::new();
    TARGET.get_or_init(|| {
        let name = std::env::var("COVAULT_FUZZ").unwrap_or_default();
        let all = || TARGETS.iter();
        #[cfg(feature = "answers")]
        let all = || all().chain(std::iter::once(&answers::TARGET));
        all().find(|(known, _, _)| *known == name).unwrap_or_else(|| {
            all().for_each(|(name, _, longest)| println!("{name} {longest}"));
            std::process::exit(if name.is_empty() { 0 } else { 2 })
        })
    })
}

fuzz_target!(init: { target(); }, |data: &[u8]| (target().1)(data));
