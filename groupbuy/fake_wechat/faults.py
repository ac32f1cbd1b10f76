"""Breaking the protocol on demand: what happens to the next request, or to its answer."""

import json
import threading
from dataclasses import dataclass
from typing import Any

# What a fault may be, and when it strikes.
BEFORE = ("reset", "stall", "status", "html")
AFTER = ("lost", "delay", "truncated", "drip", "wrong_types", "no_signature", "bad_signature", "wrong_key", "wrong_serial", "not_json")
FAULTS = (*BEFORE, *AFTER)


@dataclass
class Fault:
    """``path``: a part of the paths that it strikes; ``times``: how often; ``seconds``: of a stall, delay or drip's byte."""

    kind: str
    path: str = ""
    times: int = 1
    seconds: float = 30
    status: int = 500
    code: str = ""

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


def with_wrong_types(body: bytes) -> bytes:
    """Every text a number, every number a text, every object a list."""

    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: turned(inner) if not isinstance(inner, dict) else list(inner) for name, inner in value.items()}
        return str(value) if isinstance(value, int) else 1

    return json.dumps(turned(json.loads(body))).encode() if body else b""
