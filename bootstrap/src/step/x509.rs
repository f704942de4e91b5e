//! Just enough of X.509 (RFC 5280) to tell certificates apart and to say how long they are valid.
//!
//! A reader of our own, because what is needed is one field at a fixed place; the readers that there are bring a dozen
//! crates along. Nothing here decides whom to trust: curl does that.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, NaiveDateTime, Utc};

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// A certificate in a PEM file (RFC 7468).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PemCertificate {
    /// Its block, marker lines included.
    pub pem: String,
    /// Its binary form.
    pub der: Vec<u8>,
}

/// The certificates in a PEM file, in their order. Other blocks, such as keys, are passed over.
pub fn certificates(text: &str) -> Vec<PemCertificate> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(begin) = rest.find(BEGIN) {
        let block = &rest[begin..];
        let Some(end) = block.find(END) else { break };
        let encoded: String = block[BEGIN.len()..end].split_whitespace().collect();
        if let Ok(der) = BASE64_STANDARD.decode(encoded) {
            found.push(PemCertificate { pem: format!("{}{END}\n", &block[..end]), der });
        }
        rest = &block[end + END.len()..];
    }
    found
}

impl PemCertificate {
    /// From when until when it is valid; `None` if it is no certificate.
    pub fn validity(&self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        const SEQUENCE: u8 = 0x30;
        const EXPLICIT_VERSION: u8 = 0xa0;
        // Certificate ::= SEQUENCE { tbsCertificate SEQUENCE { [0] version, serialNumber, signature, issuer, validity
        let (certificate, _) = value(&self.der, SEQUENCE)?;
        let (mut fields, _) = value(certificate, SEQUENCE)?;
        if fields.first() == Some(&EXPLICIT_VERSION) {
            fields = element(fields)?.2;
        }
        for _ in ["serialNumber", "signature", "issuer"] {
            fields = element(fields)?.2;
        }
        let (times, _) = value(fields, SEQUENCE)?;
        let (tag, from, rest) = element(times)?;
        let (until_tag, until, _) = element(rest)?;
        Some((time(tag, from)?, time(until_tag, until)?))
    }
}

/// The first element of `bytes`: its tag, its content and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let length = match first {
        0..=0x7f => usize::from(first),
        // The number of bytes that the length takes. Four of them are more than any certificate has.
        0x81..=0x84 => {
            let (digits, after) = rest.split_at_checked(usize::from(first - 0x80))?;
            rest = after;
            digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit))
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// The content of the first element of `bytes`, which must have this tag.
fn value(bytes: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    let (tag, content, rest) = element(bytes)?;
    (tag == wanted).then_some((content, rest))
}

/// `UTCTime`, of which years from 50 on are of the last century, or `GeneralizedTime`.
fn time(tag: u8, content: &[u8]) -> Option<DateTime<Utc>> {
    let text = std::str::from_utf8(content).ok()?;
    let whole = match tag {
        0x17 => {
            let century = if text.get(..2)?.parse::<u8>().ok()? >= 50 { "19" } else { "20" };
            format!("{century}{text}")
        }
        0x18 => text.to_owned(),
        _ => return None,
    };
    NaiveDateTime::parse_from_str(&whole, "%Y%m%d%H%M%SZ").ok().map(|time| time.and_utc())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn pem(from: i32, until: i32) -> String {
        let mut params = CertificateParams::new(["node.example.local".to_owned()]).expect("a name");
        (params.not_before, params.not_after) = (date_time_ymd(from, 3, 1), date_time_ymd(until, 3, 1));
        params.self_signed(&KeyPair::generate().expect("a key")).expect("a certificate").pem()
    }

    /// Years from 2050 on are written in another form (RFC 5280, 4.1.2.5).
    #[test]
    fn validity_is_read_as_it_was_written() {
        for (from, until) in [(2025, 2026), (1999, 2049), (2026, 2050), (2026, 9999)] {
            let text = format!("# serving\n{}{}", pem(from, until), pem(2026, 2027));
            let found = certificates(&text);
            assert_eq!(found.len(), 2);
            let (begins, ends) = found[0].validity().expect("a certificate");
            assert_eq!((begins.to_string(), ends.to_string()), (day(from), day(until)));
            assert_eq!(certificates(&found[0].pem), found[..1]);
        }
    }

    fn day(year: i32) -> String {
        format!("{year}-03-01 00:00:00 UTC")
    }

    #[test]
    fn what_is_no_certificate_has_no_validity() {
        assert_eq!(certificates("-----BEGIN CERTIFICATE-----\nAAAA\n"), []);
        let found = certificates("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        assert_eq!(found[0].validity(), None);
    }

    proptest! {
        #[test]
        fn no_bytes_are_read_past_their_end(der in proptest::collection::vec(any::<u8>(), 0..200), cut in 0..600_usize) {
            let _ = PemCertificate { pem: String::new(), der }.validity();
            let mut whole = certificates(&pem(2026, 2027)).remove(0);
            whole.der.truncate(cut);
            let _ = whole.validity();
        }
    }
}
