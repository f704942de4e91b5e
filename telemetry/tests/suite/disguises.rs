//! Ways in which a name of the machine, of its user or of a private setting gets into a variable: none may leave.

use std::ffi::OsString;
use std::path::Path;

use privacy::{Gate, LocalIdentifiers, MachineFacts};
use schema::{
    Command, CommandName, CommandResult, Envelope, EventId, Execution, Id, Mode, TelemetryEvent, UtcSeconds,
};
use telemetry::{DeliveryRequest, DeliverySettings, Endpoint, OutboxDir, envelope_from_env};

const IDS: [&str; 3] = ["TELEMETRY_SESSION_ID", "TELEMETRY_RUN_ID", "TELEMETRY_PARENT_RUN_ID"];

const HEADERS: [&str; 2] = ["TELEMETRY_MARKER", "TELEMETRY_USER_AGENT"];

/// What is disguised in which way, and the value of the variable.
const DISGUISES: &[(&str, &str)] = &[
    ("the host as it is", "kelvin.acme-labs.example"),
    ("its short name", "kelvin"),
    ("in upper case", "KELVIN"),
    ("dots as hyphens", "kelvin-acme-labs-example"),
    ("dots as underscores", "kelvin_acme_labs_example"),
    ("joined", "kelvinacmelabsexample"),
    ("with a date behind", "kelvin-20261122"),
    ("with a digit behind", "kelvin7"),
    ("with a word before", "runkelvin"),
    ("the domain alone", "acme-labs"),
    ("the domain joined, with a number", "acmelabs01"),
    ("letters apart", "k.e.l.v.i.n"),
    ("with a plus inside", "kel+vin"),
    ("the domain with a plus inside", "acme+labs"),
    ("letters apart by other marks", "k~e|l'v^i!n"),
    ("a number of the host name", "asset-4700123456"),
    ("a number of the host name, filled up to an id", "0000004700123456"),
    ("a number of the export path", "customer-40012345"),
    ("as a product", "kelvin/7"),
    ("base64", "a2Vsdmlu"),
    ("base64 without padding", "a2VsdmluLmFjbWUtbGFicy5leGFtcGxl"),
    ("base64 with a line break", "a2VsdmluCg=="),
    ("base64 in a longer string", "run-a2Vsdmlu-5"),
    ("base64 behind other text", "id7a2Vsdmlu"),
    ("base64 with its beginning cut off", "HhrZWx2aW4"),
    ("base64 cut by hyphens", "a2Vs-dmlu-YWNt-ZXh4"),
    ("base64 of the URL alphabet", "fn4_a2VsdmluPw"),
    ("base64 twice", "YTJWc2RtbHU="),
    ("UTF-16 in base64", "awBlAGwAdgBpAG4A"),
    ("UTF-16 of the other byte order in base64", "AGsAZQBsAHYAaQBu"),
    ("UTF-16 with a byte order mark in base64", "//5rAGUAbAB2AGkAbgA="),
    ("base32", "NNSWY5TJNY======"),
    ("base32 in lower case", "nnswy5tjny"),
    ("base32 behind other text", "run2NNSWY5TJNY"),
    ("UTF-16 in base32", "NMAGKADMAB3AA2IANYAA"),
    ("hexadecimal", "6b656c76696e"),
    ("hexadecimal in upper case", "6B656C76696E"),
    ("hexadecimal with a prefix", "0x6b656c76696e"),
    ("hexadecimal, filled up to an id", "6b656c76696e9f86"),
    ("hexadecimal in the middle of an id", "9f86d06b656c76696e9f86d0815a1b2c"),
    ("hexadecimal in a UUID", "6b656c76-696e-4d53-9a55-0b6f3a2c7d10"),
    ("hexadecimal at an odd digit of an id", "96b656c76696ef86"),
    ("UTF-16 in hexadecimal, filled up to an id", "6b0065006c00760069006e009f86d081"),
    ("percent-encoded", "%6Belvin"),
    ("percent-encoded twice", "%256Belvin"),
    ("percent-encoded as a whole", "%6b%65%6c%76%69%6e"),
    ("the user as it is", "ostberg"),
    ("the user with a digit behind", "ostberg2"),
    ("the user in a path", "/home/ostberg"),
    ("the user at a host", "ostberg@kelvin"),
    ("the user in base64", "b3N0YmVyZw=="),
    ("the user in hexadecimal, filled up to an id", "6f7374626572679f"),
    ("the user in hexadecimal in an id of 32 digits", "6f7374626572679f86d0815a1bc2d3e4"),
    ("the given name, in no list of users", "ingrid"),
    ("the full name joined", "IngridLindqvist"),
    ("the family name", "lindqvist-run"),
    ("a short user between separators", "run-bo3-5"),
    ("a short user in base64", "Ym8z"),
    ("the hardware address", "02:1a:2b:3c:4d:5e"),
    ("the hardware address with hyphens", "02-1a-2b-3c-4d-5e"),
    ("the hardware address joined", "021a2b3c4d5e"),
    ("the hardware address, filled up to an id", "021a2b3c4d5e9f86"),
    ("the hardware address as the node of a UUID", "6f1c1f3e-3b8e-4d53-9a55-021a2b3c4d5e"),
    ("the machine id", "8d5e2f4a9b1c4e6f8a7b0c1d2e3f4a5b"),
    ("the first half of the machine id", "8d5e2f4a9b1c4e6f"),
    ("the second half of the machine id", "8a7b0c1d2e3f4a5b"),
    ("the machine id as a UUID", "8d5e2f4a-9b1c-4e6f-8a7b-0c1d2e3f4a5b"),
    ("the machine id in upper case", "8D5E2F4A9B1C4E6F8A7B0C1D2E3F4A5B"),
    ("the serial number of the board", "100000003d1ab2c4"),
    ("the UUID of the mainboard", "4c4c4544-0042-4010-8051-b2c04f4d3132"),
    ("the address", "203.0.113.77"),
    ("the address with hyphens", "203-0-113-77"),
    ("the address joined", "203011377"),
    ("the address in hexadecimal", "cb00714d"),
    ("the address in hexadecimal, filled up to an id", "cb00714d9f86d081"),
    ("the address as a number", "3405803853"),
    ("the address padded", "203.000.113.077"),
    ("the address of version 6", "20010db8000000000000000000000077"),
    ("the address of version 6 with hyphens", "2001-db8--77"),
    ("the interface part of an address", "00188bfffe2c3d4e"),
    ("the host of the server URL", "rancher.zephyr-corp.test"),
    ("a label of it", "zephyrcorp-1"),
    ("the server URL in base64", "aHR0cHM6Ly9yYW5jaGVyLnplcGh5ci1jb3JwLnRlc3Q6NjQ0Mw=="),
    ("the name in the e-mail address", "platform-oncall"),
    ("the e-mail address joined", "platformoncallzephyrcorp"),
    ("a part of the export path", "vault-data-2"),
    ("the token", "s3cr3tT0kenXYZ12"),
    ("the token in hexadecimal, as an id", "73336372337454306b656e58595a3132"),
    ("the password", "correct_horse"),
    ("the storage class", "gold-ssd"),
    ("the network in hexadecimal", "0a4d0000"),
    ("a host of UUID form", "c2a1f0de-77aa-4b10-9d3c-5e6f70819203"),
    ("a host of UUID form without hyphens", "c2a1f0de77aa4b109d3c5e6f70819203"),
    ("a host of hexadecimal digits", "e4d909c290d0fb1c"),
];

/// The machine and the run whose names these are.
fn gate() -> Gate {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let facts = MachineFacts {
        names: owned(&[
            "kelvin.acme-labs.example",
            "c2a1f0de-77aa-4b10-9d3c-5e6f70819203",
            "e4d909c290d0fb1c",
            "4700123456.acme-labs.example",
            "ostberg",
            "bo3",
            "Ingrid Lindqvist,,,",
        ]),
        domains: owned(&["acme-labs.example"]),
        directories: owned(&["/home/ostberg", "/root"]),
        serials: owned(&[
            "02:1a:2b:3c:4d:5e",
            "8d5e2f4a9b1c4e6f8a7b0c1d2e3f4a5b",
            "100000003d1ab2c4",
            "4c4c4544-0042-4010-8051-b2c04f4d3132",
        ]),
        addresses: ["203.0.113.77", "2001:db8::77", "fe80::18:8bff:fe2c:3d4e"]
            .map(|address| address.parse().expect("an address"))
            .into(),
    };
    Gate::new(LocalIdentifiers::of_facts(&facts).with_private([
        "https://rancher.zephyr-corp.test:6443",
        "platform-oncall@zephyr-corp.test",
        "/srv/vault-data",
        "/srv/customers/40012345",
        "s3cr3tT0kenXYZ12",
        "correct-horse",
        "gold-ssd",
        "10.77.0.0/16",
    ]))
}

/// The headers and the body that are sent with this variable, as text.
fn request_with(gate: &Gate, variable: &str, value: &str) -> String {
    let environment = |name: &str| (name == variable).then(|| OsString::from(value));
    let (envelope, _): (Envelope, _) = envelope_from_env(&environment, gate);
    let (settings, _) = DeliverySettings::from_env(&environment, gate, OutboxDir::below(Path::new("runs")));
    let command = Command {
        name: CommandName::Run,
        mode: Mode::Server,
        execution: Execution::Apply,
        result: CommandResult::Started,
    };
    let at = UtcSeconds::parse("2026-11-22T07:50:02Z").expect("a time");
    let document = envelope.document(TelemetryEvent::Command(command), EventId::random(), at);
    let body = gate.vet(&document).expect("a document without the disguise passes");
    let request = DeliveryRequest::new(&Endpoint::default(), &settings.headers, body);
    let headers: Vec<String> = request.headers().iter().map(ToString::to_string).collect();
    format!("{}\n{}", headers.join("\n"), String::from_utf8_lossy(request.body()))
}

#[test]
fn no_disguise_leaves() {
    let gate = gate();
    assert!(DISGUISES.len() >= 60);
    let mut left = Vec::new();
    for (what, value) in DISGUISES {
        for variable in IDS.iter().chain(&HEADERS) {
            if request_with(&gate, variable, value).contains(value) {
                left.push(format!("{what}: {variable}={value}"));
            }
        }
    }
    assert!(left.is_empty(), "{} of {} left:\n{}", left.len(), DISGUISES.len() * 5, left.join("\n"));
}

/// The test above would pass if nothing ever left.
#[test]
fn what_is_no_disguise_leaves() {
    let gate = gate();
    for variable in IDS {
        let id = Id::random();
        assert!(request_with(&gate, variable, id.as_str()).contains(id.as_str()), "{variable}");
    }
    for variable in HEADERS {
        assert!(
            request_with(&gate, variable, "another-layer/1.4.0").contains("another-layer/1.4.0"),
            "{variable}"
        );
    }
}
