"""The SQLite library that the product runs with: one that corrupts nothing, under whatever starts it."""

import os
import sqlite3
import subprocess
import sys
import tomllib
from contextlib import closing
from decimal import Decimal

import pytest
from django.db import connection
from packaging.requirements import Requirement

from config import checks
from retail.database.sqlite import library
from tests.support.servers import ROOT

only_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="the library of SQLite")


def requirement() -> Requirement:
    """What ``pyproject.toml`` asks for, and on which machines."""
    named = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    (found,) = (one for one in map(Requirement, named) if one.name == "pysqlite3")
    return found


def has_wheel() -> bool:
    marker = requirement().marker
    return marker is not None and marker.evaluate()


where_one_is_packed = pytest.mark.skipif(
    not has_wheel() and not library.is_fixed(sqlite3.sqlite_version_info), reason="no fixed SQLite for this machine: the start warns"
)

VERSIONS = {
    "3.7.0": False,
    "3.40.1": False,
    "3.44.5": False,
    "3.44.6": True,
    "3.45.0": False,
    "3.50.6": False,
    "3.50.7": True,
    "3.51.2": False,
    "3.51.3": True,
    "3.53.4": True,
    "4.0.0": True,
}


@pytest.mark.parametrize("version", VERSIONS)
def test_versions_are_told_apart(version):
    assert library.is_fixed(tuple(map(int, version.split(".")))) == VERSIONS[version]


MACHINES = {
    ("linux", "x86_64"): True,
    ("darwin", "arm64"): True,
    ("win32", "AMD64"): True,
    ("linux", "aarch64"): False,
    ("darwin", "x86_64"): False,
}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_it_is_pinned_for_the_machines_that_it_is_asked_for(name):
    """Also after `make requirements` on any of them."""
    (line,) = (line for line in (ROOT / name).read_text(encoding="utf-8").splitlines() if line.startswith("pysqlite3=="))
    asked, pinned = requirement(), Requirement(line)
    assert pinned.specifier == asked.specifier
    for (system, processor), is_packed in MACHINES.items():
        machine = {"sys_platform": system, "platform_machine": processor}
        assert pinned.marker.evaluate(machine) == asked.marker.evaluate(machine) == is_packed


@only_sqlite
@where_one_is_packed
def test_the_running_library_is_a_fixed_one(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_version()")
        (version,) = cursor.fetchone()
    assert library.is_fixed(tuple(map(int, version.split("."))))
    assert version == connection.Database.sqlite_version


@pytest.mark.parametrize("version", [(3, 51, 3), (3, 53, 0)])
def test_pythons_own_is_kept_where_it_is_fixed(monkeypatch, version):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    assert library.best() is sqlite3


def test_pythons_own_is_kept_where_nothing_better_is_installed(monkeypatch):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 1))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert library.best() is sqlite3


STARTS = {
    "manage.py": ["manage.py", "shell", "--no-imports", "-c"],
    "server": ["-c", "import config.asgi\n{}"],
    "Celery": ["-c", "import config.celery\nimport django; django.setup()\n{}"],
}
TELL = """
import sqlite3
from django.db import connection
print(connection.Database.sqlite_version, sqlite3.__name__, flush=True)
"""


@pytest.mark.slow
@where_one_is_packed
@pytest.mark.parametrize("name", STARTS)
def test_whatever_starts_it_has_the_fixed_one_and_others_keep_pythons_own(name, tmp_path):
    *first, last = STARTS[name]
    words = [*first, last.format(TELL)] if "{}" in last else [*first, last, TELL]
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": f"sqlite:///{tmp_path}/x.sqlite3",
        "CELERY_BROKER_URL": "redis://127.0.0.1:1" if name == "Celery" else "",
    }
    told = subprocess.run([sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    version, own = told.stdout.split()
    assert library.is_fixed(tuple(map(int, version.split("."))))
    assert own == "sqlite3"


@only_sqlite
def test_an_affected_library_is_told_at_the_start_and_by_the_doctor(monkeypatch, db):
    assert "config.W003" not in {fault.id for fault in checks.check_data(None)}
    monkeypatch.setattr(connection.Database, "sqlite_version_info", (3, 40, 1))
    monkeypatch.setattr(connection.Database, "sqlite_version", "3.40.1")
    (told,) = (fault for fault in checks.check_data(None) if fault.id == "config.W003")
    assert "SQLite 3.40.1 can corrupt" in told.msg
    assert not told.is_serious()


@only_sqlite
def test_as_many_parameters_as_the_library_takes(db):
    most, driver = connection.features.max_query_params, connection.connection
    assert driver.execute(f"SELECT ?{most}", [7] * most).fetchone() == (7,)
    with pytest.raises(connection.Database.OperationalError, match="variable number must be between"):
        driver.execute(f"SELECT ?{most + 1}", [7] * (most + 1))


@only_sqlite
def test_a_migrations_defaults_are_written_by_djangos_own_rules(transactional_db):
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        assert editor.quote_value(Decimal("1.50")) == "'1.50'"


@only_sqlite
def test_the_file_is_not_mapped_into_memory(tmp_path):
    """A mapped file turns a passing mistake of the journal into a lasting one."""
    with closing(connection.Database.connect(tmp_path / "x")) as fresh:
        fresh.executescript(connection.settings_dict["OPTIONS"]["init_command"])
        assert fresh.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert fresh.execute("PRAGMA mmap_size").fetchone() == (0,)
