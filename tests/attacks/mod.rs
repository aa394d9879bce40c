//! Bad things tried. Each case is an attack on one prepared team, the command that is run afterwards with its exact exit
//! code, and that nothing else gave way: every other secret has its value, no planted value is shown, and a refused
//! command changed nothing in the repository.

mod carrying;
mod documents;
mod environment;
mod flooding;
pub mod forge;
mod forging;
mod held;
mod hostile;
mod joining;
mod journals;
mod lagging;
mod merging;
mod ordinary;
mod put_back;
pub mod rig;
mod rollback;
mod roster;
mod roster_rules;
mod standing;
mod swapping;
mod terminal;
