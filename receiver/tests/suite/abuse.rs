//! Peers that break the protocol, stall or lie. Each gets its answer or loses its connection, and no other peer notices.

use std::thread;
use std::time::Duration;

use crate::documents::sample;
use crate::support::{Client, Receiver, Site};

const HEAD: &str = "POST /telemetry HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                    X-Productive-K3S-Telemetry: test\r\n";

/// The status of the answer to these bytes; `None` if the connection just ends.
fn answered(receiver: &Receiver, bytes: &[u8]) -> Option<u16> {
    let mut client = receiver.client();
    let _ = client.send(bytes);
    client.finish();
    client.reply().map(|reply| reply.status)
}

#[test]
fn what_is_no_http_is_answered_or_cut_off() {
    let site = Site::sqlite();
    let receiver = site.receiver();
    let body = sample().bytes;
    let with = |headers: &str, body: &[u8]| [HEAD.as_bytes(), headers.as_bytes(), b"\r\n\r\n", body].concat();
    let length = format!("Content-Length: {}", body.len());
    let chunk = [format!("{:x}\r\n", body.len()).as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
    let many = format!("{length}\r\n{}", "X-Filler: x\r\n".repeat(200));
    let long = format!("{length}\r\nX-Filler: {}", "x".repeat(100_000));
    for (name, bytes, expected) in [
        ("nonsense", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n".to_vec(), &[Some(400), None][..]),
        (
            "HTTP/2 by prior knowledge",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
            &[Some(400), Some(505), None],
        ),
        ("half a header", HEAD.as_bytes().to_vec(), &[Some(400), None]),
        ("a NUL in a header", with("X-Nul: a\0b", b""), &[Some(400)]),
        ("too many headers", with(&many, &body), &[Some(431), Some(400)]),
        ("a header too long", with(&long, &body), &[Some(431), Some(400), None]),
        ("two lengths", with("Content-Length: 5\r\nContent-Length: 6", b"{}"), &[Some(400)]),
        ("a negative length", with("Content-Length: -1", b"{}"), &[Some(400)]),
        ("a length of words", with("Content-Length: 1e3", b"{}"), &[Some(400)]),
        ("more promised than sent", with("Content-Length: 9000", &body), &[Some(408), Some(400), None]),
        ("chunks", with("Transfer-Encoding: chunked", &chunk), &[Some(202)]),
        ("a chunk of no size", with("Transfer-Encoding: chunked", b"zz\r\n"), &[Some(408), Some(400), None]),
        (
            "a chunk cut off",
            with("Transfer-Encoding: chunked", b"ffff\r\nabc"),
            &[Some(408), Some(400), None],
        ),
        ("an unknown coding", with("Transfer-Encoding: gzip", &chunk), &[Some(400), Some(501)]),
        ("no body", with("Content-Length: 0", b""), &[Some(400)]),
    ] {
        let status = answered(&receiver, &bytes);
        assert!(expected.contains(&status), "{name}: {status:?}");
    }
    assert_eq!(receiver.client().post(&sample().bytes).outcome(), "accepted");
}

#[test]
fn two_requests_in_one_segment_are_two_requests() {
    let site = Site::sqlite();
    let receiver = site.receiver();
    let mut client = receiver.client();
    let mut bytes = Vec::new();
    for _ in 0..2 {
        let body = sample().bytes;
        bytes.extend_from_slice(format!("{HEAD}Content-Length: {}\r\n\r\n", body.len()).as_bytes());
        bytes.extend_from_slice(&body);
    }
    client.send(&bytes).expect("sent");
    assert_eq!([client.reply().expect("one").status, client.reply().expect("two").status], [202, 202]);
}

/// A proxy that goes by the length where we go by the chunks would pass on a request of somebody else's as the rest of a
/// body, and get two answers for one request.
#[test]
fn what_follows_a_body_in_chunks_is_no_request() {
    let site = Site::sqlite();
    let receiver = site.receiver();
    let smuggled = "GET /contract HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let body = format!("0\r\n\r\n{smuggled}");
    let (length, chunked) =
        (format!("Content-Length: {}", body.len()), "Transfer-Encoding: chunked".to_owned());
    for headers in [vec![&length, &chunked], vec![&chunked, &length], vec![&chunked]] {
        let mut client = receiver.client();
        let headers = headers.into_iter().map(String::as_str).collect::<Vec<_>>().join("\r\n");
        client.send(format!("{HEAD}{headers}\r\n\r\n{body}").as_bytes()).expect("sent");
        assert_eq!(client.reply().expect("a response").status, 400, "{headers}");
        assert!(client.is_closed(), "{headers}: the rest is read as a request");
    }
}

#[test]
fn methods_and_paths_that_nobody_needs_are_answered_and_change_nothing() {
    let site = Site::sqlite();
    let receiver = site.receiver();
    let mut client = receiver.client();
    for (method, path, expected) in [
        ("HEAD", "/telemetry", 405),
        ("OPTIONS", "/telemetry", 405),
        ("PUT", "/telemetry", 405),
        ("OPTIONS", "*", 404),
        ("POST", "/", 404),
        ("DELETE", "/charts/results", 404),
        ("TRACE", "/", 404),
        ("GET", "/charts/../../etc/passwd", 404),
        ("GET", "/charts/%2e%2e%2fetc%2fpasswd", 404),
        ("GET", "/charts/results%00.csv", 404),
        ("GET", "//charts/results", 404),
        ("GET", "/chains/..", 404),
        ("GET", "http://elsewhere.example.org/charts/results", 200),
    ] {
        // The body that a HEAD says it would have does not come.
        let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        client.send(head.as_bytes()).expect("sent");
        let reply = if method == "HEAD" { client.head() } else { client.reply() };
        assert_eq!(reply.expect("a response").status, expected, "{method} {path}");
    }
    assert_eq!(client.post(&sample().bytes).outcome(), "accepted", "the connection is in step");
}

#[test]
fn a_body_that_lies_about_its_size_stays_small() {
    let site = Site::sqlite();
    let receiver = site.receiver();
    let mut client = receiver.client();
    client.send(format!("{HEAD}Content-Length: 9999999999\r\n\r\n").as_bytes()).expect("sent");
    client.finish();
    assert_eq!(client.reply().expect("a response").status, 413);
    // Endless chunks: the answer must come before all are sent.
    let mut client = receiver.client();
    client.send(format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).expect("sent");
    let chunk = [b"10000\r\n".as_slice(), &vec![b' '; 0x10000], b"\r\n"].concat();
    let sent = (0..1_000).take_while(|_| client.send(&chunk).is_ok()).count();
    assert!(sent < 1_000, "64 MiB were taken");
    let (_, metrics) = receiver.admin("/metrics");
    assert!(metrics.contains("receiver_body_bytes 0\n"), "{metrics}");
}

#[test]
fn who_stalls_is_cut_off_and_the_others_are_served() {
    let site = Site::sqlite();
    // Who does not stall has as long, however busy the machine is.
    let receiver = site.receiver_with(&["--header-timeout-seconds", "10", "--body-timeout-seconds", "10"]);
    let mut silent = receiver.client();
    let mut slow_header = receiver.client();
    slow_header.send(b"POST /telemetry HTTP/1.1\r\n").expect("sent");
    let mut slow_body = receiver.client();
    slow_body.send(format!("{HEAD}Content-Length: 100\r\n\r\n{{").as_bytes()).expect("sent");
    let idle = receiver.client().post(&sample().bytes);
    assert_eq!(idle.status, 202);
    assert_eq!(slow_body.reply().expect("a response").status, 408);
    assert!(slow_body.is_closed() && silent.is_closed());
    // Whether it gets an answer before the connection ends depends on hyper.
    assert!(slow_header.reply().is_none_or(|reply| reply.status == 408));
}

#[test]
fn a_header_of_a_byte_a_moment_does_not_extend_its_time() {
    let site = Site::sqlite();
    let receiver = site.receiver_with(&["--header-timeout-seconds", "1"]);
    let mut client = receiver.client();
    let sent = HEAD.bytes().take_while(|byte| {
        thread::sleep(Duration::from_millis(50));
        client.send(&[*byte]).is_ok()
    });
    assert!(sent.count() < HEAD.len(), "it was listened to for all of {} bytes", HEAD.len());
}

#[test]
fn many_who_stall_do_not_keep_others_out() {
    let site = Site::sqlite();
    let receiver = site.receiver();
    let _stalled: Vec<Client> = (0..500)
        .map(|_| {
            let mut client = receiver.client();
            client.send(format!("{HEAD}Content-Length: 100\r\n\r\n{{").as_bytes()).expect("sent");
            client
        })
        .collect();
    let mut client = receiver.client();
    for _ in 0..20 {
        assert_eq!(client.post(&sample().bytes).outcome(), "accepted");
    }
}

/// Whoever opens connections without end takes those that there are, and no memory; each goes to somebody else in time.
#[test]
fn connections_are_bounded_and_who_waits_for_one_gets_it() {
    let site = Site::sqlite();
    let receiver = site.receiver_with(&["--max-connections", "4", "--header-timeout-seconds", "1"]);
    let silent: Vec<Client> = (0..4).map(|_| receiver.client()).collect();
    let mut late = receiver.client();
    assert_eq!(late.post(&sample().bytes).outcome(), "accepted");
    // Those of the public port, and the one that asks.
    assert!(receiver.metric("receiver_connections") <= 4 + 1);
    drop(silent);
}
