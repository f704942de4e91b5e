//! Connections that send one document after the other.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context, anyhow, ensure};

use super::documents::Documents;
use super::figure::Figure;

/// Documents that are sent over several connections.
pub(super) struct DocumentLoad<'a> {
    pub(super) address: SocketAddr,
    pub(super) documents: &'a Documents,
    /// Their numbers.
    pub(super) numbers: Range<u64>,
    pub(super) connections: usize,
}

/// As what documents are sent, and what each must be answered.
pub(super) struct ExpectedAnswer<'a> {
    pub(super) media_type: &'a str,
    pub(super) status: u16,
    /// Stands in the body of the answer.
    pub(super) word: &'a str,
}

impl<'a> ExpectedAnswer<'a> {
    /// Documents that are sent as what they are.
    pub(super) fn json(status: u16, word: &'a str) -> Self {
        Self { media_type: "application/json", status, word }
    }
}

impl DocumentLoad<'_> {
    /// Sends all, and demands what is expected for each. All connections are open before the time starts: many at once may
    /// have to wait a second until the kernel tries again.
    pub(super) fn send(&self, expected: &ExpectedAnswer<'_>) -> anyhow::Result<Figure> {
        ensure!(self.address.ip().is_loopback(), "load is only for loopback");
        let streams: Vec<_> = (0..self.connections).map(|_| self.connect()).collect::<Result<_, _>>()?;
        let (next, started) = (AtomicU64::new(self.numbers.start), Instant::now());
        let waits = thread::scope(|scope| {
            let send = |stream| scope.spawn(|| self.send_some(stream, &next, expected));
            let senders: Vec<_> = streams.into_iter().map(send).collect();
            let mut waits = Vec::new();
            for sender in senders {
                waits.extend(sender.join().map_err(|_| anyhow!("a connection panicked"))??);
            }
            anyhow::Ok(waits)
        })?;
        Ok(Figure::new(self.numbers.end - self.numbers.start, started.elapsed(), waits))
    }

    fn connect(&self) -> std::io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        Ok(BufReader::new(stream))
    }

    /// Sends what the other connections leave; how long each answer took, in microseconds.
    fn send_some(
        &self,
        mut stream: BufReader<TcpStream>,
        next: &AtomicU64,
        expected: &ExpectedAnswer<'_>,
    ) -> anyhow::Result<Vec<u64>> {
        let ExpectedAnswer { media_type, status: wanted, word } = expected;
        let mut waits = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= self.numbers.end {
                return Ok(waits);
            }
            let body = self.documents.document(number);
            let request = format!(
                "POST /telemetry HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media_type}\r\n\
                 X-Productive-K3S-Telemetry: load\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let started = Instant::now();
            stream.get_mut().write_all(request.as_bytes())?;
            let (status, answer) = response(&mut stream)?;
            waits.push(u64::try_from(started.elapsed().as_micros())?);
            ensure!(
                status.contains(&format!(" {wanted} ")) && answer.contains(word),
                "document {number}: {}: {answer}",
                status.trim()
            );
        }
    }
}

/// Asks for the pages of these chains, one after the other; how long each took, in microseconds.
pub(super) fn read_chains(
    address: SocketAddr,
    token: &str,
    sessions: &mut dyn Iterator<Item = String>,
) -> anyhow::Result<Vec<u64>> {
    let mut stream = BufReader::new(TcpStream::connect(address)?);
    stream.get_ref().set_nodelay(true)?;
    let mut waits = Vec::new();
    for session in sessions {
        let request = format!(
            "GET /chains/{session} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        let started = Instant::now();
        stream.get_mut().write_all(request.as_bytes())?;
        let (status, page) = response(&mut stream)?;
        waits.push(u64::try_from(started.elapsed().as_micros())?);
        ensure!(status.contains(" 200 ") && page.contains("documents: 5"), "{session}: {}", status.trim());
    }
    Ok(waits)
}

/// The status line and the body of the next response.
fn response(stream: &mut BufReader<TcpStream>) -> anyhow::Result<(String, String)> {
    let (mut status, mut length) = (String::new(), 0);
    stream.read_line(&mut status)?;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        let value = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        if let Some((_, value)) = value {
            length = value.trim().parse().context("a length")?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((status, String::from_utf8(body)?))
}
