//! Process hygiene: where a secret is never seen, what a process leaves behind, what a hostile repository can do.

mod canary;
mod editor;
mod guesses;
mod hostile;
mod process;
mod trace;
