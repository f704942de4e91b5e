"""The gate of the Productive K3S contract, for receivers in Python.

>>> from productive_k3s_contract import validate
>>> verdict = validate(b'{"run_id": "srv01"}')
>>> verdict.accepted
False
>>> verdict.violations[0].rule, verdict.violations[0].pointer
('schema.pattern', '/run_id')

The verdict is the one of the sender's own gate without the names of its machine: size, strict reading, JSON Schema and
denylist, over the bytes as they came. It holds rules and places, never a value of the document.
"""

from dataclasses import dataclass
from typing import Dict, Literal, Optional, Tuple

from . import _gate

__all__ = ["CONTRACT_VERSION", "MAX_DOCUMENT_BYTES", "Kind", "Verdict", "Violation", "validate"]

Kind = Literal["run-manifest", "telemetry"]

CONTRACT_VERSION: str = _gate.CONTRACT_VERSION
"""The version of the contract that documents are judged by."""

MAX_DOCUMENT_BYTES: int = _gate.MAX_DOCUMENT_BYTES
"""The most bytes that a document may have; of a larger body not more needs to be read."""


@dataclass(frozen=True)
class Violation:
    """One rule that a document breaks, and where."""

    rule: str
    """`schema.` and a keyword of JSON Schema, or an id of `denylist.json`."""

    pointer: str
    """JSON pointer (RFC 6901); segments that are no property of the contract and no index are `*`."""

    message: str
    """What the rule says, as a fragment of a sentence. The same for every document that breaks it."""


@dataclass(frozen=True)
class Verdict:
    """What the gate says of a document. True if the document is accepted."""

    kind: Optional[Kind]
    """The kind of an accepted document, None of a refused one."""

    violations: Tuple[Violation, ...] = ()
    """The rules that a refused document breaks, in the order of the checks; 64 at most."""

    newer_contract: bool = False
    """Whether a refused document states a newer contract of the same major version: park it (CONTRACT.md, Evolution)."""

    @property
    def accepted(self) -> bool:
        """Whether the document may be stored."""
        return self.kind is not None

    def __bool__(self) -> bool:
        # Without it every verdict would be true, and `if validate(body):` would let everything pass.
        return self.accepted


_ACCEPTED: Dict[str, Verdict] = {"run-manifest": Verdict("run-manifest"), "telemetry": Verdict("telemetry")}


def validate(document: bytes) -> Verdict:
    """Checks the bytes of one document.

    Other threads run meanwhile. Raises TypeError for a value that is not `bytes`: text is already decoded, and a value that
    can be changed might change during the check.
    """
    kind, violations, newer_contract = _gate.judge(document)
    if kind is not None:
        return _ACCEPTED[kind]
    return Verdict(None, tuple(Violation(*violation) for violation in violations), newer_contract)
