"""The OpenAPI schema, generated from the code, says what the specification says."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from tests.contract.calls import GROUP
from tests.contract.decisions import FILTERS, IGNORED, OTHER_NAMES
from tests.contract.specification import ENDPOINTS, METHODS, PAGE_OF, SHAPES, types_of
from tests.contract.who import MAY

TYPES = {"integer": "integer", "decimal": "number", "string": "string", "datetime": "string", "boolean": "boolean"}
# Read besides the documented names, by decision.
BESIDES = {GROUP + "visitgroupbuying": {"groupBuyingId"}, GROUP + "createorder": {"recipient"}}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    written = StringIO()
    call_command("spectacular", "--format", "openapi-json", "--validate", "--fail-on-warn", stdout=written)
    return json.loads(written.getvalue())


def resolved(schema: dict[str, Any], described: dict[str, Any]) -> dict[str, Any]:
    for inner in described.get("allOf", []):
        return resolved(schema, inner)
    if "$ref" not in described:
        return described
    return resolved(schema, schema["components"]["schemas"][described["$ref"].rpartition("/")[2]])


def differences(schema: dict[str, Any], described: dict[str, Any], kind: str, where: str = "answer") -> list[str]:
    """Where an answer's schema is not as the specification says."""
    described = resolved(schema, described)
    if kind.startswith("["):
        same = described.get("type") == "array"
        return differences(schema, described["items"], kind[1:-1], f"{where}[]") if same else [f"{where}: {described}"]
    if kind.startswith(PAGE_OF):
        row = kind.removeprefix(PAGE_OF)
        kinds = {"data": f"[{row}]", "pageIndex": "integer", "pageSize": "integer", "sumData": row, "totalCount": "integer"}
    elif kind in SHAPES:
        kinds = types_of(kind)
    else:
        is_right = described.get("type") == TYPES[kind] and described.get("nullable", False) == (kind == "datetime")
        return [] if is_right else [f"{where}: {described} is no {kind}"]
    if set(described["properties"]) != set(kinds) or set(described["required"]) != set(kinds):
        return [f"{where}: {sorted(set(described['properties']) ^ set(kinds))}"]
    return [found for key in kinds for found in differences(schema, described["properties"][key], kinds[key], f"{where}.{key}")]


def test_the_paths_and_methods_are_the_documented_ones_and_our_own(schema):
    paths = {path: [method.upper() for method in item] for path, item in schema["paths"].items()}
    ours = {path: [method] for path, method in METHODS.items()}
    login = {f"/api/auth/{name}": ["POST"] for name in ("login", "logout", "wechatlogin")}
    assert paths == ours | login


@pytest.mark.parametrize("path", ENDPOINTS)
def test_an_answers_schema_is_the_documented_shape(schema, path):
    operation = schema["paths"][path][ENDPOINTS[path]["method"].lower()]
    assert operation["summary"] == ENDPOINTS[path]["title"]
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert differences(schema, answer, ENDPOINTS[path]["answer"]) == []
    assert {"400", "401", "403", "404", "429", "503"} <= set(operation["responses"])


@pytest.mark.parametrize("path", [path for path, facts in ENDPOINTS.items() if facts["method"] == "GET"])
def test_the_query_parameters_are_the_documented_ones_and_our_own(schema, path):
    parameters = {parameter["name"]: parameter for parameter in schema["paths"][path]["get"].get("parameters", [])}
    documented, ours = ENDPOINTS[path]["query"], {*FILTERS.get(path, {}), *OTHER_NAMES.get(path, ())}
    assert {name: parameters[name]["schema"]["type"] for name in documented} == {name: TYPES[kind] for name, kind in documented.items()}
    assert set(parameters) == set(documented) | ours
    assert not any(parameters[name].get("required") for name in ours)


@pytest.mark.parametrize("path", [path for path, facts in ENDPOINTS.items() if facts["method"] == "POST"])
def test_the_body_is_the_documented_one(schema, path):
    body = resolved(schema, schema["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"])
    documented = ENDPOINTS[path]["body"]
    if documented == "[integer]":
        assert (body["type"], body["items"]["type"]) == ("array", "integer")
        return
    if isinstance(documented, str) and documented.startswith("["):
        assert body["type"] == "array"
        body, documented = resolved(schema, body["items"]), documented[1:-1]
    kinds = types_of(documented) if isinstance(documented, str) else documented
    wanted = {name: kind for name, kind in kinds.items() if name not in IGNORED.get(path, set())}
    assert set(body["properties"]) == set(wanted) | BESIDES.get(path, set())
    for name, kind in wanted.items():
        described = resolved(schema, body["properties"][name])
        assert described["type"] == ("array" if kind.startswith("[") else TYPES[kind]), name


SIGNATURE = ["deviceKey", "deviceTimestamp", "deviceNonce", "deviceSignature"]


@pytest.mark.parametrize("path", METHODS)
def test_an_operation_names_the_credentials_of_its_callers_and_no_others(schema, path):
    wanted = []
    if "D" in MAY[path]:
        wanted += [SIGNATURE, ["deviceBasic"]]
    if set("BCMH") & set(MAY[path]):
        wanted += [["bearer"], ["cookieAuth"]]
    if "A" in MAY[path]:
        wanted.append([])
    assert [list(shown) for shown in schema["paths"][path][METHODS[path].lower()]["security"]] == wanted


def test_operations_are_named_and_grouped_by_their_paths(schema):
    for path, methods in schema["paths"].items():
        folder, name = path.split("/")[-2:]
        for operation in methods.values():
            assert (operation["operationId"], operation["tags"]) == (f"{folder}_{name}", [folder])


def test_bounds_and_enumerations_are_told(schema):
    components = schema["components"]["schemas"]
    wish, order = components["CreateOrderRequest"]["properties"], components["Order"]["properties"]
    assert (wish["qty"]["minimum"], wish["qty"]["maximum"], wish["phone"]["maxLength"]) == (1, 2**31 - 1, 20)
    assert "nullable" not in wish["groupBuyingId"]
    assert wish["deliverType"]["description"] == order["deliverType"]["description"] == "1:自提; 2:快递"
    assert order["status"]["description"].startswith("0:未支付; 1:已支付; 2:已退款")
    assert "1002:已售罄" in components["Result"]["properties"]["status"]["description"]


def test_the_schema_is_served_to_everybody(db):
    answer = Client().get(reverse("schema"), headers={"Accept": "application/json"})
    assert answer.status_code == 200
    assert len(answer.json()["paths"]) == len(METHODS) + 3


def test_the_page_of_the_schema_needs_no_inline_script_or_style(db):
    page = Client().get(reverse("docs"))
    text = page.content.decode()
    assert page.status_code == 200
    assert "<style" not in text
    assert all("src=" in tag for tag in text.split("<script")[1:])
    assert "'unsafe-inline'" not in page["Content-Security-Policy"]
    script = Client().get(reverse("docs"), {"script": ""})
    assert script["Content-Type"].startswith("application/javascript")
    assert "SwaggerUIBundle" in script.content.decode()
