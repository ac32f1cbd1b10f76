"""Every nasty value on every parameter of every endpoint: no 5xx, refused means nothing written, one verdict on every database.

The verdicts are in ``golden/verdicts.json``; ``UPDATE_GOLDEN=1 pytest tests/contract`` writes them anew. SQLite and PostgreSQL are held
against the same file.
"""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.contract import nasty
from tests.contract.calls import CALLS, GROUP, PRODUCT, SHOP, Aim
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
    GROUP + "getorder": ["outTradeNo"],
    GROUP + "savesubscribe": ["templateId", "accepted"],
}
# Which no endpoint reads.
ANY_NAME = "anything"
# Whose body is a list of ids: no name at all.
OF_IDS = {path for path, facts in ENDPOINTS.items() if facts.get("body") == "[integer]"}


def parameters(path: str) -> dict[str, str]:
    """Name → kind; a list of ids in one text is none of the texts."""
    facts = ENDPOINTS.get(path, {})
    body = facts.get("body", {})
    documented = facts.get("query") or (body if isinstance(body, dict) else types_of(body.strip("[]")) if body != "[integer]" else {})
    kinds = documented | dict.fromkeys(MORE.get(path, []), "integer")
    return {name: "[integer]" if name.endswith(("Id", "Ids")) and kind == "string" else kind for name, kind in kinds.items()}


def in_body(good: Any, names: Iterable[str], raw: bytes) -> bytes:
    """The good call with ``raw`` under each of ``names``, or in the place of each id where it is a list of them."""
    nasty_ones = dict.fromkeys(names, "§")
    rows = [row | nasty_ones if isinstance(row, dict) else "§" for row in good] if isinstance(good, list) else good | nasty_ones
    return json.dumps(rows).encode().replace(json.dumps("§").encode(), raw)


def attempts(path: str, good: Any) -> Iterator[tuple[str, str, str, bytes]]:
    """Parameter, name of the value, query, body."""
    return in_queries(path, good) if METHODS[path] == "GET" else in_bodies(path, good)


def in_queries(path: str, good: dict[str, Any]) -> Iterator[tuple[str, str, str, bytes]]:
    for name, kind in parameters(path).items():
        rest = "&".join(f"{other}={nasty.in_query(str(value))}" for other, value in good.items() if other != name)
        values = {label: nasty.in_query(text) for label, text in nasty.texts_for(kind).items()} | nasty.RAW_QUERY
        for label, text in values.items():
            yield name, label, f"{rest}&{name}={text.replace('{name}', name)}".strip("&"), b""
    rest = urlencode(good)
    for label, text in ({"a word": "x"} | unreadable(path)).items():
        yield ANY_NAME, label, f"{rest}&{ANY_NAME}={text}".strip("&"), b""


def unreadable(path: str) -> dict[str, str]:
    """Nothing but UTF-8 can be signed by a device (``tests/shops/test_device_signature.py`` sends the rest)."""
    only_devices = MAY[path] == ["D"]
    return {label: text for label, text in nasty.UNREADABLE_QUERY.items() if not (only_devices and "UTF-8" in label)}


def in_bodies(path: str, good: Any) -> Iterator[tuple[str, str, str, bytes]]:
    kinds = parameters(path)
    ignored = IGNORED.get(path, set())
    for name in (name for name in kinds if name not in ignored):
        for label, raw in nasty.json_for(kinds[name]).items():
            yield name, label, "", in_body(good, [name], raw)
    for label, raw in ({"a word": b'"x"'} | nasty.UNREADABLE_JSON).items():
        yield ANY_NAME, label, "", in_body(good, [ANY_NAME], raw)
    for label, raw in nasty.as_json(nasty.OTHERS if ignored else {}).items():
        yield "what is ignored", label, "", in_body(good, ignored, raw)
    for label, body in nasty.BODIES.items():
        yield "the body", label, "", body


def verdict_of(answer: Any) -> str:
    told = answer.json()
    is_envelope = answer.status_code == 200 and isinstance(told, dict) and "message" in told
    return f"{answer.status_code} {told['status']}" if is_envelope else str(answer.status_code)


def verdicts(world, untouched, path: str) -> dict[str, dict[str, str]]:
    """Parameter → value → verdict."""
    who = next(role for role in ("H", "M", "B", "D") if role in MAY[path])
    good = CALLS[path](Aim(who, world.ours, world.ours))
    if path == SHOP + "create":
        good |= {"devices": [], "shopProducts": []}
    found: dict[str, dict[str, str]] = {}
    for name, label, query, body in attempts(path, good):
        with undone(), writes() as written:
            answer = world.clients[who].send(METHODS[path], path, query, body)
            verdict = verdict_of(answer)
            assert answer.status_code < 500, (name, label)
            if answer.status_code >= 400:
                assert set(answer.json()) == {"status", "message"}, (name, label)
                assert answer.json()["message"], (name, label)
            if verdict not in ("200", "200 200", "200 701"):
                assert not written or state() == untouched, (name, label, written)
        found.setdefault(name, {})[label] = verdict
    return found


def compact(found: dict[str, dict[str, str]]) -> dict[str, dict[str, list[str]]]:
    """Parameter → verdict → the values that get it."""
    grouped: dict[str, dict[str, list[str]]] = {}
    for name, by_label in found.items():
        for label, verdict in by_label.items():
            grouped.setdefault(name, {}).setdefault(verdict, []).append(label)
    return grouped


@pytest.mark.slow
@pytest.mark.parametrize("path", METHODS)
def test_nasty_values_get_the_verdicts_of_the_file(world, untouched, path):
    found = compact(verdicts(world, untouched, path))
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


@pytest.mark.parametrize("path", [path for path in ENDPOINTS if METHODS[path] == "POST"])
def test_nonsense_for_a_number_in_a_body_is_refused_and_the_message_names_it(world, untouched, path):
    who = next(role for role in ("H", "M", "B", "D") if role in MAY[path])
    good = CALLS[path](Aim(who, world.ours, world.ours))
    numbers = {name for name, kind in parameters(path).items() if kind in ("integer", "decimal")} - IGNORED.get(path, set())
    told = {}
    for name in numbers:
        answer = world.clients[who].send("POST", path, "", in_body(good, [name], b'"1_0"'))
        told[name] = (answer.status_code, answer.json()["message"].split(":")[0].removeprefix("0."))
    assert told == {name: (400, name) for name in numbers}
    assert state() == untouched


def test_what_no_request_may_hold_is_refused_before_its_name_is_read():
    for path, told in json.loads(FILE.read_text(encoding="utf-8")).items():
        refused = {label for verdict in ("400", "413") for label in told[ANY_NAME].get(verdict, [])}
        taken = {label for labels in told[ANY_NAME].values() for label in labels} - refused
        assert taken == (set() if path in OF_IDS else {"a word"}), path


def test_every_endpoint_is_in_the_file():
    assert set(json.loads(FILE.read_text(encoding="utf-8"))) == set(ENDPOINTS) | set(ADDED)
