//! A forward proxy on loopback, for plain requests and for tunnels.

use std::io::{self, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::server::read_head;

/// What the proxy does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Policy {
    /// Answers 407 to every request.
    Refuse,
    /// Answers 502 to every request, as a proxy does that cannot reach the host.
    Fail,
    /// Connects to this address, whatever host is asked for: tests ask for names that do not exist.
    ForwardTo(SocketAddr),
}

/// The proxy. Its listener lives as long as the process.
pub(crate) struct Proxy {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Starts a proxy on a free port.
    pub(crate) fn start(policy: Policy) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let heads = Arc::new(Mutex::new(Vec::new()));
        let proxy = Self { address, heads: Arc::clone(&heads) };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let heads = Arc::clone(&heads);
                thread::spawn(move || serve(&stream, policy, &heads));
            }
        });
        proxy
    }

    /// Value for the proxy variables.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Request lines and headers of everything that was asked of it.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("no panic").clone()
    }
}

fn serve(client: &TcpStream, policy: Policy, heads: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::with_capacity(1, client.try_clone().ok()?);
    let head = read_head(&mut reader)?;
    heads.lock().ok()?.push(head.clone());
    let mut client = reader.into_inner();
    let target = match policy {
        Policy::Refuse | Policy::Fail => {
            let status = match policy {
                Policy::Refuse => "407 Proxy Authentication Required",
                _ => "502 Bad Gateway",
            };
            write!(client, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").ok()?;
            // What the client still sends is read; otherwise the answer would be lost in a reset.
            client.shutdown(Shutdown::Write).ok()?;
            io::copy(&mut client, &mut io::sink()).ok()?;
            return None;
        }
        Policy::ForwardTo(target) => target,
    };
    let mut upstream = TcpStream::connect(target).ok()?;
    if head.starts_with("CONNECT ") {
        client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").ok()?;
    } else {
        upstream.write_all(head.as_bytes()).ok()?;
    }
    let (mut back, mut forth) = (upstream.try_clone().ok()?, client.try_clone().ok()?);
    thread::spawn(move || io::copy(&mut back, &mut forth));
    io::copy(&mut client, &mut upstream).ok()?;
    upstream.shutdown(Shutdown::Write).ok()
}
