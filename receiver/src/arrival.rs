//! A document as it is stored: its envelope in columns, its body as JSON, its ids as bytes.

use std::borrow::Cow;
use std::fmt;

use schema::{Client, ComponentLabel, ContractVersion, EventId, Id, UtcSeconds};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};
use uuid::Uuid;

/// An id of the contract as bytes. Its length determines its form: 8 bytes are 16 digits, 16 bytes a UUID, and 17 bytes 32
/// digits without hyphens (the last byte has no meaning).
///
/// Bytes and not text, because the session leads the key of the store: measured on five million documents, text takes a
/// third to a half of the throughput.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", from = "Id")]
pub(crate) struct PackedId {
    bytes: [u8; Self::MAX],
    length: u8,
}

impl PackedId {
    const MAX: usize = 17;

    /// Packs an id.
    pub(crate) fn of(id: &Id) -> Self {
        let text = id.as_str();
        let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
        let mut bytes = [0; Self::MAX];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            *byte = pair.iter().fold(0, |byte, digit| byte << 4 | digit_value(*digit));
        }
        let length = match text.len() {
            16 => 8,
            32 => 17,
            _ => 16,
        };
        Self { bytes, length }
    }

    /// Reads what [`Self::as_bytes`] gave; `None` if no id has this length.
    pub(crate) fn from_bytes(from: &[u8]) -> Option<Self> {
        let length = u8::try_from(from.len()).ok().filter(|length| [8, 16, 17].contains(length))?;
        let mut bytes = [0; Self::MAX];
        bytes[..from.len()].copy_from_slice(from);
        Some(Self { bytes, length })
    }

    /// The bytes as they are stored.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

fn digit_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        // An id has lower-case hexadecimal digits only.
        other => other.wrapping_sub(b'a').wrapping_add(10) & 0xf,
    }
}

/// The id in the form in which it arrived.
impl fmt::Display for PackedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.length == 16 {
            let mut uuid = [0; 16];
            uuid.copy_from_slice(self.as_bytes());
            return Uuid::from_bytes(uuid).hyphenated().fmt(f);
        }
        self.bytes[..usize::from(self.length.min(16))].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<Id> for PackedId {
    fn from(id: Id) -> Self {
        Self::of(&id)
    }
}

impl From<PackedId> for String {
    fn from(packed: PackedId) -> Self {
        packed.to_string()
    }
}

/// A telemetry document that passed the gate, in the columns of the table `document`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Arrival {
    /// The chain that it belongs to. With time and event id it is the key by which duplicates are dropped.
    pub(crate) session_id: PackedId,
    /// When it happened, in seconds since 1970 by the sender's clock.
    pub(crate) occurred_at: i64,
    /// Id of the event.
    pub(crate) event_id: [u8; 16],
    /// The run that it belongs to.
    pub(crate) run_id: PackedId,
    /// The run above, if there is one.
    pub(crate) parent_run_id: Option<PackedId>,
    /// When it was sent, in seconds since 1970 by the sender's clock.
    pub(crate) sent_at: i64,
    /// Name of the event.
    pub(crate) event: String,
    /// The layer that reports.
    pub(crate) component: ComponentLabel,
    /// Version of the sender.
    pub(crate) client: String,
    /// Version of the contract that it was made under.
    pub(crate) contract: String,
    /// Number of the attempt that arrived.
    pub(crate) attempt: u32,
    /// The body as JSON: the command, the enabled component or the manifest.
    pub(crate) detail: String,
}

/// The members of a document that are stored. The gate has checked all of them and all others.
#[derive(Deserialize)]
struct StoredMembers<'a> {
    event_id: EventId,
    #[serde(borrow)]
    event_name: Cow<'a, str>,
    occurred_at: UtcSeconds,
    sent_at: UtcSeconds,
    session_id: Id,
    run_id: Id,
    parent_run_id: Option<Id>,
    component: ComponentLabel,
    delivery_attempt: Number,
    client: Client,
    telemetry_meta: Meta,
    command: Option<Value>,
    enabled_component: Option<Value>,
    manifest: Option<Value>,
}

#[derive(Deserialize)]
struct Meta {
    contract_version: ContractVersion,
}

impl Arrival {
    /// Reads a document that the gate has passed.
    ///
    /// # Errors
    /// It is no telemetry document.
    pub(crate) fn read(document: &[u8]) -> serde_json::Result<Self> {
        let read: StoredMembers<'_> = serde_json::from_slice(document)?;
        let detail = read.command.or(read.enabled_component).or(read.manifest);
        Ok(Self {
            session_id: PackedId::of(&read.session_id),
            occurred_at: read.occurred_at.timestamp(),
            event_id: Uuid::from(read.event_id).into_bytes(),
            run_id: PackedId::of(&read.run_id),
            parent_run_id: read.parent_run_id.as_ref().map(PackedId::of),
            sent_at: read.sent_at.timestamp(),
            event: read.event_name.into_owned(),
            component: read.component,
            client: read.client.version.into(),
            contract: read.telemetry_meta.contract_version.into(),
            attempt: whole(&Value::Number(read.delivery_attempt))
                .and_then(|attempt| attempt.try_into().ok())
                .unwrap_or(1),
            detail: detail.map_or_else(|| "{}".to_owned(), stored_form),
        })
    }
}

/// A whole number, also one that is written with a fraction: JSON Schema takes `2.0` for an integer, serde does not.
pub(crate) fn whole(value: &Value) -> Option<i64> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the contract's numbers are small, and the cast saturates"
    )]
    value
        .as_i64()
        .or_else(|| value.as_f64().filter(|number| number.fract() == 0.0).map(|number| number as i64))
}

/// The body as the gate has read it, and not as it was written. The two differ where a document was made to: `0e-20000` is
/// a zero that `jsonb` does not take, and `1.000…` has room for digits that no rule has seen.
fn stored_form(mut body: Value) -> String {
    shorten_numbers(&mut body);
    body.to_string()
}

/// Writes whole numbers without a fraction, as all senders but odd ones do. The contract has no others.
fn shorten_numbers(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            if let Some(number) = whole(value) {
                *value = number.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(shorten_numbers),
        Value::Object(members) => members.values_mut().for_each(shorten_numbers),
        _ => {}
    }
}

/// A document for the tests of this crate; the number distinguishes it from others.
#[cfg(test)]
pub(crate) fn example(event: u8) -> Arrival {
    let document = serde_json::json!({
        "event_id": format!("0d5a1c7e-6a53-4a9e-8c0f-51b7a2f4d3{event:02x}"),
        "event_name": "core.command.started",
        "occurred_at": "2026-11-22T07:50:02Z",
        "sent_at": "2026-11-22T07:50:02Z",
        "session_id": "9f86d081884c7d65",
        "run_id": "9f86d081884c7d65",
        "parent_run_id": null,
        "component": "core",
        "delivery_attempt": 1.0,
        "client": { "name": "productive-k3s-core", "version": "0.1.0" },
        "telemetry_meta": { "contract_version": "1.0.0" },
        "command": { "name": "run" },
    });
    Arrival::read(document.to_string().as_bytes()).expect("read")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_keeps_its_form() {
        for text in [
            "9f86d081884c7d65",
            "9f86d081884c7d659a2feaa0c55ad015",
            "6f1c1f3e-3b8e-4d53-9a55-0b6f3a2c7d10",
            "019a0c1f-3b8e-7d53-8a55-0b6f3a2c7d10",
        ] {
            let packed = PackedId::of(&Id::parse(text).expect("an id"));
            assert_eq!(packed.to_string(), text);
            assert_eq!(PackedId::from_bytes(packed.as_bytes()), Some(packed));
        }
    }

    #[test]
    fn the_two_forms_of_sixteen_bytes_are_two_ids() {
        let id = |text: &str| PackedId::of(&Id::parse(text).expect("an id"));
        let bare = id("6f1c1f3e3b8e4d539a550b6f3a2c7d10");
        assert_ne!(bare, id("6f1c1f3e-3b8e-4d53-9a55-0b6f3a2c7d10"));
        assert_eq!(bare.as_bytes().len(), 17);
    }

    #[test]
    fn whole_numbers_with_a_fraction_are_whole() {
        let number = |text: &str| whole(&serde_json::from_str(text).expect("JSON"));
        assert_eq!(
            [number("2"), number("2.0"), number("2.5"), number("\"2\"")],
            [Some(2), Some(2), None, None]
        );
    }

    #[test]
    fn a_body_is_stored_as_it_was_read_and_not_as_it_was_written() {
        let zeros = "0".repeat(60_000);
        for (written, stored) in [
            (r#"{"name":"run","exit_code":0}"#.to_owned(), r#"{"name":"run","exit_code":0}"#),
            (r#"{ "n\u0061me": "run" }"#.to_owned(), r#"{"name":"run"}"#),
            (r#"{"a":[0e-20000,1.0,20e-1,null]}"#.to_owned(), r#"{"a":[0,1,2,null]}"#),
            (format!(r#"{{"a":0.{zeros}}}"#), r#"{"a":0}"#),
            (r#"{"a":1.0000000000000000000000192168001001}"#.to_owned(), r#"{"a":1}"#),
        ] {
            let body = serde_json::from_str(&written).expect("JSON");
            assert_eq!(stored_form(body), stored);
        }
    }
}
