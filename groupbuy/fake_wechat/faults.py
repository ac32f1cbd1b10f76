"""Breaking the protocol on demand: what happens to the next request, or to its answer."""

import json
import threading
from dataclasses import dataclass, field
from typing import Any

# What a fault may be, and when it strikes.
BEFORE = ("reset", "stall", "status", "html", "errcode")
AFTER = (
    "lost",
    "delay",
    "truncated",
    "drip",
    "not_json",
    "cut",
    "wrong_types",
    "changed",
    "no_signature",
    "bad_signature",
    "wrong_key",
    "wrong_serial",
)
FAULTS = (*BEFORE, *AFTER)


@dataclass
class Fault:
    """``path``: a part of the paths that it strikes; ``times``: how often; ``seconds``: of a stall, delay or drip's byte.

    ``status`` and ``code`` are of ``status`` and ``html``; ``code`` also of ``errcode``, a refusal of the mini-program's server;
    ``changes``: the other words in a ``changed`` answer.
    """

    kind: str
    path: str = ""
    times: int = 1
    seconds: float = 30
    status: int = 500
    code: str = ""
    changes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in FAULTS:
            raise ValueError(f"no such fault: {self.kind}; there are {', '.join(FAULTS)}")


class FaultQueue:
    """Faults wait until a request of their path comes."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []
        self.lock = threading.Lock()

    def take(self, path: str) -> Fault | None:
        with self.lock:
            fault = next((fault for fault in self.waiting if fault.path in path), None)
            if fault is None:
                return None
            fault.times -= 1
            if fault.times <= 0:
                self.waiting.remove(fault)
            return fault


def spoilt_body(fault: Fault | None, body: bytes) -> bytes:
    """The body of an answer with what ``fault`` does to it; it is signed after that."""
    if fault is None or not body:
        return body
    if fault.kind == "not_json":
        return b"OK"
    if fault.kind == "cut":
        return body[: len(body) // 2]
    if fault.kind == "wrong_types":
        return json.dumps(with_wrong_types(json.loads(body))).encode()
    if fault.kind == "changed":
        return json.dumps(json.loads(body) | fault.changes).encode()
    return body


def with_wrong_types(value: Any) -> Any:
    """Every text a number, every number a text, every object in an object a list."""
    if isinstance(value, dict):
        return {name: list(inner) if isinstance(inner, dict) else with_wrong_types(inner) for name, inner in value.items()}
    return str(value) if isinstance(value, int) else 1
