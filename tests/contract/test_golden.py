"""One file per endpoint for whoever integrates: what is sent, what comes back.

``UPDATE_GOLDEN=1 pytest tests/contract`` writes the files anew; read the difference before it is committed.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from groupbuy.models import OrderStatus
from tests.contract.calls import CALLS, GROUP, SHOP, Aim, send
from tests.contract.changes import undone
from tests.contract.specification import ENDPOINTS, METHODS
from tests.contract.who import MAY, TABLE
from tests.contract.world import MISSING

FOLDER = Path(__file__).with_name("golden")
# New on every run: ids from a sequence, and what a payment signs.
STAND_INS: dict[str, Any] = {
    "data": 7900001,
    "nonceStr": "5f1d0c3be0a94d9a8f6d3f0a4a6f2b11",
    "paySign": "0f343b0931126a20f133d67c2b018a3b5f1d0c3be0a94d9a8f6d3f0a4a6f2b11",
    "prePayId": "sb5f1d0c3be0a94d9a8f6d3f0a4a6f2b11",
    "timeStamp": "1768443070",
    "id": 6,
}
NEW = {
    GROUP + "sharegroupbuying": {"data"},
    GROUP + "createorder": {"data"},
    GROUP + "orderpay": set(STAND_INS),
    GROUP + "orderrepay": set(STAND_INS),
    SHOP + "getconfig": {"id"},
}
REFUSED = {
    GROUP + "createorder": [{"qty": 200, "money": 0}, {"qty": 2, "money": 18.0}, {"qty": 0}],
    GROUP + "orderpay": [{"orderId": OrderStatus.PAID}, {"orderId": OrderStatus.CLOSED}],
    GROUP + "orderrepay": [{"orderId": OrderStatus.PAID}],
    GROUP + "checkorderpay": [{"id": OrderStatus.UNPAID}, {"id": OrderStatus.CLOSED}],
    GROUP + "closeorder": [{"id": OrderStatus.PAID}],
    GROUP + "deleteorder": [{"id": OrderStatus.UNPAID}],
}


def normal(answer: Any, new: set[str]) -> Any:
    if isinstance(answer, list):
        return [normal(item, new) for item in answer]
    if not isinstance(answer, dict):
        return answer
    return {
        key: STAND_INS[key] if key in new and value and not isinstance(value, dict) else normal(value, new) for key, value in answer.items()
    }


def example(world, path: str, who: str, arguments: Any) -> dict[str, Any]:
    with undone():
        answer = send(world, path, who, arguments)
    name = "query" if METHODS[path] == "GET" else "body"
    return {"as": who, name: arguments, "http": answer.status_code, "answer": normal(answer.json(), NEW.get(path, set()))}


def examples(world, path: str) -> list[dict[str, Any]]:
    """The richest role's call, its refusals, the same for what isn't there, and what a stranger is told."""
    who = next(role for role in ("H", "M", "B", "D") if role in MAY[path]) if path not in REFUSED else "B"
    found = [example(world, path, who, CALLS[path](Aim(who, world.ours, world.ours)))]
    for changed in REFUSED.get(path, []):
        changed = {name: world.ours.orders[value] if isinstance(value, OrderStatus) else value for name, value in changed.items()}
        found.append(example(world, path, who, CALLS[path](Aim(who, world.ours, world.ours)) | changed))
    if len(TABLE[path][who]) == 3:
        found.append(example(world, path, who, CALLS[path](Aim(who, MISSING, world.ours))))
    if "A" not in MAY[path]:
        found.append(example(world, path, "A", CALLS[path](Aim("A", world.ours, world.ours))))
    return found


def file_of(path: str) -> Path:
    return FOLDER / f"{path.removeprefix('/api/')}.json"


@pytest.mark.parametrize("path", METHODS)
def test_the_endpoint_answers_as_its_golden_file_says(world, path):
    title = ENDPOINTS[path]["title"] if path in ENDPOINTS else ""
    shown = {"endpoint": f"{METHODS[path]} {path}", "title": title, "examples": examples(world, path)}
    text = json.dumps(shown, ensure_ascii=False, indent=1) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        file_of(path).parent.mkdir(parents=True, exist_ok=True)
        file_of(path).write_text(text, encoding="utf-8")
    assert file_of(path).read_text(encoding="utf-8") == text


def test_there_is_no_golden_file_of_an_endpoint_that_is_gone():
    kept = {file for file in FOLDER.rglob("*.json") if file.parent != FOLDER}
    assert kept == {file_of(path) for path in METHODS}


def test_every_call_is_of_an_endpoint_that_exists():
    assert set(CALLS) == set(METHODS)
