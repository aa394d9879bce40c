//! Wrong clocks: from 1970 to 2099, and another one for the next command. What is newer is told by what follows what,
//! never by a clock.
//!
//! Short: one case of each of four commands. Long: four of each:
//! `COVAULT_LONG=1 cargo test --test covault faults::clock -- --nocapture`

use super::campaign;
use super::rig::long;
use super::shim::Shim;
use crate::world::have;

/// The times of a command, of the next one and of its repetition; nothing is the right time.
type Times = [Option<i64>; 3];

const FIRST: i64 = 60;
/// The last second that 31 bits hold.
const SIGNED: i64 = i32::MAX as i64;
const Y2K: i64 = 946_684_799;
/// 2099-12-31.
const LAST: i64 = 4_102_444_799 - 86_400;

fn right_time() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

#[test]
fn every_command_works_at_any_time_and_after_a_clock_that_jumped() {
    if !have("cc") {
        return;
    }
    let shim = Shim::new();
    campaign::run(
        "clock",
        4,
        |_, dice| -> Vec<Times> {
            let mut any = || Some(i64::try_from(dice.below(usize::try_from(LAST).unwrap())).unwrap());
            let random = [any(), any(), any()];
            let all = vec![
                [Some(FIRST), Some(LAST), None],
                [Some(LAST), Some(FIRST), Some(SIGNED)],
                [Some(SIGNED + 1), None, Some(Y2K)],
                random,
            ];
            if long() { all } else { dice.some(all, 1) }
        },
        |prepared, times| {
            let at = format!("{}, at {times:?}", prepared.command.name);
            let mut scene = prepared.copy();
            shim.sets_clock(&mut scene, times[0]);
            let said = scene.run();
            scene.says_so(&said, &at);
            let now = scene.old_or_new(&at);
            if said.code == 0 {
                assert_eq!(now, prepared.after, "{at}: called done: {}", said.err);
            }
            shim.sets_clock(&mut scene, times[1]);
            scene.next_works(&at);
            // In the midst of a merge it is staged, and committed by whoever ends that.
            if scene.is_a_members() && !scene.alice().repo.join(".git/MERGE_HEAD").exists() {
                let made = scene.alice().git(["log", "-1", "--format=%at"]).ok().text().trim().parse::<i64>().unwrap();
                let expected = times[1].unwrap_or_else(right_time);
                assert!((made - expected).abs() < 3_600, "{at}: the next commit is of {made}, not of {expected}");
            }
            shim.sets_clock(&mut scene, times[2]);
            scene.ends_new(&at);
            if said.code == 0 { "done" } else { "refused" }
        },
    );
}
