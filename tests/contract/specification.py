"""The facts of the specification documents, and what an answer does against them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("specification.json")
FACTS: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
ENDPOINTS: dict[str, dict[str, Any]] = FACTS["endpoints"]
SHAPES: dict[str, dict[str, list[str]]] = FACTS["shapes"]
# The project's own, which the documents take for granted.
ADDED = {
    "/api/shop/shopproduct/getdownload": "GET",
    "/api/shop/shopproduct/ackdownload": "POST",
    "/api/marketing/groupbuy/savesubscribe": "POST",
}
METHODS: dict[str, str] = {path: facts["method"] for path, facts in ENDPOINTS.items()} | ADDED
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
PAGE_OF = "page of "


def types_of(shape: str) -> dict[str, str]:
    return {key: kind for key, (kind, _label) in SHAPES[shape].items()}


def complaints(value: Any, kind: str, where: str = "answer") -> Iterator[str]:
    """Everything in ``value`` that is not as ``kind`` says: ``integer``, ``[X]``, ``page of X`` or the name of a shape."""
    if kind.startswith(PAGE_OF):
        yield from complaints_of_page(value, kind.removeprefix(PAGE_OF), where)
    elif kind.startswith("["):
        if not isinstance(value, list):
            yield f"{where} is no list: {value!r}"
            return
        for number, item in enumerate(value):
            yield from complaints(item, kind[1:-1], f"{where}[{number}]")
    elif kind in SHAPES:
        yield from complaints_of_keys(value, types_of(kind), where)
    elif not fits(value, kind):
        yield f"{where} is no {kind}: {value!r}"


def complaints_of_page(value: Any, row: str, where: str) -> Iterator[str]:
    kinds = {"data": f"[{row}]", "pageIndex": "integer", "pageSize": "integer", "sumData": row, "totalCount": "integer"}
    yield from complaints_of_keys(value, kinds, where)


def complaints_of_keys(value: Any, kinds: dict[str, str], where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where} is no object: {value!r}"
        return
    if set(value) != set(kinds):
        yield f"{where} lacks {sorted(set(kinds) - set(value))} and has {sorted(set(value) - set(kinds))} besides"
    for key in set(kinds) & set(value):
        yield from complaints(value[key], kinds[key], f"{where}.{key}")


def fits(value: Any, kind: str) -> bool:
    """Exactly the JSON type: 15 is no decimal, 15.0 no integer, true neither; only a date may be null."""
    if kind == "datetime":
        return value is None or (isinstance(value, str) and MOMENT.fullmatch(value) is not None)
    types: dict[str, type] = {"integer": int, "decimal": float, "string": str, "boolean": bool}
    return type(value) is types[kind]


def lists_in(value: Any, where: str = "") -> Iterator[tuple[str, bool]]:
    """The path of every list in ``value``, and whether something is in it."""
    if isinstance(value, list):
        yield where, bool(value)
        for item in value:
            yield from lists_in(item, where)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from lists_in(inner, f"{where}.{key}".strip("."))
