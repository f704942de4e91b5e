//! The questions of an agent to a server that speaks TLS, asked by the real curl: what the stand-in in the other tests
//! answers must be what curl and a server make of it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;
use crate::support::skip;
use bootstrap::step::{Sha256Sum, certificates};

const PASSWORD: &str = "pass\"word\\canary";
/// `node` and the password in Base64.
const AUTHORIZATION: &str = "authorization: basic bm9kztpwyxnzindvcmrcy2fuyxj5";

/// A k3s server on loopback. It goes when the test process does.
struct JoinServer {
    url: String,
    authority: String,
}

impl JoinServer {
    /// Starts one that shows what `shown` makes of the authority that has signed its certificate.
    fn start(shown: impl FnOnce(String) -> String) -> Self {
        let mut params = CertificateParams::default();
        // A certificate with the name of its authority would pass for one that has signed itself.
        params.distinguished_name.push(DnType::CommonName, "k3s-server-ca");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer =
            CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
        let key = KeyPair::generate().expect("a key");
        let leaf = CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name").signed_by(&key, &issuer);
        let leaf = leaf.expect("a certificate");
        let private = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], private)
            .expect("a certificate and its key");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("https://127.0.0.1:{}", listener.local_addr().expect("bound").port());
        let authority = shown(issuer.pem());
        let (config, body) = (Arc::new(config), authority.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Whoever breaks off, as curl does from a server that it does not trust, gets no answer.
                let _ = answer(stream, config.clone(), &body);
            }
        });
        Self { url, authority }
    }
}

fn answer(stream: TcpStream, config: Arc<ServerConfig>, authority: &str) -> std::io::Result<()> {
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.by_ref().take(4096).read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let (status, body) = match head.split(' ').nth(1) {
        Some("/cacerts") => ("200 OK", authority),
        Some("/v1-k3s/client-ca.crt") if head.to_ascii_lowercase().contains(AUTHORIZATION) => {
            ("200 OK", authority)
        }
        Some("/v1-k3s/client-ca.crt") => ("401 Unauthorized", "Unauthorized"),
        _ => ("404 Not Found", "404 page not found\n"),
    };
    let length = body.len();
    write!(
        stream.get_mut(),
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )?;
    stream.get_mut().flush()
}

/// What an agent with this token finds out about the server, by the real curl.
fn found(server: &JoinServer, token: &str) -> Option<Vec<(&'static str, Severity)>> {
    let curl = ["/usr/bin/curl", "/bin/curl"].into_iter().find(|curl| Path::new(curl).exists());
    let Some(curl) = curl else {
        skip("real_curl", "there is no curl");
        return None;
    };
    let stub = fit_for(Mode::Agent);
    fs::remove_file(stub.path("stub/bin/curl")).expect("was there");
    symlink(curl, stub.path("stub/bin/curl")).expect("link");
    let mut settings = settings(Mode::Agent);
    let agent = settings.agent.as_mut().expect("an agent");
    (agent.server_url, agent.token) = (server.url.clone(), Secret::new(token));
    Some(problems(&stub, &settings).iter().map(|finding| (finding.check, finding.severity)).collect())
}

#[test]
fn the_real_curl_asks_as_the_stand_in_does() {
    let server = JoinServer::start(|own| own);
    let sum = Sha256Sum::of(server.authority.as_bytes());
    for (token, problems) in [
        (format!("K10{sum}::server:{PASSWORD}"), vec![]),
        (PASSWORD.to_owned(), vec![]),
        (format!("K10{sum}::server:another"), vec![("token", Severity::Failed)]),
        (format!("K10{}::server:{PASSWORD}", "0".repeat(64)), vec![("token", Severity::Failed)]),
    ] {
        let Some(found) = found(&server, &token) else { return };
        assert_eq!(found, problems, "{token}");
    }
}

/// The authority is public, so a server that shows it is not yet the server: curl must refuse it before the password goes.
#[test]
fn the_real_curl_refuses_a_server_that_the_authority_did_not_sign() {
    let other = JoinServer::start(|own| own).authority;
    let sum = Sha256Sum::of(other.as_bytes());
    let impostor = JoinServer::start(|_| other);
    let Some(problems) = found(&impostor, &format!("K10{sum}::server:{PASSWORD}")) else { return };
    assert_eq!(problems, [("server", Severity::Failed)]);
    // Beside the pinned root it sends the one that has signed it: of several only the pinned one counts.
    let pinned = crate::support::join_server::authority("pinned");
    let impostor = JoinServer::start(|own| format!("{own}{pinned}"));
    let sum = Sha256Sum::of(&certificates(&pinned)[0].der);
    let Some(problems) = found(&impostor, &format!("K10{sum}::server:{PASSWORD}")) else { return };
    assert_eq!(problems, [("server", Severity::Failed)]);
}
