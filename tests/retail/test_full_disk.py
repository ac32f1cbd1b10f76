"""A disk without room: nothing half-written is left, who asked is told to come back, and the log says what it was."""

import logging
import os
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.db import OperationalError, connection
from django.test import Client

from config import schedule
from groupbuy.models import Order, OrderEvent, OrderStatus
from groupbuy.models.orders import ActorKind
from retail.database.sqlite.room import why_unwritable
from retail.models import Product, ProductImage
from retail.pictures import PictureStorage
from shops.models import Shop
from tests.retail.test_pictures import drawn
from tests.support import factories
from tests.support.back_office import edit, marks, page, said
from tests.support.pages import browser_of, ordered, submit, words

only_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="a limit that SQLite can be given")
CREATE_ORDER = "/api/marketing/groupbuy/createorder"
SENTENCE = "图片没有保存成功"
NO_HOLIDAYS = {"holidays-TOTAL_FORMS": 0, "holidays-INITIAL_FORMS": 0}


@contextmanager
def little_room(size: int) -> Iterator[None]:
    """The system itself refuses to let a file of this process grow beyond ``size`` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class FullStorage(PictureStorage):
    """Pictures on a disk where each finds room for its first 300 bytes; small ones are stored whole."""

    def _save(self, name, content):
        with little_room(300):
            return super()._save(name, content)


class FullUpload(TemporaryFileUploadHandler):
    """The folder of files on their way is on such a disk too."""

    def receive_data_chunk(self, raw_data, start):
        with little_room(300):
            return super().receive_data_chunk(raw_data, start)


@pytest.fixture
def full(settings, tmp_path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": "tests.retail.test_full_disk.FullStorage"}}
    return tmp_path


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def upload(content: bytes, name: str = "a.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "image/png")


def large() -> SimpleUploadedFile:
    return upload(drawn("PNG", size=(900, 900)))


def small() -> SimpleUploadedFile:
    """One that takes less than 300 bytes."""
    return upload(drawn("PNG", size=(1, 1), mode="RGBA"))


def product_form(product: Product, *pictures: SimpleUploadedFile) -> dict[str, object]:
    form = {"name": "苹果", "code": product.code, "product_class": product.product_class_id, "unit": "斤", "storage": "ambient"}
    form |= {"pricing_type": 0, "pack_size": 0, "price": "5.90", "member_price": "5.50", "in_use": "on"}
    form |= {"images-TOTAL_FORMS": len(pictures), "images-INITIAL_FORMS": 0, "images-MIN_NUM_FORMS": 0, "images-MAX_NUM_FORMS": 1000}
    return form | {f"images-{number}-image": one for number, one in enumerate(pictures)} | {"images-0-sort": 0, "images-1-sort": 1}


@pytest.mark.django_db
@pytest.mark.parametrize("pictures", [[large], [small, large]], ids=["the first", "one after another"])
def test_a_picture_that_finds_no_room_is_a_sentence_and_leaves_neither_file_nor_change(full, headquarters, pictures, logged):
    product = factories.ProductFactory(tenant=headquarters.tenant, name="旧名")
    form = product_form(product, *(make() for make in pictures))
    answer = edit(browser_of(headquarters), product, form, follow=True)
    assert answer.status_code == 200
    assert [SENTENCE in one for one in said(answer)] == [True]
    assert files(full) == []
    assert not ProductImage.objects.exists()
    assert Product.objects.get().name == "旧名"
    assert "a picture can't be stored: OSError (EFBIG)" in [line["message"] for line in logged.of("retail.pictures")]


@pytest.mark.django_db
def test_what_finds_room_is_stored_on_the_same_disk(full, headquarters):
    product = factories.ProductFactory(tenant=headquarters.tenant)
    edit(browser_of(headquarters), product, product_form(product, small()))
    assert [Path(ProductImage.objects.get().image.path)] == files(full)


@pytest.mark.django_db
def test_a_shops_own_picture_that_finds_no_room_is_a_sentence_too(full, headquarters, shop):
    browser = browser_of(headquarters)
    form = {"code": shop.code, "name": "新名", "area": "1", "markup": "0", "image": large()} | NO_HOLIDAYS
    answer = edit(browser, shop, form, follow=True)
    assert [SENTENCE in one for one in said(answer)] == [True]
    assert files(full) == []
    assert Shop.objects.get().name == shop.name


@pytest.mark.django_db
def test_a_shops_picture_goes_when_the_row_is_not_written(settings, tmp_path, monkeypatch, headquarters, shop):
    settings.MEDIA_ROOT = tmp_path
    save = Shop.save

    def fail(shop: Shop, **how: object) -> None:
        save(shop, **how)
        raise OperationalError("the database went away")

    monkeypatch.setattr(Shop, "save", fail)
    browser = Client(raise_request_exception=False)
    browser.force_login(headquarters, backend="retail.login.backend.PeopleBackend")
    form = {"code": "new-1", "name": "新名", "area": "1", "markup": "0"} | NO_HOLIDAYS
    for path in (page(shop), "/admin/shops/shop/add/"):
        assert browser.post(path, marks(browser.get(path)) | form | {"image": small()}).status_code == 503
    assert files(tmp_path) == []


@pytest.mark.django_db
def test_a_new_row_whose_picture_finds_no_room_is_not_made(full, headquarters):
    form = {"code": "new-1", "name": "新店", "area": "1", "markup": "0", "image": large()} | NO_HOLIDAYS
    answer = browser_of(headquarters).post("/admin/shops/shop/add/", form, follow=True)
    assert [SENTENCE in one for one in said(answer)] == [True]
    assert (files(full), Shop.objects.count()) == ([], 0)


@pytest.mark.django_db
def test_an_upload_that_finds_no_room_on_its_way_is_told_to_come_back(settings, headquarters, logged):
    # As large ones are: into a file, and before any form sees them.
    settings.FILE_UPLOAD_HANDLERS = ["tests.retail.test_full_disk.FullUpload"]
    product = factories.ProductFactory(tenant=headquarters.tenant)
    browser = Client(raise_request_exception=False)
    browser.force_login(headquarters, backend="retail.login.backend.PeopleBackend")
    answer = browser.post(page(product), product_form(product, upload(os.urandom(100_000))))
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert "服务暂时不可用" in words(answer)
    assert "unavailable: OSError (EFBIG)" in [line["message"] for line in logged.of("retail.views")]


@contextmanager
def full_database() -> Iterator[None]:
    """SQLite's file may not grow, and what was free in it is taken; PostgreSQL answers new rows as it does when its disk is full."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            most = fill_up(cursor)
            end = f"DROP TABLE ballast; PRAGMA max_page_count = {most}"
        else:
            cursor.execute(REFUSING)
            end = "DROP FUNCTION no_room CASCADE"
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for statement in end.split(";"):
                cursor.execute(statement)


def fill_up(cursor) -> int:
    """Returns how many pages were allowed before."""
    (most,) = cursor.execute("PRAGMA max_page_count").fetchone()
    cursor.execute("CREATE TABLE ballast (weight BLOB)")
    (pages,) = cursor.execute("PRAGMA page_count").fetchone()
    cursor.execute(f"PRAGMA max_page_count = {pages}")
    with suppress(OperationalError):
        while True:
            cursor.execute("INSERT INTO ballast VALUES (zeroblob(3000))")
    return most


TABLES = ("groupbuy_order", "django_session", "axes_accessattempt", "groupbuy_orderevent")
REFUSING = """CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;""" + "".join(
    f"CREATE TRIGGER no_room BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION no_room();" for table in TABLES
)
CAUSE = "OperationalError (SQLITE_FULL)" if connection.vendor == "sqlite" else "DiskFull (53100)"


def messages(logged, name: str) -> set[str]:
    return {line["message"] for line in logged.of(name)}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_an_order_that_finds_no_room_is_503_and_not_there(api, group_buying, logged):
    callers = [api.as_user(buyer) for buyer in factories.BuyerFactory.create_batch(40, tenant=group_buying.tenant)]
    wish = {"groupBuyingId": group_buying.pk, "qty": 1}
    with full_database():
        answers = [caller.post(CREATE_ORDER, wish) for caller in callers]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert {(answer.status_code, answer["Retry-After"], answer.json()["status"]) for answer in refused} == {(503, "1", 500)}
    placed = len(answers) - len(refused)
    group_buying.refresh_from_db()
    assert (Order.objects.count(), group_buying.taken) == (placed, placed)
    assert f"unavailable: {CAUSE}" in messages(logged, "retail.wire.errors")
    assert callers[-1].post(CREATE_ORDER, wish).json()["status"] == 200


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_page_that_finds_no_room_is_503_and_kind(group_buying, logged):
    with full_database():
        answers = [submit(Client(raise_request_exception=False), group_buying) for _ in range(30)]
        assert Client().get(f"/g/{group_buying.pk}/").status_code == 200
    refused = [answer for answer in answers if answer.status_code != 302]
    assert {(answer.status_code, answer["Retry-After"]) for answer in refused} == {(503, "1")}
    assert "服务暂时不可用" in words(refused[0])
    assert f"unavailable: {CAUSE}" in messages(logged, "retail.views")
    assert not [line for line in logged.lines if "exc_info" in line]


@pytest.mark.django_db
def test_an_outage_that_the_sessions_met_is_told_once_and_without_a_traceback(manager, logged, monkeypatch):
    def fail(*_sent: object, **_named: object) -> None:
        raise UpdateError from OperationalError("database or disk is full")

    browser = browser_of(manager)
    browser.raise_request_exception = False
    # The back office notes when somebody was last seen.
    monkeypatch.setattr(SessionStore, "save", fail)
    assert browser.get("/admin/").status_code == 503
    assert len(logged.of("retail.views")) == 1
    assert not [line for line in logged.lines if "exc_info" in line]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_session_that_finds_no_room_is_503_and_kind(headquarters, logged):
    """Sessions are kept by a middleware, where no view's refusal is answered."""
    name_and_password = {"username": headquarters.username, "password": "demo-pass-2026"}
    with full_database():
        answers = [Client(raise_request_exception=False).post("/admin/login/?next=/admin/", name_and_password) for _ in range(30)]
    refused = [answer for answer in answers if answer.status_code != 302]
    assert {(answer.status_code, answer["Retry-After"]) for answer in refused} == {(503, "1")}
    assert "服务暂时不可用" in words(refused[0])
    assert f"unavailable: {CAUSE}" in messages(logged, "retail.views")
    assert not [line for line in logged.lines if "exc_info" in line]


@pytest.mark.django_db(transaction=True)
def test_the_background_jobs_go_on_and_say_what_it_was(group_buying, now, logged):
    orders = [ordered(buyer, group_buying, now=now) for buyer in factories.BuyerFactory.create_batch(20, tenant=group_buying.tenant)]
    later = now + timedelta(hours=1)

    def note_much() -> int:
        for order in orders * 200:
            OrderEvent.objects.create(order=order, to_status=OrderStatus.EXPIRED, actor_kind=ActorKind.SYSTEM, reason="x" * 60)
        return 1

    with full_database():
        assert schedule.finish("noting", note_much, logging.getLogger().info) == 0
        expired = schedule.run("expire", now=later)
    assert expired < len(orders)
    assert f"job noting: unavailable: {CAUSE}" in messages(logged, "config.schedule")
    # What was put off comes again, once there is room.
    assert expired + schedule.run("expire", now=later + timedelta(hours=1)) == len(orders)


@only_sqlite
@pytest.mark.django_db
def test_readiness_sees_a_disk_that_is_nearly_full(settings, logged):
    assert Client().get("/healthz/ready").json() == {"status": "ready"}
    settings.SQLITE_ROOM_MB = 10**9
    answer = Client().get("/healthz/ready")
    assert (answer.status_code, answer.json()) == (503, {"status": "disk full"})
    assert messages(logged, "retail.views") == {"not ready: disk full"}


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may write everywhere."""
    if os.getuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_or_folder_that_may_not_be_written_is_seen_without_writing(tmp_path):
    folder = tmp_path / "var"
    folder.mkdir()
    file = folder / "shop.sqlite3"
    file.touch()
    file.chmod(0o777)
    # pytest's own folders are its user's alone.
    for path in file.relative_to(tempfile.gettempdir()).parents[:-1]:
        Path(tempfile.gettempdir(), path).chmod(0o777)
    with as_nobody():
        assert why_unwritable(file, least=1) == ""
    for locked in (file, folder):
        locked.chmod(0o555)
        with as_nobody():
            assert why_unwritable(file, least=1) == "database read-only"
        locked.chmod(0o777)
    assert list(folder.iterdir()) == [file]
