"""The pages for integrators are true: every example runs against the served demo and answers as it says; nothing is left out."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.management import get_commands

from retail.refusals import ResultStatus
from tests.contract.calls import SHOP
from tests.contract.decisions import FILTERS, IGNORED, OTHER_NAMES
from tests.contract.documentation import PAGES, RESULT_CODES, ROOT, answers_of, differences, pattern_of, read_sections
from tests.contract.specification import ENDPOINTS, METHODS, SHAPES

pytestmark = pytest.mark.slow

PRINTED_ADDRESS = "http://127.0.0.1:8000"
SECTIONS = read_sections()
EXAMPLES = [(section, script) for section in SECTIONS for script in section.examples]
LOGINS = {f"/api/auth/{name}": "POST" for name in ("wechatlogin", "login", "logout")}
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
# Notes every call beside what the reader sees of it.
CURL = r"""
curl() {
  local answer; answer=$(command curl --max-time 60 -w '\n%{http_code} %{method} %{url_effective}' "$@")
  printf '%s\036' "$answer" >>"$CALLS"
  printf '%s\n' "${answer%$'\n'*}"
}
"""


@dataclass(frozen=True)
class Call:
    """What one ``curl`` of an example did."""

    http: int
    method: str
    path: str
    body: str


@dataclass(frozen=True)
class Run:
    """One example's calls in their order, and its exit status."""

    calls: list[Call]
    status: int


@pytest.fixture(scope="module")
def runs(demo, tmp_path_factory) -> list[Run]:
    """Every example, run in one bash from the first page's first to the last page's last."""
    calls = tmp_path_factory.mktemp("examples") / "calls"
    parts = (f"{script}\nprintf '%s\\035' $? >>\"$CALLS\"\n" for _section, script in EXAMPLES)
    script = (CURL + "".join(parts)).replace(PRINTED_ADDRESS, demo["ADDRESS"])
    # The first python3 on the path may be a wrapper that takes three times as long to start.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | demo | {"CALLS": str(calls), "PATH": path}
    subprocess.run(["bash"], input=script, env=environment, text=True, check=False, stdout=subprocess.DEVNULL)
    return [read_run(part) for part in calls.read_text(encoding="utf-8").split("\x1d")[:-1]]


def read_run(noted: str) -> Run:
    *calls, status = noted.split("\x1e")
    return Run([read_call(call) for call in calls], int(status))


def read_call(noted: str) -> Call:
    body, _newline, facts = noted.rpartition("\n")
    http, method, url = facts.split(" ")
    return Call(int(http), method, urlsplit(url).path, body)


@pytest.mark.parametrize("number", range(len(EXAMPLES)), ids=lambda number: f"{EXAMPLES[number][0].page}: {EXAMPLES[number][0].title}")
def test_an_example_answers_as_its_page_says(demo, runs, number):
    _section, script = EXAMPLES[number]
    shown = answers_of(script.replace(PRINTED_ADDRESS, demo["ADDRESS"]))
    assert [call.http for call in runs[number].calls] == [http for http, _body in shown], runs[number]
    assert runs[number].status == 0
    for call, (_http, body) in zip(runs[number].calls, shown, strict=True):
        if body:
            assert list(differences(pattern_of(body), json.loads(call.body))) == [], call


@pytest.mark.parametrize("path", METHODS | LOGINS)
def test_an_endpoint_has_one_section_whose_example_calls_it(runs, path):
    method = (METHODS | LOGINS)[path]
    (section,) = [section for section in SECTIONS if section.title == f"{method} {path}"]
    called = [
        (call.method, call.path) for (owner, _script), run in zip(EXAMPLES, runs, strict=True) if owner is section for call in run.calls
    ]
    assert (method, path) in called


def text_of(path: str) -> str:
    """The section of an endpoint, with that of another whose fields it says it takes."""
    text = next(section.text for section in SECTIONS if section.title.endswith(f" {path}"))
    same = re.search(r"[Ff]ields(?: and answers)? of (\w{3,})\b", text)
    return text + (text_of(f"{path.rpartition('/')[0]}/{same[1]}") if same else "")


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_section_names_every_documented_field(path):
    facts = ENDPOINTS[path].get("query", ENDPOINTS[path].get("body"))
    fields = SHAPES[facts.strip("[]")] if isinstance(facts, str) and facts != "[integer]" else facts if isinstance(facts, dict) else {}
    unread = set() if path in (SHOP + "create", SHOP + "update") else IGNORED.get(path, set()) - {"id", "timeStamp"}
    assert [name for name in fields if name not in unread and f"`{name}`" not in text_of(path)] == []


@pytest.mark.parametrize("path", FILTERS | OTHER_NAMES)
def test_a_section_names_every_argument_of_ours(path):
    assert [name for name in (FILTERS | OTHER_NAMES)[path] if f"`{name}`" not in text_of(path)] == []


def test_the_pages_name_every_key_of_every_object():
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    keys = {key for shape in SHAPES.values() for key in shape}
    assert sorted(key for key in keys if not re.search(rf"\b{key}\b", text)) == []


def test_every_result_code_and_http_code_is_explained():
    text = RESULT_CODES.read_text(encoding="utf-8")
    assert [status for status in ResultStatus if f"| {status.value} | {status.label} |" not in text] == []
    assert [http for http in (200, 400, 401, 403, 404, 405, 413, 415, 429, 500, 503) if f"| HTTP {http} |" not in text] == []


def test_the_limits_are_those_of_the_settings():
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    throttles = {f"| {most} | `THROTTLE_{name.upper()}` |" for name, most in settings.THROTTLES_PER_MINUTE.items()}
    sizes, lists = settings.PAGE_SIZE_MAX, settings.LIST_MAX
    rows = {
        f"| body | {settings.BODY_MAX['public'] >> 10} KB | {settings.BODY_MAX['trade'] >> 20} MB |",
        f"| entries of a list | {lists['public']:,} | {lists['trade']:,} |",
        f"| `pageSize` | {sizes['public']} | {sizes['trade']:,}; {sizes['shop_products']:,} in lists of shop products |",
    }
    assert sorted(row for row in throttles | rows if row not in text) == []


def anchors_of(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_a_link_leads_somewhere(document):
    text = document.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)]+)\)", text):
        if link.startswith("http"):
            continue
        name, _hash, anchor = link.partition("#")
        target = document.parent / name if name else document
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target.read_text(encoding="utf-8")), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_a_command_that_is_named_exists(document):
    text = document.read_text(encoding="utf-8")
    assert set(re.findall(r"manage\.py ([a-z_]+)", text)) - set(get_commands()) == set()
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"`make ([a-z-]+)", text)) - set(targets) == set()
