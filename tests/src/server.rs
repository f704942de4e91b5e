//! A telemetry endpoint on loopback that keeps what arrives and answers as scripted.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{iter, thread};

use serde_json::Value;

/// How the endpoint answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response {
    /// Answers with this status.
    Status(u16),
    /// Answers 503 with a `Retry-After` of this many seconds.
    Overloaded(u32),
    /// Answers 202 after this many milliseconds.
    Delayed(u64),
    /// Sends nothing.
    Never,
    /// Sends one byte of an answer each second, and never all of it.
    Trickle,
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct ReceivedRequest {
    /// Request line and headers.
    pub head: String,
    /// Body.
    pub body: Vec<u8>,
    /// How it was answered.
    pub response: Response,
}

impl ReceivedRequest {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    /// A string member of the body.
    pub fn word(&self, field: &str) -> String {
        self.json()[field].as_str().expect("a word").to_owned()
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

#[derive(Default)]
struct Shared {
    script: Mutex<Vec<Response>>,
    received: Mutex<Vec<ReceivedRequest>>,
    stopped: AtomicBool,
}

/// The endpoint. It stops when it is dropped.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Server {
    /// Treats each request by the next response; the last one is repeated endlessly.
    pub fn start(script: impl IntoIterator<Item = Response>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let server = Self { address, shared: Arc::clone(&shared) };
        server.respond_with(script);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.stopped.load(Ordering::Relaxed) {
                    return;
                }
                // One thread per connection: one that is never answered must not delay the others.
                let (Ok(stream), shared) = (stream, Arc::clone(&shared)) else { continue };
                thread::spawn(move || shared.serve(&stream));
            }
        });
        server
    }

    /// Continues with another script.
    pub fn respond_with(&self, script: impl IntoIterator<Item = Response>) {
        let mut script: Vec<Response> = script.into_iter().collect();
        script.reverse();
        *self.shared.script.lock().expect("no panic") = script;
    }

    /// Where documents go.
    pub fn url(&self) -> String {
        format!("http://{}/telemetry", self.address)
    }

    /// Every request so far, in the order of arrival.
    pub fn received(&self) -> Vec<ReceivedRequest> {
        self.shared.received.lock().expect("no panic").clone()
    }

    /// The requests that were answered with 2xx.
    pub fn accepted(&self) -> Vec<ReceivedRequest> {
        let is_accepted = |response| matches!(response, Response::Status(200..300) | Response::Delayed(_));
        self.received().into_iter().filter(|request| is_accepted(request.response)).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for a connection.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    /// Serves one connection until the client closes it. A client that was killed is no fault.
    fn serve(&self, stream: &TcpStream) -> Option<()> {
        // Otherwise the kernel gathers the single bytes of a trickle.
        stream.set_nodelay(true).ok()?;
        let (mut reader, mut writer) = (BufReader::new(stream), stream);
        loop {
            let head = read_head(&mut reader)?;
            let mut request = ReceivedRequest { head, body: Vec::new(), response: Response::Never };
            let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            request.body.resize(length, 0);
            reader.read_exact(&mut request.body).ok()?;
            // Before the request is kept: a test that sees the request may change the script at once.
            let response = self.next_response();
            self.received.lock().ok()?.push(ReceivedRequest { response, ..request });
            self.perform(response, &mut writer)?;
        }
    }

    fn next_response(&self) -> Response {
        let mut script = self.script.lock().expect("no panic");
        if script.len() > 1 { script.pop() } else { script.last().copied() }.expect("a script has a response")
    }

    fn perform(&self, response: Response, stream: &mut impl Write) -> Option<()> {
        let answer = |status: u16| format!("HTTP/1.1 {status} Scripted\r\nContent-Length: 0\r\n\r\n");
        match response {
            Response::Status(status) => stream.write_all(answer(status).as_bytes()).ok(),
            Response::Overloaded(seconds) => {
                let head = format!("HTTP/1.1 503 Scripted\r\nRetry-After: {seconds}\r\n");
                write!(stream, "{head}Content-Length: 0\r\n\r\n").ok()
            }
            Response::Delayed(milliseconds) => {
                thread::sleep(Duration::from_millis(milliseconds));
                stream.write_all(answer(202).as_bytes()).ok()
            }
            Response::Never => {
                while !self.stopped.load(Ordering::Relaxed) {
                    thread::sleep(Duration::from_millis(50));
                }
                None
            }
            Response::Trickle => {
                let head = "HTTP/1.1 202 Scripted\r\nX-Endless: ";
                for byte in head.bytes().chain(iter::repeat(b'.')) {
                    if self.stopped.load(Ordering::Relaxed) {
                        break;
                    }
                    stream.write_all(&[byte]).and_then(|()| stream.flush()).ok()?;
                    thread::sleep(Duration::from_secs(1));
                }
                None
            }
        }
    }
}

/// Reads until the empty line; `None` if the client closed the connection.
fn read_head(stream: &mut impl BufRead) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    Some(head)
}
