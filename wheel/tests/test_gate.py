"""What a receiver relies on beside the verdicts, which the vectors show: `cargo xtask conformance` runs both."""

import doctest
import importlib.metadata
import json
import os
import pickle
import sys
import threading
import time
import unittest
from typing import Any, Dict, List

import productive_k3s_contract
from productive_k3s_contract import CONTRACT_VERSION, MAX_DOCUMENT_BYTES, Verdict, Violation, validate

MANIFEST: Dict[str, Any] = {
    "schema_version": "1",
    "run_id": "6f1c1f3e-3b8e-4d53-9a55-0b6f3a2c7d10",
    "tool": {"name": "productive-k3s-core", "version": "1.2.3"},
    "execution": "apply",
    "bootstrap_mode": "agent",
    "status": "running",
    "exit_code": None,
    "started_at": "2026-11-22T07:50:02Z",
    "finished_at": None,
    "current_step": "preflight",
    "platform": {
        "support": "supported",
        "os_family": "debian",
        "os_id": "ubuntu",
        "os_version": "24.04",
        "arch": "amd64",
    },
    "features": {},
    "components": {},
}
TELEMETRY: Dict[str, Any] = {
    "schema_version": "1",
    "event_id": "0d5a1c7e-6a53-4a9e-8c0f-51b7a2f4d3c8",
    "event_family": "usage",
    "event_category": "component_enabled",
    "event_name": "core.component.enabled",
    "occurred_at": "2026-11-22T07:58:41Z",
    "sent_at": "2026-11-22T07:58:41Z",
    "session_id": "9f86d081884c7d65",
    "run_id": "6f1c1f3e-3b8e-4d53-9a55-0b6f3a2c7d10",
    "parent_run_id": None,
    "component": "core",
    "delivery_attempt": 1,
    "retry_attempt": 0,
    "is_retry": False,
    "client": {"name": "productive-k3s-core", "version": "1.2.3"},
    "telemetry_meta": {
        "delivery_mode": "best-effort",
        "anonymous_by_contract": True,
        "contract_version": CONTRACT_VERSION,
    },
    "enabled_component": {"name": "k3s", "result": "installed"},
}


def written(document: Dict[str, Any], **changes: Any) -> bytes:
    return json.dumps({**document, **changes}).encode()


def rules(document: bytes) -> List[str]:
    return [violation.rule for violation in validate(document).violations]


class Verdicts(unittest.TestCase):
    def test_an_accepted_document_has_a_kind_and_is_true(self) -> None:
        for document, kind in [(MANIFEST, "run-manifest"), (TELEMETRY, "telemetry")]:
            verdict = validate(written(document))
            self.assertEqual((verdict.kind, verdict.violations, verdict.newer_contract), (kind, (), False))
            self.assertTrue(verdict.accepted)
            self.assertTrue(verdict)

    def test_a_refused_document_is_false_and_says_why_and_where(self) -> None:
        verdict = validate(written(TELEMETRY, run_id="7372763031c7d65"))
        self.assertFalse(verdict)
        self.assertFalse(verdict.accepted)
        self.assertIsNone(verdict.kind)
        self.assertIn(("schema.pattern", "/run_id"), [(v.rule, v.pointer) for v in verdict.violations])

    def test_no_value_and_no_key_of_a_document_is_in_a_verdict(self) -> None:
        verdict = validate(written(TELEMETRY, run_id="alice@srv01.example.com", srv02="10.1.2.3"))
        for private in ["alice", "srv01", "srv02", "10.1"]:
            self.assertNotIn(private, repr(verdict))

    def test_the_denylist_is_asked(self) -> None:
        self.assertIn("value.ipv4", rules(written(TELEMETRY, run_id="10.1.2.3")))

    def test_a_newer_contract_is_told_from_a_fault(self) -> None:
        def stating(version: str) -> Verdict:
            meta = {**TELEMETRY["telemetry_meta"], "contract_version": version}
            return validate(written(TELEMETRY, telemetry_meta=meta, event_family="later"))

        self.assertTrue(stating("1.99.0").newer_contract)
        self.assertFalse(stating("1.99.0"))
        self.assertFalse(stating(CONTRACT_VERSION).newer_contract)

    def test_a_verdict_is_a_value(self) -> None:
        refused = validate(b"{}")
        self.assertEqual(refused, validate(b"{}"))
        self.assertEqual(hash(refused), hash(validate(b"{}")))
        self.assertEqual(pickle.loads(pickle.dumps(refused)), refused)
        with self.assertRaises(AttributeError):
            refused.kind = "telemetry"  # type: ignore[misc]
        self.assertNotEqual(Violation("a", "", ""), Violation("b", "", ""))

    def test_the_version_is_that_of_the_contract(self) -> None:
        self.assertEqual(CONTRACT_VERSION, os.environ["CONTRACT_VERSION"])
        installed = importlib.metadata.version("productive-k3s-contract")
        self.assertEqual(installed.split(".post")[0], CONTRACT_VERSION)


class Input(unittest.TestCase):
    def test_only_bytes_are_taken_and_a_refusal_quotes_nothing(self) -> None:
        for document in ["srv01", bytearray(b"srv01"), memoryview(b"srv01"), None, 5]:
            with self.assertRaises(TypeError) as raised:
                validate(document)  # type: ignore[arg-type]
            self.assertNotIn("srv01", str(raised.exception))

    def test_what_is_no_document_is_refused_and_nothing_worse(self) -> None:
        for document, rule in [
            (b"", "syntax"),
            (b"\x00", "syntax"),
            (b"\xff", "utf8"),
            (b"\xef\xbb\xbf{}", "syntax"),
            (b"[" * MAX_DOCUMENT_BYTES, "depth"),
            (b'{"a":' * 10_000, "depth"),
            (b'{"a":1,"a":1}', "duplicate_key"),
        ]:
            self.assertEqual(rules(document), [rule], document[:20])

    def test_size_is_judged_before_anything_is_read(self) -> None:
        document = written(MANIFEST)
        self.assertTrue(validate(document.ljust(MAX_DOCUMENT_BYTES)))
        self.assertEqual(rules(document.ljust(MAX_DOCUMENT_BYTES + 1)), ["size"])
        # Were it read, it would be no text.
        self.assertEqual(rules(b"\xff" * (64 << 20)), ["size"])

    def test_a_report_is_bounded(self) -> None:
        many = {f"key-{number}": "10.1.2.3" for number in range(1000)}
        self.assertLessEqual(len(validate(written(many)).violations), 64)


class Processes(unittest.TestCase):
    def test_threads_get_the_verdicts_of_their_own_documents(self) -> None:
        documents = [written(MANIFEST), written(TELEMETRY), b"{}", b"[", written(TELEMETRY, run_id="10.1.2.3")]
        expected = [validate(document) for document in documents]
        found: List[List[Verdict]] = []

        def judge() -> None:
            for _ in range(200):
                found.append([validate(document) for document in documents])

        threads = [threading.Thread(target=judge) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(found), 1600)
        self.assertTrue(all(verdicts == expected for verdicts in found))

    def test_others_run_while_a_document_is_judged(self) -> None:
        """No thread is made to give way, so the other one gets on only where this one gives way by itself."""
        document, interval = written(MANIFEST).ljust(MAX_DOCUMENT_BYTES), sys.getswitchinterval()
        turns, ended = 0, False

        def other() -> None:
            nonlocal turns
            while not ended:
                turns += 1
                time.sleep(0)

        thread = threading.Thread(target=other)
        try:
            sys.setswitchinterval(3600)
            thread.start()
            before, calls = turns, 0
            while turns < before + 10 and calls < 20_000:
                validate(document)
                calls += 1
            others = turns - before
        finally:
            ended = True
            sys.setswitchinterval(interval)
            thread.join()
        self.assertGreaterEqual(others, 10)

    def test_a_child_of_a_process_that_has_judged_can_judge(self) -> None:
        self.assertTrue(validate(written(MANIFEST)))
        child = os.fork()
        if child == 0:
            os._exit(0 if validate(written(MANIFEST)) and not validate(b"{}") else 1)
        _, status = os.waitpid(child, 0)
        self.assertEqual(status, 0)


def load_tests(_: unittest.TestLoader, tests: unittest.TestSuite, __: object) -> unittest.TestSuite:
    tests.addTests(doctest.DocTestSuite(productive_k3s_contract))
    return tests


if __name__ == "__main__":
    unittest.main()
