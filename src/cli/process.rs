//! What this process is allowed to leave behind: no core dump, and no look into its memory.

#[cfg(unix)]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit on core dumps that we found.
#[cfg(unix)]
static CORE: std::sync::OnceLock<Rlimit> = std::sync::OnceLock::new();

/// To be called first in `main`. Systems that cannot do it are used as they are.
pub fn harden() {
    #[cfg(unix)]
    {
        // The hard limit stays, so that the program which `run` starts gets back what was set.
        let found = CORE.get_or_init(|| getrlimit(Resource::Core));
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: found.maximum });
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Gives the next program the limit that we found: to be called right before it takes our place.
pub fn restore() {
    #[cfg(unix)]
    if let Some(found) = CORE.get() {
        let _ = setrlimit(Resource::Core, *found);
    }
}
