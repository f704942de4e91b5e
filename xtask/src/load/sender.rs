//! Connections that send one document after the other.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context, anyhow, ensure};

use super::documents::Documents;

/// Sends documents `0..count` and demands the outcome for each; how long each answer took, in microseconds.
pub(super) fn send_all(
    address: SocketAddr,
    documents: &Documents,
    count: u64,
    connections: usize,
    expected: &str,
) -> anyhow::Result<Vec<u64>> {
    ensure!(address.ip().is_loopback(), "load is only for loopback");
    let next = AtomicU64::new(0);
    thread::scope(|scope| {
        let send = || send_some(address, documents, &next, count, expected);
        let senders: Vec<_> = (0..connections).map(|_| scope.spawn(send)).collect();
        let mut waits = Vec::new();
        for sender in senders {
            waits.extend(sender.join().map_err(|_| anyhow!("a connection panicked"))??);
        }
        Ok(waits)
    })
}

fn send_some(
    address: SocketAddr,
    documents: &Documents,
    next: &AtomicU64,
    count: u64,
    expected: &str,
) -> anyhow::Result<Vec<u64>> {
    let mut stream = BufReader::new(TcpStream::connect(address)?);
    stream.get_ref().set_nodelay(true)?;
    let mut waits = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= count {
            return Ok(waits);
        }
        let body = documents.document(number);
        let request = format!(
            "POST /telemetry HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             X-Productive-K3S-Telemetry: load\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let started = Instant::now();
        stream.get_mut().write_all(request.as_bytes())?;
        let (status, answer) = response(&mut stream)?;
        waits.push(u64::try_from(started.elapsed().as_micros())?);
        ensure!(
            status.contains(" 202 ") && answer.contains(expected),
            "document {number}: {}: {answer}",
            status.trim()
        );
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
