"""Every nasty value on every parameter of every endpoint: no 5xx, refused means nothing written, one verdict on every database.

The verdicts are in ``golden/verdicts.json``; ``UPDATE_GOLDEN=1 pytest tests/contract`` writes them anew. SQLite and PostgreSQL are held
against the same file.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract import nasty
from tests.contract.calls import CALLS, GROUP, PRODUCT, Aim
from tests.contract.changes import state, undone, writes
from tests.contract.decisions import IGNORED
from tests.contract.specification import ADDED, ENDPOINTS, METHODS, types_of
from tests.contract.who import MAY

FILE = Path(__file__).with_name("golden") / "verdicts.json"
# What endpoints read beyond their documented names.
MORE = {
    GROUP + "visitgroupbuying": ["groupBuyingId"],
    PRODUCT + "getdownload": ["deviceId"],
    PRODUCT + "ackdownload": ["deviceId", "timeStamp"],
}


def parameters(path: str) -> list[str]:
    facts = ENDPOINTS.get(path, {})
    body = facts.get("body", {})
    documented = facts.get("query") or (body if isinstance(body, dict) else types_of(body.strip("[]")) if body != "[integer]" else {})
    return [*documented, *MORE.get(path, [])]


def in_body(good: Any, name: str, raw: bytes) -> bytes:
    rows = [row | {name: "§"} for row in good] if isinstance(good, list) else good | {name: "§"}
    return json.dumps(rows).encode().replace(json.dumps("§").encode(), raw, 1)


def attempts(path: str, good: Any) -> Iterator[tuple[str, str, str, bytes]]:
    """Parameter, name of the value, query, body."""
    plain = "&".join(f"{name}={nasty.in_query(str(value))}" for name, value in good.items()) if METHODS[path] == "GET" else ""
    for number, name in enumerate(parameters(path)):
        if METHODS[path] == "GET":
            rest = "&".join(part for part in plain.split("&") if not part.startswith(f"{name}="))
            values = {label: nasty.in_query(text) for label, text in nasty.TEXTS.items()} | raw_query(path)
            for label, text in values.items():
                yield name, label, f"{rest}&{name}={text.replace('{name}', name)}".strip("&"), b""
        else:
            is_read = name not in IGNORED.get(path, set())
            for label, value in (nasty.VALUES if is_read else {}).items():
                yield name, label, "", in_body(good, name, json.dumps(value).encode())
            for label, raw in (nasty.RAW_JSON if number else nasty.RAW_JSON | nasty.BULKY_JSON).items():
                yield name, label, "", in_body(good, name, raw)
    if METHODS[path] == "POST":
        for label, body in nasty.BODIES.items():
            yield "the body", label, "", body


def raw_query(path: str) -> dict[str, str]:
    """Nothing but UTF-8 can be signed by a device (``tests/shops/test_device_signature.py`` sends the rest)."""
    only_devices = MAY[path] == ["D"]
    return {label: text for label, text in nasty.RAW_QUERY.items() if not (only_devices and "UTF-8" in label)}


def verdict_of(answer: Any) -> str:
    told = answer.json()
    is_envelope = answer.status_code == 200 and isinstance(told, dict) and "message" in told
    return f"{answer.status_code} {told['status']}" if is_envelope else str(answer.status_code)


def verdicts(world, path: str) -> dict[str, dict[str, str]]:
    """Parameter → value → verdict."""
    who = next(role for role in ("H", "M", "B", "D") if role in MAY[path])
    good = CALLS[path](Aim(who, world.ours, world.ours))
    before, found = state(), {}
    for name, label, query, body in attempts(path, good):
        with undone(), writes() as written:
            answer = world.clients[who].send(METHODS[path], path, query, body)
            verdict = verdict_of(answer)
            assert answer.status_code < 500, (name, label)
            if answer.status_code >= 400:
                assert set(answer.json()) == {"status", "message"}, (name, label)
                assert answer.json()["message"], (name, label)
            if verdict not in ("200", "200 200", "200 701"):
                assert not written or state() == before, (name, label, written)
        found.setdefault(name, {})[label] = verdict
    return found


def compact(found: dict[str, dict[str, str]]) -> dict[str, dict[str, list[str]]]:
    """Parameter → verdict → the values that get it."""
    grouped: dict[str, dict[str, list[str]]] = {}
    for name, by_label in found.items():
        for label, verdict in by_label.items():
            grouped.setdefault(name, {}).setdefault(verdict, []).append(label)
    return grouped


@pytest.mark.parametrize("path", METHODS)
def test_nasty_values_get_the_verdicts_of_the_file(world, path):
    found = compact(verdicts(world, path))
    if os.environ.get("UPDATE_GOLDEN"):
        kept = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
        ordered = {known: (kept | {path: found}).get(known, {}) for known in METHODS}
        lines = ",\n".join(f" {json.dumps(known)}: {one_per_line(by_name)}" for known, by_name in ordered.items())
        FILE.write_text("{\n" + lines + "\n}\n", encoding="utf-8")
    assert json.loads(FILE.read_text(encoding="utf-8"))[path] == found


def one_per_line(by_name: dict[str, Any]) -> str:
    return "{\n" + ",\n".join(f"  {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in by_name.items()) + "\n }"


WHOLE_NUMBERS = {"401 digits", "2^63 as text", "full-width digits", "underscored digits", "NaN", "hexadecimal", "1e400", "true", "10^400"}


def test_nonsense_for_a_number_is_refused_everywhere_and_the_message_names_it(world):
    verdicts_of_all = json.loads(FILE.read_text(encoding="utf-8"))
    for path, facts in ENDPOINTS.items():
        for name in (name for name, kind in facts.get("query", {}).items() if kind == "integer"):
            assert WHOLE_NUMBERS & {label for labels in verdicts_of_all[path][name].values() for label in labels} <= set(
                verdicts_of_all[path][name]["400"] + ["NaN"]
            ), (path, name)
            who = MAY[path][-1]
            answer = world.clients[who].get(path, **CALLS[path](Aim(who, world.ours, world.ours)) | {name: "1_0"})
            assert (answer.status_code, answer.json()["message"].split(":")[0]) == (400, name)


def test_every_endpoint_is_in_the_file():
    assert set(json.loads(FILE.read_text(encoding="utf-8"))) == set(ENDPOINTS) | set(ADDED)
