//! Encrypted connections to a real server: only to the one that a named authority knows by the name it is reached by.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::documents::sample;
use crate::support::{Postgres, Receiver, Site};

const HOST: &str = "db.example.org";

/// A certificate authority that is made for one test.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("an authority"))
    }

    /// The file for `--store-root-cert`.
    fn write_to(&self, site: &Site, name: &str) -> PathBuf {
        let path = site.path().join(name);
        #[expect(clippy::disallowed_methods, reason = "a file of the test")]
        std::fs::write(&path, self.0.pem()).expect("written");
        path
    }

    /// A certificate of a server, and its key.
    fn certify(&self, host: &str) -> [String; 2] {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new([host.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        [certificate.pem(), key.serialize_pem()]
    }
}

/// An address of this host where nobody else listens: a port of one's own would have to be guessed.
fn address() -> Ipv4Addr {
    Ipv4Addr::new(127, fastrand::u8(1..255), fastrand::u8(1..255), fastrand::u8(1..255))
}

#[test]
fn a_server_is_known_by_its_authority_and_its_name_or_gets_nothing() {
    let address = address();
    let Some(server) = Postgres::listening(address) else { return };
    let site = Site::on(&server);
    let authority = Authority::new();
    let ours = authority.write_to(&site, "ours.pem");
    let others = Authority::new().write_to(&site, "others.pem");
    let command = |command: &str, host: &str, authorities: &PathBuf| {
        let mut command = site.command(&[command, "--store-root-cert"]);
        let url = site.database().url_at(host, address);
        command.arg(authorities).env("RECEIVER_STORE", url + "&sslmode=verify-full");
        command
    };
    let said = |action: &str, host: &str, authorities: &PathBuf| {
        let output = command(action, host, authorities).output().expect("it starts");
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).into_owned())
    };
    let (code, text) = said("check", HOST, &ours);
    assert!(code == Some(1) && text.contains("does not support TLS"), "in the clear: {text}");
    let [certificate, key] = authority.certify(HOST);
    server.encrypt(&certificate, &key);
    for (action, host, authorities, told) in [
        // It has the name of ours, and another key.
        ("check", HOST, &others, "invalid peer certificate"),
        ("check", "other.example.org", &ours, "not valid for name"),
        // It would not change by itself: nothing is spooled in its place.
        ("serve", HOST, &others, "invalid peer certificate"),
    ] {
        let (code, text) = said(action, host, authorities);
        assert!(code == Some(1) && text.contains(told), "{action} {host}: {text}");
    }
    let receiver = Receiver::start(command("serve", HOST, &ours), &[]);
    assert_eq!(receiver.client().post(&sample().bytes).outcome(), "accepted");
    let encrypted = "SELECT count(*) > 0 AND bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                     WHERE application_name = 'receiver'";
    assert_eq!(site.database().sql(encrypted), "t\n");
}
