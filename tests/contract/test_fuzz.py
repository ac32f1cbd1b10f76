"""What schemathesis makes of our own schema, sent to every operation: no 5xx, and every answer is as the schema says.

``make fuzz`` tries more, and as every kind of caller.
"""

import io
import json
import os
from typing import Any

import pytest
import requests
import schemathesis
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, given, settings, strategies
from requests.adapters import HTTPAdapter
from schemathesis import checks
from schemathesis.generation import GenerationMode
from schemathesis.generation.case import Case
from schemathesis.schemas import BaseSchema
from urllib3 import HTTPResponse

from tests.contract.calls import CALLS, Aim
from tests.contract.changes import undone
from tests.contract.specification import METHODS
from tests.contract.who import MAY
from tests.contract.world import World
from tests.support.clients import ApiClient

pytestmark = pytest.mark.slow

SITE = "http://testserver"
LOGINS: dict[str, dict[str, str]] = {
    "/api/auth/wechatlogin": {"code": "sandbox:fuzz", "appId": "wx-contract"},
    "/api/auth/login": {"username": "contract-1-3", "password": "not-it-at-all"},
    "/api/auth/logout": {},
}
OPERATIONS = METHODS | dict.fromkeys(LOGINS, "POST")
# Left out: negative_data_rejection and positive_data_acceptance, since the wire takes more than a schema says (numbers in strings,
# unknown names) and refuses what a schema can't say (the same row twice, neither id nor shop with product); missing_required_header,
# unsupported_method and ignored_auth, since test_shapes.py and test_roles.py ask these of every role; and what needs a server that
# keeps what was written (use_after_free, ensure_resource_availability).
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "50"))


def callers(path: str) -> list[str]:
    """Who may call it; with ``FUZZ_EXAMPLES`` everybody."""
    if "FUZZ_EXAMPLES" in os.environ:
        return ["A", "B", "H", "D"]
    return ["B"] if path in LOGINS else [next(role for role in ("H", "B", "M", "D") if role in MAY[path])]


class ToDjango(HTTPAdapter):
    """Takes what ``requests`` has made ready to the application, as ``client``, with its credential."""

    def __init__(self, client: ApiClient) -> None:
        super().__init__()
        self.client = client

    def send(self, request: requests.PreparedRequest, **_options: Any) -> requests.Response:
        path, _question_mark, query = request.path_url.partition("?")
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        answer = self.client.send(request.method or "", path, query, body, dict(request.headers))
        raw = HTTPResponse(io.BytesIO(answer.content), answer.headers, answer.status_code, preload_content=False)
        return self.build_response(request, raw)


@pytest.fixture(scope="module")
def schema() -> BaseSchema:
    loaded = schemathesis.openapi.from_dict(json.loads(json.dumps(SchemaGenerator().get_schema(public=True))))
    loaded.config.update(base_url=SITE)
    # The credential is the caller's.
    loaded.config.generation.update(with_security_parameters=False)
    return loaded


def made_up(schema: BaseSchema, path: str, good: Any) -> strategies.SearchStrategy[Case]:
    """Requests that keep to the schema and such as break it, in which all but two arguments are those of a good call.

    Made up altogether, hardly one would get past its ids.
    """
    operation = schema[path][OPERATIONS[path]]
    cases = strategies.one_of(operation.as_strategy(generation_mode=mode) for mode in GenerationMode)
    names = sorted(good[0]) if path.endswith("changeprices") else sorted(good)
    kept = strategies.sets(strategies.sampled_from(names), min_size=max(len(names) - 2, 0)) if names else strategies.just(set())
    return strategies.builds(with_kept, cases, kept, strategies.just(good))


def with_kept(case: Case, kept: set[Any], good: Any) -> Case:
    if case.method == "GET":
        case.query = mixed(case.query, kept, good)
    else:
        case.body = mixed(case.body, kept, good)
    return case


def mixed(sent: Any, kept: set[Any], good: Any) -> Any:
    if isinstance(sent, dict) and isinstance(good, dict):
        return sent | {name: good[name] for name in kept}
    if isinstance(sent, list) and isinstance(good, list):
        return [mixed(item, kept, good[0]) for item in sent] if isinstance(good[0], dict) else [*kept, *sent]
    return sent


@pytest.mark.parametrize(("path", "who"), [(path, who) for path in OPERATIONS for who in callers(path)])
def test_whatever_is_sent_gets_an_answer_of_the_schema(world: World, schema: BaseSchema, path: str, who: str):
    home = world.home(who)
    good = LOGINS[path] if path in LOGINS else CALLS[path](Aim(who, home, home))
    session = requests.Session()
    session.mount(SITE, ToDjango(world.clients[who]))

    # The same requests every time; a function's fixtures stay, since `undone` takes back what each request wrote.
    @settings(max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=made_up(schema, path, good))
    def send(case: Case) -> None:
        with undone():
            answer = case.call(session=session)
        case.validate_response(answer, checks=CHECKS)

    send()
