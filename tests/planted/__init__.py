"""Bugs to plant: what each promise hangs on, and the tests that must miss it (``bugs.toml``)."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Bug:
    """``guard``, which stands once in ``file``, becomes ``instead``; ``only_on``: the one database that needs the guard."""

    promise: str
    file: str
    guard: str
    instead: str
    tests: list[str]
    only_on: str = ""


def bugs() -> list[Bug]:
    return [Bug(**entry) for entry in tomllib.loads(Path(__file__).with_name("bugs.toml").read_text(encoding="utf-8"))["bug"]]
