//! Running: random scripts from a seed, scripts from a file, and making those that fail smaller.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::dice::Dice;
use super::generate;
use super::script::{Script, Step};
use super::sim::{Counts, Outcome, Sim, Violation};

/// What came of it.
#[derive(Default)]
pub struct Tally {
    pub tried: usize,
    pub steps: Counts,
    pub stops: Counts,
    pub refusals: Counts,
    pub work: Counts,
}

impl Tally {
    fn take(&mut self, sim: &Sim) {
        self.tried += 1;
        self.steps.take(&sim.steps);
        self.stops.take(&sim.stops);
        self.refusals.take(&sim.refusals);
        self.work.take(&sim.work);
    }

    pub fn print(&self) {
        let total: usize = self.steps.0.values().sum();
        println!("{total} operations");
        for (title, counts) in
            [("operations", &self.steps), ("stops", &self.stops), ("refusals", &self.refusals), ("work", &self.work)]
        {
            println!("  {title}:");
            counts.0.iter().for_each(|(what, count)| println!("    {count:6}  {what}"));
        }
    }
}

/// How large a world is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub clones: usize,
    /// How many of them belong to liars.
    pub liars: usize,
    /// Once in so many steps one of these lies.
    pub often: usize,
    pub operations: usize,
}

/// Random steps until so many did something; then everything must be well. A failure comes with its script.
pub fn random(seed: u64, size: Size, tally: &mut Tally) -> Result<(), (Script, Violation)> {
    let mut script = Script { seed, cast: generate::cast(size.clones, size.liars), steps: Vec::new() };
    let mut sim = Sim::new(&script, true);
    if let Err(violation) = at_random(&mut sim, &mut script, size) {
        sim.keep();
        return Err((script, violation));
    }
    tally.take(&sim);
    Ok(())
}

fn at_random(sim: &mut Sim, script: &mut Script, size: Size) -> Result<(), Violation> {
    let Size { clones, liars, often, operations } = size;
    let mut dice = Dice::new(script.seed);
    script.steps = generate::beginning(&mut dice, &script.cast);
    for step in script.steps.clone() {
        guarded(|| sim.step(&step))?;
    }
    let (mut done, mut tried) = (0, 0);
    let every = 10 + clones.min(40);
    while done < operations && tried < operations * 10 {
        tried += 1;
        // Who left lies, too, where anybody does.
        let all = if liars == 0 { Vec::new() } else { sim.liars() };
        let lies = !all.is_empty() && dice.once_in(often);
        let step = if lies { generate::lie(&mut dice, &all) } else { generate::step(&mut dice, &sim.cast()) };
        script.steps.push(step.clone());
        match guarded(|| sim.step(&step))? {
            Outcome::Done => {
                done += 1;
                if done % every == 0 {
                    let all = Step::new("all", &["exchange"]);
                    script.steps.push(all.clone());
                    guarded(|| sim.step(&all))?;
                }
            }
            Outcome::Passed => drop(script.steps.pop()),
        }
    }
    guarded(|| sim.finish())
}

/// A script as it stands.
pub fn replay(script: &Script, thorough: bool, tally: &mut Tally) -> Result<(), Violation> {
    let mut sim = Sim::new(script, thorough);
    let trace = std::env::var_os("COVAULT_TRACE").is_some();
    for step in &script.steps {
        let outcome = guarded(|| sim.step(step));
        if trace {
            println!("{step}: {outcome:?}\n{}", sim.tell_all());
        }
        outcome.inspect_err(|_| sim.keep())?;
    }
    let end = guarded(|| sim.finish()).inspect_err(|_| sim.keep());
    if trace {
        println!("end: {end:?}\n{}", sim.tell_all());
    }
    end?;
    tally.take(&sim);
    Ok(())
}

/// A panic of a test's own assertion is a violation, too.
fn guarded<T>(act: impl FnOnce() -> Result<T, Violation>) -> Result<T, Violation> {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|cause| {
        let text = cause.downcast_ref::<String>().cloned();
        let text = text.or_else(|| cause.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default();
        Err(Violation { rule: "panic", text })
    })
}

/// Leaves out steps for as long as the same rule is broken and there is time.
pub fn shrink(script: &Script, violation: &Violation, time: Duration) -> (Script, Violation) {
    let end = Instant::now() + time;
    let (mut best, mut broken) = (script.clone(), violation.clone());
    let mut size = best.steps.len().div_ceil(2);
    while size > 0 {
        let mut from = 0;
        while from < best.steps.len() {
            if Instant::now() > end {
                return (best, broken);
            }
            let mut smaller = best.clone();
            smaller.steps.drain(from..(from + size).min(best.steps.len()));
            match replay(&smaller, true, &mut Tally::default()) {
                Err(again) if again.rule == broken.rule => {
                    best = smaller;
                    broken = again;
                }
                _ => from += size,
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    (best, broken)
}
