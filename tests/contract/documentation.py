"""The pages for integrators: their sections, their examples, and what an answer does against the one that a page shows."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
# In the order in which a reader runs them.
PAGES = [ROOT / "README.md", *(ROOT / "docs" / name for name in ("api.md", "api/groupbuy.md", "api/shop.md", "api/shopproduct.md"))]
RESULT_CODES = ROOT / "docs" / "result-codes.md"
SECTION = re.compile(r"^#{2,3} (?P<title>.+)$\n(?P<text>(?:(?!^#{2,3} ).*\n?)*)", re.MULTILINE)
EXAMPLE = re.compile(r"^```sh\n(?P<script>.*?)^```$", re.MULTILINE | re.DOTALL)
ANSWER = re.compile(r"^# (?P<http>\d{3})(?: (?P<body>.+))?$", re.MULTILINE)
LEFT_OUT = "…"


@dataclass(frozen=True)
class Section:
    page: str
    title: str
    text: str

    @cached_property
    def examples(self) -> list[str]:
        return [found["script"] for found in EXAMPLE.finditer(self.text) if ANSWER.search(found["script"]) or "()" in found["script"]]


def read_sections() -> list[Section]:
    return [
        Section(str(page.relative_to(ROOT)), found["title"], found["text"])
        for page in PAGES
        for found in SECTION.finditer(page.read_text(encoding="utf-8"))
    ]


def answers_of(script: str) -> list[tuple[int, str]]:
    """HTTP code and body of every answer that stands below a call."""
    return [(int(found["http"]), found["body"] or "") for found in ANSWER.finditer(script)]


def pattern_of(shown: str) -> Any:
    """The JSON of an answer as a page shows it: ``…`` stands for any value, any more items, any more keys, any more text."""
    keys = re.sub(r"([{,] ?)…(?=})", r'\1"…": 0', shown)
    return json.loads(re.sub(r'("(?:[^"\\]|\\.)*")|…', lambda found: found[1] or '"…"', keys))


def differences(shown: Any, value: Any, where: str = "answer") -> Iterator[str]:
    """Where ``value`` is not as the page shows it."""
    if shown == LEFT_OUT:
        return
    if type(shown) is not type(value):
        yield f"{where}: {value!r} instead of {shown!r}"
    elif isinstance(shown, dict):
        yield from differences_of_keys(shown, value, where)
    elif isinstance(shown, list):
        more = shown[-1:] == [LEFT_OUT]
        items = shown[:-1] if more else shown
        if len(value) < len(items) or (len(value) > len(items) and not more):
            yield f"{where}: {len(value)} items instead of {len(items)}"
        for number, (item, found) in enumerate(zip(items, value, strict=False)):
            yield from differences(item, found, f"{where}[{number}]")
    elif not fits(shown, value):
        yield f"{where}: {value!r} instead of {shown!r}"


def differences_of_keys(shown: dict[str, Any], value: dict[str, Any], where: str) -> Iterator[str]:
    more = LEFT_OUT in shown
    missing, besides = shown.keys() - value.keys() - {LEFT_OUT}, value.keys() - shown.keys()
    if missing or (besides and not more):
        yield f"{where} lacks {sorted(missing)} and has {sorted(besides)} besides"
    for key in shown.keys() & value.keys():
        yield from differences(shown[key], value[key], f"{where}.{key}")


def fits(shown: Any, value: Any) -> bool:
    if isinstance(shown, str) and LEFT_OUT in shown:
        return bool(re.fullmatch(re.escape(shown).replace(LEFT_OUT, ".+"), value))
    return bool(shown == value)
