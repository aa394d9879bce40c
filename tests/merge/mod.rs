//! What two branches made of one vault, brought together in real clones.

mod arrival;
mod clones;
mod decisions;
mod departed;
mod git;
mod gone;
mod hooks;
mod interrupted;
mod journals;
mod keyless;
mod laws;
mod let_go;
mod live;
mod one_roster;
mod ongoing;
mod parts;
mod places;
pub mod rig;
mod roster;
mod settle;
mod siblings;
mod sides;
mod sight;
mod stops;
mod sync;
mod told;
mod traps;
