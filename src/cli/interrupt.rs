//! Signals that end this process while something of it must not stay behind: a terminal that hides what is typed, and the
//! file that an editor has open.
//!
//! It asks nothing and edits nothing; it only puts away what [`super::ask`] and [`super::edit`] have out.

#[cfg(unix)]
pub use system::Hidden;
pub use system::{clear_first, during_editor, pass_on};

#[cfg(unix)]
mod system {
    use std::fs::File;
    use std::io::{self, Write as _};
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use rustix::process::{Signal, kill_current_process_group};
    use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    /// What a signal must put away.
    struct Out {
        is_watched: bool,
        terminal: Option<(File, Termios)>,
        clear: Option<Box<dyn Fn() + Send>>,
        /// An editor runs at the terminal.
        is_editing: bool,
    }

    static OUT: Mutex<Out> = Mutex::new(Out { is_watched: false, terminal: None, clear: None, is_editing: false });

    fn out() -> MutexGuard<'static, Out> {
        OUT.lock().unwrap_or_else(PoisonError::into_inner)
    }

    impl Out {
        /// Starts the thread that waits for signals, once. It stays: a signal whose handler was taken away again would be
        /// swallowed.
        fn watch(&mut self) -> io::Result<()> {
            if self.is_watched {
                return Ok(());
            }
            let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
            std::thread::Builder::new().spawn(move || signals.forever().for_each(end))?;
            self.is_watched = true;
            Ok(())
        }

        fn show(&mut self) {
            if let Some((terminal, before)) = self.terminal.take() {
                let _ = tcsetattr(&terminal, OptionalActions::Now, &before);
                let _ = (&terminal).write_all(b"\n");
            }
        }
    }

    /// Puts everything away and ends as the signal would have. While an editor runs, ^C is the editor's, as with git.
    fn end(signal: i32) {
        // Held to the end, so that nothing is hidden once more.
        let mut out = out();
        if out.is_editing && [SIGINT, SIGQUIT].contains(&signal) {
            return;
        }
        out.show();
        if let Some(clear) = &out.clear {
            clear();
        }
        let _ = emulate_default_handler(signal);
    }

    /// Has `clear` called before a signal ends this process, from now on.
    pub fn clear_first(clear: impl Fn() + Send + 'static) -> io::Result<()> {
        let mut out = out();
        out.watch()?;
        out.clear = Some(Box::new(clear));
        Ok(())
    }

    /// Leaves ^C to an editor while that runs; at a question after it, ^C is ours again.
    pub fn during_editor<T>(edit: impl FnOnce() -> T) -> T {
        out().is_editing = true;
        let edited = edit();
        out().is_editing = false;
        edited
    }

    /// Sends SIGINT to all that the terminal would send it to, for a ^C that was read as a character: a script that asks us
    /// ends, too.
    pub fn pass_on() {
        let _ = kill_current_process_group(Signal::INT);
    }

    /// The terminal of this process while it does not show what is typed; as it was when this is dropped, or a signal comes.
    pub struct Hidden(File);

    impl Hidden {
        /// Hides what is typed. Not line by line: the system would cut a line after 4,095 bytes. ^C stays the terminal's,
        /// which sends it to a script that called us, too.
        pub fn new() -> io::Result<Self> {
            let terminal = File::options().read(true).write(true).open("/dev/tty")?;
            let before = tcgetattr(&terminal)?;
            let mut hiding = before.clone();
            hiding.local_modes -= LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::IEXTEN;
            hiding.local_modes |= LocalModes::ISIG;
            hiding.special_codes[SpecialCodeIndex::VMIN] = 1;
            hiding.special_codes[SpecialCodeIndex::VTIME] = 0;
            // Not every shell that goes on with us after a ^Z would hide again.
            hiding.special_codes[SpecialCodeIndex::VSUSP] = DISABLED;
            let mut out = out();
            out.watch()?;
            // Noted first: a signal that comes in between finds it.
            out.terminal = Some((terminal.try_clone()?, before));
            tcsetattr(&terminal, OptionalActions::Now, &hiding)?;
            Ok(Self(terminal))
        }

        /// For what is asked and what is typed.
        pub fn terminal(&self) -> &File {
            &self.0
        }
    }

    impl Drop for Hidden {
        fn drop(&mut self) {
            out().show();
        }
    }

    /// `_POSIX_VDISABLE`: no character.
    const DISABLED: u8 = if cfg!(any(target_os = "linux", target_os = "android")) { 0 } else { 0xff };
}

#[cfg(not(unix))]
mod system {
    /// Nothing here tells us of signals.
    pub fn clear_first(_clear: impl Fn() + Send + 'static) -> std::io::Result<()> {
        Ok(())
    }

    /// Nothing is kept from an editor.
    pub fn during_editor<T>(edit: impl FnOnce() -> T) -> T {
        edit()
    }

    /// Nobody else is told.
    pub fn pass_on() {}
}
