//! A k3s server on the network, as an agent that wants to join sees it.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};

use crate::support::stub_host::StubHost;

/// The URL of the server in the settings of tests.
pub(crate) const SERVER: &str = "https://server.example.local:6443";
/// What an agent asks for first: the authority of the server.
pub(crate) const CACERTS: &str = "GET https://server.example.local:6443/cacerts";
/// What it asks for then: something that only who knows the token gets.
pub(crate) const CLIENT_CA: &str = "GET https://server.example.local:6443/v1-k3s/client-ca.crt";

/// A certificate authority, as PEM.
pub(crate) fn authority(name: &str) -> String {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    params.self_signed(&key).expect("a certificate").pem()
}

impl StubHost {
    /// Adds a server that accepts every token.
    pub(crate) fn with_join_server(self) -> Self {
        let authority = authority("k3s-server-ca");
        let date = format!("date: {}\r\n", chrono::Utc::now().to_rfc2822().replace("+0000", "GMT"));
        self.answer(CACERTS, 200, &date, &authority);
        self.answer(CLIENT_CA, 200, "", "-----BEGIN CERTIFICATE-----\n");
        self.put("stub/https.ca", authority);
        self
    }
}
