//! A client without behaviour of its own: it sends what the test gives, byte for byte.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// The headers of a document.
const MARKED: &str = "Content-Type: application/json\r\nX-Productive-K3S-Telemetry: test\r\n";

/// A response.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Status line and headers.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The outcome of a document.
    pub(crate) fn outcome(&self) -> String {
        assert_eq!(self.status, 202, "{self:?}");
        self.json()["status"].as_str().expect("a status").to_owned()
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

/// A connection.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("connected");
        // A test that waits endlessly shows nothing.
        stream.set_read_timeout(Some(Duration::from_mins(1))).expect("set");
        Self { stream: BufReader::new(stream) }
    }

    /// Sends bytes as they are; whether the other end accepted them.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Closes the sending side.
    pub(crate) fn finish(&self) {
        let _ = self.stream.get_ref().shutdown(std::net::Shutdown::Write);
    }

    /// The next response without its body, which is not read; `None` if the connection has ended.
    pub(crate) fn head(&mut self) -> Option<Reply> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            self.stream.read_line(&mut head).ok().filter(|length| *length > 0)?;
        }
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Some(Reply { status, head, body: String::new() })
    }

    /// The next response; `None` if the connection has ended.
    pub(crate) fn reply(&mut self) -> Option<Reply> {
        let mut reply = self.head()?;
        if let Some(length) = reply.header("content-length") {
            let mut body = vec![0; length.parse().expect("a length")];
            self.stream.read_exact(&mut body).expect("a body");
            reply.body = String::from_utf8(body).expect("text");
        }
        Some(reply)
    }

    /// Whether the other end has ended the connection, without a response.
    pub(crate) fn is_closed(&mut self) -> bool {
        let mut byte = [0];
        // A reset ends it as well.
        self.stream.read(&mut byte).map_or(true, |length| length == 0)
    }

    /// Sends a document as a sender does.
    pub(crate) fn post(&mut self, body: &[u8]) -> Reply {
        self.try_post(body).expect("a response")
    }

    /// As [`Self::post`], where the receiver may end before it answers.
    pub(crate) fn try_post(&mut self, body: &[u8]) -> Option<Reply> {
        self.post_with(MARKED, body)
    }

    /// As [`Self::post`], without waiting for the response.
    pub(crate) fn send_post(&mut self, body: &[u8]) {
        self.send_with(MARKED, body);
    }

    /// How long the other end may leave sent bytes unread.
    pub(crate) fn set_write_timeout(&self, timeout: Duration) {
        self.stream.get_ref().set_write_timeout(Some(timeout)).expect("set");
    }

    /// Sends a body with these headers.
    pub(crate) fn post_with(&mut self, headers: &str, body: &[u8]) -> Option<Reply> {
        self.send_with(headers, body);
        self.reply()
    }

    fn send_with(&mut self, headers: &str, body: &[u8]) {
        let head = format!(
            "POST /telemetry HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n{headers}\r\n",
            body.len()
        );
        let mut request = head.into_bytes();
        request.extend_from_slice(body);
        // The other end may answer, and close, before it has read all.
        let _ = self.send(&request);
    }

    /// Asks for a page.
    pub(crate) fn get(&mut self, path: &str) -> Reply {
        self.request("GET", path, "")
    }

    /// Sends a request without a body.
    pub(crate) fn request(&mut self, method: &str, path: &str, headers: &str) -> Reply {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        self.send(head.as_bytes()).expect("sent");
        self.reply().expect("a response")
    }
}
