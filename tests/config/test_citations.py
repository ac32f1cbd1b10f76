"""What docstrings, comments and documents name of the project is there: files, folders, modules and what stands in them."""

import re
from pathlib import Path

import pytest

from tests.support.servers import ROOT

APPS = ("retail", "shops", "pricing", "groupbuy", "config")
FOLDERS = (*APPS, "tests", "benchmarks", "docs", "templates", "static", "deploy", "locale")
# Folders that the repository doesn't hold.
OUTSIDE = ("seeds",)
NAMES = "|".join((*FOLDERS, *OUTSIDE))
# Between backticks, with or without an ending; elsewhere with one (templates and static files are named from their own folders).
IS_PATH = re.compile(rf"`((?:{NAMES})/[\w./-]*\w)/?`|(?<![\w/.-])((?:{NAMES})/[\w./-]*\w\.(?:py|md|txt|toml))\b")
IS_DOTTED = re.compile(rf"``((?:{'|'.join((*APPS, 'tests'))})(?:\.\w+)+)(?:\(\))?``")


def texts() -> list[Path]:
    code = [file for folder in (*APPS, "tests", "benchmarks") for file in (ROOT / folder).rglob("*.py")]
    return [*code, *ROOT.glob("*.md"), *ROOT.glob("*.toml"), *(ROOT / "docs").rglob("*.md")]


def paths_in(text: str) -> set[str]:
    return {one or other for one, other in IS_PATH.findall(text)}


def is_path(name: str) -> bool:
    """A decision may be named by its number alone."""
    return (ROOT / name).exists() or any(ROOT.glob(f"{name}-*.md"))


def is_dotted(name: str) -> bool:
    """A module of the project, or a word of one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        stem = ROOT.joinpath(*parts[:length])
        module = next((file for file in (stem.with_suffix(".py"), stem / "__init__.py") if file.is_file()), None)
        if module:
            rest = parts[length : length + 1]
            return not rest or re.search(rf"\b{rest[0]}\b", module.read_text(encoding="utf-8")) is not None
    return False


def missing() -> list[str]:
    found = []
    for file in texts():
        text = file.read_text(encoding="utf-8")
        unknown = [name for name in paths_in(text) if not is_path(name)]
        unknown += [name for name in IS_DOTTED.findall(text) if file.suffix == ".py" and not is_dotted(name)]
        found += [f"{file.relative_to(ROOT)}: {name}" for name in unknown]
    return sorted(found)


def test_whatever_is_named_is_there():
    assert missing() == []


@pytest.mark.parametrize("text", ["(``{}/api.md``)", "see {}/api.md.", "`{}/api`", "[api]({}/api.md)"])
def test_a_file_that_is_not_there_is_seen(text):
    named = paths_in(text.format("seeds"))
    assert len(named) == 1
    assert not is_path(named.pop())
    assert all(map(is_path, paths_in(text.format("docs"))))


@pytest.mark.parametrize(
    ("name", "is_there"),
    [
        ("docs/decisions/0015", True),
        ("docs/decisions/0099", False),
        ("retail/database/sqlite", True),
        ("retail/no_sqlite", False),
    ],
)
def test_paths_are_told_apart(name, is_there):
    assert is_path(name) == is_there


@pytest.mark.parametrize(
    ("name", "is_there"),
    [
        ("retail.rights", True),
        ("retail.rights.Right", True),
        ("groupbuy.models.Order", True),
        ("retail.sqlite", False),
        ("retail.rights.Wrong", False),
        ("nobody.rights", False),
    ],
)
def test_dotted_names_are_told_apart(name, is_there):
    assert is_dotted(name) == is_there
