//! Signals that ask the program to stop: noted, and obeyed at the next safe point.
//!
//! A handler that only sets a number is the whole of what runs inside a signal. Ending the process there instead would
//! leave a half-made change that no record tells of; a thread that watches would add a second writer to the terminal.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

/// A signal that asks the program to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The terminal went away.
    Hangup,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-\\. Its default action would end a run in the middle of a step and leave its memory, secrets included, in a
    /// core file.
    Quit,
    /// `kill`.
    Terminate,
}

impl Signal {
    /// What the operator knows it by.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hangup => "SIGHUP:",
            Self::Interrupt => "^C",
            Self::Quit => "^\\",
            Self::Terminate => "SIGTERM:",
        }
    }

    /// The number by which Linux knows the signal, see signal(7).
    pub const fn number(self) -> u8 {
        match self {
            Self::Hangup => 1,
            Self::Interrupt => 2,
            Self::Quit => 3,
            Self::Terminate => 15,
        }
    }
}

/// The signals that have arrived so far. Clones see the same signals.
#[derive(Clone, Debug)]
pub struct Signals {
    last: Arc<AtomicUsize>,
    wakeup: Arc<UnixStream>,
    /// One byte for each request to stop that was not counted yet.
    arrivals: Arc<UnixStream>,
    counted: Arc<AtomicUsize>,
}

impl Signals {
    /// Installs handlers for SIGINT, SIGQUIT, SIGTERM and SIGHUP, which stay for the rest of the process.
    ///
    /// # Errors
    /// The system has no descriptor left for the pair of sockets, or refuses a handler.
    pub fn install() -> io::Result<Self> {
        let last = Arc::new(AtomicUsize::new(0));
        let (wakeup, notify) = UnixStream::pair()?;
        for signal in [SIGINT, SIGQUIT, SIGTERM, SIGHUP] {
            let number = usize::try_from(signal).unwrap_or_default();
            // The number is stored before the socket is written to: who is woken must find it.
            signal_hook::flag::register_usize(signal, Arc::clone(&last), number)?;
            signal_hook::low_level::pipe::register(signal, notify.try_clone()?)?;
        }
        let (arrivals, count) = UnixStream::pair()?;
        arrivals.set_nonblocking(true)?;
        // A terminal that goes away may hang up twice, from the kernel and from the shell: that is one request.
        for signal in [SIGINT, SIGQUIT, SIGTERM] {
            signal_hook::low_level::pipe::register(signal, count.try_clone()?)?;
        }
        let (wakeup, arrivals) = (Arc::new(wakeup), Arc::new(arrivals));
        Ok(Self { last, wakeup, arrivals, counted: Arc::default() })
    }

    /// How often the operator has asked to stop: by a key, or by `kill`.
    pub(super) fn requests(&self) -> usize {
        let mut bytes = [0; 64];
        while let Ok(count @ 1..) = (&*self.arrivals).read(&mut bytes) {
            self.counted.fetch_add(count, Ordering::SeqCst);
        }
        self.counted.load(Ordering::SeqCst)
    }

    /// The signal that arrived last, if any did.
    pub fn pending(&self) -> Option<Signal> {
        // Zero is no signal, so it stands for none.
        match i32::try_from(self.last.load(Ordering::SeqCst)).unwrap_or_default() {
            SIGHUP => Some(Signal::Hangup),
            SIGINT => Some(Signal::Interrupt),
            SIGQUIT => Some(Signal::Quit),
            SIGTERM => Some(Signal::Terminate),
            _ => None,
        }
    }

    /// Becomes readable when a signal arrives, so that a wait for input can end.
    pub(super) fn wakeup(&self) -> BorrowedFd<'_> {
        self.wakeup.as_fd()
    }
}
