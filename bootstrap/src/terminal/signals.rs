//! Signals that ask the program to stop: noted, and obeyed at the next safe point.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::exit::Signal;

/// The signals that have arrived so far.
#[derive(Debug)]
pub struct Signals {
    last: Arc<AtomicUsize>,
    wakeup: UnixStream,
}

impl Signals {
    /// Takes over SIGINT, SIGTERM and SIGHUP for the rest of the process.
    pub fn install() -> io::Result<Self> {
        let last = Arc::new(AtomicUsize::new(0));
        let (wakeup, notify) = UnixStream::pair()?;
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            let number = usize::try_from(signal).unwrap_or_default();
            signal_hook::flag::register_usize(signal, Arc::clone(&last), number)?;
            signal_hook::low_level::pipe::register(signal, notify.try_clone()?)?;
        }
        Ok(Self { last, wakeup })
    }

    /// The signal that arrived last, if any did.
    pub fn pending(&self) -> Option<Signal> {
        match i32::try_from(self.last.load(Ordering::SeqCst)).unwrap_or_default() {
            SIGHUP => Some(Signal::Hangup),
            SIGINT => Some(Signal::Interrupt),
            SIGTERM => Some(Signal::Terminate),
            _ => None,
        }
    }

    /// Becomes readable when a signal arrives, so that a wait for input can end.
    pub(super) fn wakeup(&self) -> BorrowedFd<'_> {
        self.wakeup.as_fd()
    }
}
