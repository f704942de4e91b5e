//! An HTTP server on loopback that does to its clients what a script says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What the server does once a request has arrived.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Answers with a status, further header lines (each ending in CRLF), and a body.
    Answer(u16, String, String),
    /// Answers once the test says so, see [`FaultServer::release`].
    Held(u16),
    /// Answers, and sends the body a moment after the head.
    LateBody(u16, String),
    /// Sends nothing.
    Silence,
    /// Sends one byte of a good answer each second.
    Trickle,
    /// Resets the connection.
    Reset,
    /// Sends an answer that is not HTTP.
    Garbage,
    /// Answers with the head of a body of so many bytes, and sends none of them.
    Announces(u16, u64),
    /// Answers 200 and never ends the body.
    Endless,
}

impl Act {
    /// An answer with an empty body.
    pub(crate) fn status(status: u16) -> Self {
        Self::Answer(status, String::new(), String::new())
    }

    /// An answer with one more header.
    pub(crate) fn with_header(status: u16, name: &str, value: &str) -> Self {
        Self::Answer(status, format!("{name}: {value}\r\n"), String::new())
    }
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// Request line and headers, as they came.
    pub(crate) head: String,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// When it was complete.
    pub(crate) at: Instant,
    /// Number of the connection that it came on, from 0.
    pub(crate) connection: usize,
}

impl Received {
    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    /// When it was complete, as the clock of the system said.
    pub(crate) fn arrived_at(&self) -> SystemTime {
        SystemTime::now() - self.at.elapsed()
    }

    /// The value of a header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

#[derive(Default)]
struct Shared {
    script: Mutex<Vec<Act>>,
    received: Mutex<Vec<Received>>,
    endless_bytes: Mutex<usize>,
    released: AtomicBool,
    stopped: AtomicBool,
}

/// The server. It stops when it is dropped.
pub(crate) struct FaultServer {
    address: SocketAddr,
    scheme: &'static str,
    shared: Arc<Shared>,
}

impl FaultServer {
    /// Serves each request by the next act; the last one is repeated endlessly.
    pub(crate) fn start(script: impl IntoIterator<Item = Act>) -> Self {
        Self::serve(script.into_iter().collect(), None)
    }

    /// As [`Self::start`], over TLS.
    pub(crate) fn start_tls(script: impl IntoIterator<Item = Act>, tls: Arc<ServerConfig>) -> Self {
        Self::serve(script.into_iter().collect(), Some(tls))
    }

    fn serve(mut script: Vec<Act>, tls: Option<Arc<ServerConfig>>) -> Self {
        script.reverse();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared { script: Mutex::new(script), ..Shared::default() });
        let scheme = if tls.is_some() { "https" } else { "http" };
        let server = Self { address, scheme, shared: Arc::clone(&shared) };
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                if shared.stopped.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(stream), shared, tls) = (stream, Arc::clone(&shared), tls.clone()) else { continue };
                thread::spawn(move || shared.connection(stream, number, tls));
            }
        });
        server
    }

    /// Where documents go.
    pub(crate) fn url(&self) -> String {
        format!("{}://localhost:{}/telemetry", self.scheme, self.address.port())
    }

    /// The address that it listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// All requests so far, in the order of arrival.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.shared.received.lock().expect("no panic").clone()
    }

    /// Waits until so many requests have arrived.
    pub(crate) fn await_requests(&self, count: usize) {
        await_that("the requests arrive", || self.received().len() >= count);
    }

    /// Releases the answers that are held.
    pub(crate) fn release(&self) {
        self.shared.released.store(true, Ordering::Relaxed);
    }

    /// How much of an endless body could be written.
    pub(crate) fn endless_bytes(&self) -> usize {
        *self.shared.endless_bytes.lock().expect("no panic")
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl Shared {
    fn connection(&self, stream: TcpStream, number: usize, tls: Option<Arc<ServerConfig>>) -> Option<()> {
        stream.set_nodelay(true).ok()?;
        let stream: Box<dyn Stream> = match tls {
            None => Box::new(stream),
            Some(config) => Box::new(StreamOwned::new(ServerConnection::new(config).ok()?, stream)),
        };
        // A buffer of one byte leaves the rest of a request in the socket, so closing it resets the connection.
        let mut stream = BufReader::with_capacity(1, stream);
        loop {
            let head = read_head(&mut stream)?;
            let act = self.next_act();
            let is_reset = matches!(act, Act::Reset);
            let mut body = vec![0; content_length(&head).saturating_sub(usize::from(is_reset))];
            stream.read_exact(&mut body).ok()?;
            let at = Instant::now();
            self.received.lock().ok()?.push(Received { head, body, at, connection: number });
            self.perform(act, stream.get_mut())?;
        }
    }

    fn next_act(&self) -> Act {
        let mut script = self.script.lock().expect("no panic");
        if script.len() > 1 { script.pop() } else { script.last().cloned() }.expect("a script has an act")
    }

    /// `None` closes the connection.
    fn perform(&self, act: Act, stream: &mut dyn Stream) -> Option<()> {
        let answer = |status: u16, headers: &str, body: &str| {
            format!("HTTP/1.1 {status} Scripted\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
        };
        match act {
            Act::Answer(204, headers, _) => write!(stream, "HTTP/1.1 204 Scripted\r\n{headers}\r\n").ok(),
            Act::Answer(status, headers, body) => {
                stream.write_all(answer(status, &headers, &body).as_bytes()).ok()
            }
            Act::Held(status) => {
                self.await_release();
                stream.write_all(answer(status, "", "").as_bytes()).ok()
            }
            Act::LateBody(status, body) => {
                let answer = answer(status, "", &body);
                let (head, body) = answer.split_at(answer.len() - body.len());
                stream.write_all(head.as_bytes()).and_then(|()| stream.flush()).ok()?;
                thread::sleep(Duration::from_millis(50));
                stream.write_all(body.as_bytes()).ok()
            }
            Act::Announces(status, length) => {
                let head = format!("HTTP/1.1 {status} Scripted\r\nContent-Length: {length}\r\n\r\n");
                stream.write_all(head.as_bytes()).and_then(|()| stream.flush()).ok()?;
                self.sleep_until_stopped();
                None
            }
            Act::Silence => {
                self.sleep_until_stopped();
                None
            }
            Act::Trickle => {
                for byte in answer(202, "", "").bytes() {
                    stream.write_all(&[byte]).and_then(|()| stream.flush()).ok()?;
                    thread::sleep(Duration::from_secs(1));
                }
                None
            }
            Act::Reset => None,
            Act::Garbage => {
                stream.write_all(b"SSH-2.0-OpenSSH_9.6\r\n").ok()?;
                None
            }
            Act::Endless => {
                stream.write_all(b"HTTP/1.1 200 Scripted\r\nTransfer-Encoding: chunked\r\n\r\n").ok()?;
                loop {
                    stream.write_all(format!("400\r\n{}\r\n", "x".repeat(1024)).as_bytes()).ok()?;
                    *self.endless_bytes.lock().ok()? += 1024;
                }
            }
        }
    }

    fn await_release(&self) {
        while !self.released.load(Ordering::Relaxed) && !self.stopped.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn sleep_until_stopped(&self) {
        while !self.stopped.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Waits for a condition as long as a busy machine may need. What takes longer is broken and not slow.
pub(crate) fn await_that(what: &str, condition: impl Fn() -> bool) {
    let ends = Instant::now() + Duration::from_mins(2);
    while !condition() {
        assert!(Instant::now() < ends, "in vain: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Reads until the empty line. `None` if the client closed the connection.
pub(crate) fn read_head(stream: &mut impl BufRead) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    Some(head)
}

fn content_length(head: &str) -> usize {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    let length = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0)
}
