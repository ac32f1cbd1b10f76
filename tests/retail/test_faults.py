"""What the log says of a database that fails: the driver's code, and nothing of anybody's."""

import errno
import logging
import re
import threading
from contextlib import closing

import psycopg
import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import DatabaseError, DataError, IntegrityError, OperationalError, connection, transaction
from django.test import Client

from config import schedule
from retail.database import faults
from retail.models import Tenant
from tests.support.servers import free_port

only_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's own codes")
only_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLSTATEs")
RAISING = "DO $$ BEGIN RAISE EXCEPTION 'phone 13812345678' USING ERRCODE = '{}'; END $$"


def fault_of(sql: str) -> Exception:
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    return caught.value


@only_postgresql
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("code", "cause", "is_outage"),
    [
        ("53100", "DiskFull (53100)", True),
        ("57P01", "AdminShutdown (57P01)", True),
        ("55P03", "LockNotAvailable (55P03)", True),
        ("25006", "ReadOnlySqlTransaction (25006)", True),
        ("23505", "UniqueViolation (23505)", False),
        ("22021", "CharacterNotInRepertoire (22021)", False),
    ],
)
def test_a_fault_of_postgresql_is_named_by_its_sqlstate(code, cause, is_outage):
    fault = fault_of(RAISING.format(code))
    assert (faults.cause_of(fault), faults.is_outage(fault)) == (cause, is_outage)


@only_sqlite
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sql", "cause", "is_outage"),
    [
        # Python's own driver adds which constraint, `pysqlite3` doesn't.
        ("INSERT INTO retail_tenant (id) VALUES (1)", r"IntegrityError \(SQLITE_CONSTRAINT(_NOTNULL)?\)", False),
        ("SELECT '13812345678' FROM nobodys_table", r"OperationalError \(SQLITE_ERROR\)", False),
    ],
)
def test_a_fault_of_sqlite_is_named_by_its_code(sql, cause, is_outage):
    fault = fault_of(sql)
    assert re.fullmatch(cause, faults.cause_of(fault))
    assert faults.is_outage(fault) == is_outage


def write_elsewhere() -> tuple[str, bool]:
    """What another thread is told that wants to write."""
    told = []

    def write() -> None:
        try:
            with transaction.atomic():
                Tenant.objects.update(name="x")
        except OperationalError as error:
            told.append((faults.cause_of(error), faults.is_outage(error)))
        finally:
            connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    return told[0]


@only_sqlite
@pytest.mark.django_db(transaction=True)
def test_a_file_that_another_process_holds_is_told_from_a_turn_that_does_not_come(monkeypatch):
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.1)
    with transaction.atomic():
        assert write_elsewhere() == ("NoTurn: database is locked", True)
    with closing(connection.Database.connect(connection.settings_dict["NAME"])) as other:
        other.execute("BEGIN IMMEDIATE")
        assert write_elsewhere() == ("OperationalError (SQLITE_BUSY)", True)


@only_sqlite
@pytest.mark.django_db(transaction=True)
def test_a_file_that_may_only_be_read_is_named():
    with closing(connection.Database.connect(f"file:{connection.settings_dict['NAME']}?mode=ro", uri=True)) as reader:
        try:
            reader.execute("UPDATE retail_tenant SET name = 'x'")
        except connection.Database.Error as driver:
            fault = OperationalError(*driver.args)
            fault.__cause__ = driver
    assert (faults.cause_of(fault), faults.is_outage(fault)) == ("OperationalError (SQLITE_READONLY)", True)


def test_a_server_that_is_not_there_is_told_without_who_asked_for_what():
    address = f"host=127.0.0.1 port={free_port()} user=zhangsan@13812345678 dbname=secret-shop"
    with pytest.raises(psycopg.OperationalError) as refused:
        psycopg.connect(address)
    cause = faults.cause_of(refused.value)
    assert "Connection refused" in cause
    assert not [word for word in ("13812345678", "zhangsan", "secret-shop") if word in cause]


def test_a_disk_is_named_by_the_systems_word():
    assert faults.cause_of(OSError(errno.ENOSPC, "No space left on device", "/media/13812345678.jpg")) == "OSError (ENOSPC)"
    assert not faults.is_outage(OSError(errno.ENOENT, "No such file"))


def raised_over(outage: Exception, mistake: Exception, cause: Exception | None = None) -> Exception:
    try:
        try:
            raise outage
        except type(outage):
            if cause:
                raise mistake from cause
            raise mistake  # noqa: B904 - as our own mistake would come
    except type(mistake) as caught:
        return caught


def test_a_mistake_in_what_handles_an_outage_is_no_outage():
    outage = OSError(errno.ENOSPC, "No space left on device")
    for mistake in (KeyError("x"), IntegrityError("x"), DataError("x"), AttributeError("x")):
        assert faults.outage_behind(raised_over(outage, mistake)) is None


def test_what_is_raised_from_an_outage_and_a_session_that_is_not_kept_are_outages():
    outage = OSError(errno.ENOSPC, "No space left on device")
    assert faults.outage_behind(raised_over(outage, KeyError("x"), cause=outage)) is outage
    kept = raised_over(raised_over(outage, UpdateError()), SessionInterrupted("x"))
    assert faults.outage_behind(kept) is outage


@pytest.mark.django_db(transaction=True)
def test_a_job_names_the_cause_and_a_mistake_of_ours_keeps_its_traceback(logged):
    def fail(sql: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute(sql)
        return 1

    assert schedule.finish("sum", lambda: fail("SELECT 1 FROM nobodys_table"), logging.getLogger().info) == 0
    (line,) = logged.of("config.schedule")
    assert line["message"] == "job sum failed"
    assert "nobodys_table" in line["exc_info"]


@pytest.mark.django_db
def test_a_host_that_nobody_named_is_named_in_the_log(logged):
    answers = [Client(raise_request_exception=False).get("/", HTTP_HOST=host) for host in ("shop.example.com", "a b<13812345678>")]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert logged.refusals == ["refused: host shop.example.com is not in ALLOWED_HOSTS", "refused: host malformed is not in ALLOWED_HOSTS"]
    assert logged.of("django.security.DisallowedHost") == []
    assert "13812345678" not in logged.text
