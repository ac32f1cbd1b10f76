"""A demo that goes into production: nothing starts while its accounts open to everybody, however it is started."""

import io
import os
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet
from django.conf import global_settings
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.db import OperationalError, connection
from knox.models import AuthToken

from config import checks, start
from config.demo import people
from retail.models import AppSecret, Tenant, User
from tests.support import factories
from tests.support.celeries import BROKERS, database_url
from tests.support.pages import browser_of
from tests.support.servers import ROOT, free_port

pytestmark = pytest.mark.slow

ACCOUNTS = ["admin", "hq", "manager", "clerk", "other-hq"]
STRONG = "xiguan-2026-tuan"
committed = pytest.mark.django_db(transaction=True)


@pytest.fixture
def demo(db, settings):
    """The demo's accounts, hashed as an installation does it."""
    settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS
    demo, other = (factories.TenantFactory(code=code) for code in ("demo", "other"))
    return people.make_staff(demo=demo, other=other, first_shop=factories.ShopFactory(tenant=demo))


@pytest.fixture
def production(settings):
    settings.DEBUG = settings.DEMO = False
    return settings


def found():
    return [(fault.id, fault.msg) for fault in checks.check_data(None)]


# What is found.


@pytest.mark.parametrize("mode", ["DEMO", "DEBUG"])
def test_a_demo_has_its_accounts(demo, production, mode):
    setattr(production, mode, True)
    assert found() == []


def test_production_names_them_and_what_mends_it(demo, production):
    ((fault, said),) = found()
    assert fault == "config.E001"
    assert "admin, hq, manager, clerk, other-hq" in said
    assert "manage.py demo --retire" in said


def test_who_has_another_password_or_cannot_log_in_is_none_of_them(demo, production):
    User.objects.filter(username="manager").update(is_active=False)
    Tenant.objects.filter(code="other").update(in_use=False)
    hq = User.objects.get(username="hq")
    hq.set_password(STRONG)
    hq.save()
    ((_, said),) = found()
    assert "password of admin, clerk:" in said


def test_a_renamed_account_is_found_by_the_hash_that_they_share(demo, production):
    User.objects.filter(username="admin").update(username="root")
    ((_, said),) = found()
    assert "password of root, hq" in said


def test_a_renamed_account_is_found_when_the_others_are_switched_off(demo, production):
    User.objects.filter(username="admin").update(username="root")
    User.objects.filter(username__in=ACCOUNTS).update(is_active=False)
    ((_, said),) = found()
    assert "password of root:" in said


def test_a_table_that_is_missing_hides_nothing_that_was_found_before(demo, production, monkeypatch):
    def unmade():
        raise OperationalError("no such table")

    monkeypatch.setattr(checks, "silent_apps", unmade)
    assert [fault for fault, _ in found()] == ["config.E001"]


def test_what_others_are_called_is_their_business(db, production):
    factories.StaffFactory(username="clerk", password=STRONG)
    factories.BuyerFactory(username="hq")
    assert found() == []


def test_at_most_a_hash_for_each_of_the_names_is_tried(demo, production, monkeypatch):
    for number in range(30):
        factories.StaffFactory(username=f"own-{number}")
    tried = []
    monkeypatch.setattr(people, "check_password", lambda password, encoded: tried.append(encoded))
    found()
    assert len(tried) == 1
    User.objects.filter(username__in=ACCOUNTS).update(password="!nobody-logs-in")
    found()
    assert len(tried) == 1


# Where it is found.


def test_the_doctor_and_check_deploy_find_them(demo, production, settings):
    settings.PUBLIC_BASE_URL, settings.ALLOWED_HOSTS = "https://shop.example.com", ["shop.example.com"]
    settings.SECRET_KEY, settings.ENCRYPTION_KEYS = "k" * 48, [Fernet.generate_key().decode()]
    settings.LOGIN_PROVIDER = settings.PAYMENT_GATEWAY = "wechat"
    written = io.StringIO()
    with pytest.raises(CommandError, match=r"1 finding\(s\)"):
        call_command("doctor", stdout=written)
    assert "FAIL Everybody knows the password of admin" in written.getvalue()
    with pytest.raises(SystemCheckError, match=r"config\.E001"):
        call_command("check", deploy=True, stderr=io.StringIO())
    with pytest.raises(SystemCheckError, match=r"config\.E001"):
        start.refuse_unsafe()
    # What mends it can be run meanwhile.
    call_command("check", stderr=io.StringIO())


COMMANDS = {
    "granian alone": [sys.executable, "-c", "import config.wsgi"],
    # What a worker and beat do before anything else.
    "Celery": [sys.executable, "-c", "from config.celery import app; app.loader.import_default_modules()"],
    "work": [sys.executable, "manage.py", "work", "--once", "--jobs", "nonces"],
    "serve": [sys.executable, "manage.py", "serve"],
}


def started(name, tmp_path, **named):
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "ENV_FILE": os.devnull,
        "SECRET_KEY": "k" * 48,
        "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "PUBLIC_BASE_URL": "https://shop.example.com",
        "DATABASE_URL": database_url(),
        "LOGIN_PROVIDER": "wechat",
        "PAYMENT_GATEWAY": "wechat",
        "MEDIA_ROOT": str(tmp_path / "media"),
        "STATIC_ROOT": str(tmp_path / "static"),
        "DEMO": "off",
        "DEBUG": "off",
        "CELERY_BROKER_URL": BROKERS["redis"] if name == "Celery" else "",
        **named,
    }
    port = ["--port", str(free_port())] if name == "serve" else []
    return subprocess.run([*COMMANDS[name], *port], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)


@committed
@pytest.mark.parametrize("name", COMMANDS)
def test_nothing_starts_with_the_accounts_of_a_demo(demo, tmp_path, name):
    refused = started(name, tmp_path)
    assert refused.returncode != 0
    assert "Everybody knows the password of admin, hq, manager, clerk, other-hq" in refused.stderr
    assert "manage.py demo --retire" in refused.stderr


@committed
@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "serve"])
def test_after_mending_it_starts(demo, tmp_path, name):
    people.retire()
    assert started(name, tmp_path).returncode == 0


@committed
@pytest.mark.parametrize(
    "database", ["sqlite:///{folder}/not-made-yet.sqlite3", "sqlite:///{folder}/no/folder/db.sqlite3", "postgres://127.0.0.1:9/away"]
)
def test_a_start_does_not_wait_for_a_database(tmp_path, database):
    up = started("granian alone", tmp_path, DATABASE_URL=database.format(folder=tmp_path))
    assert up.returncode == 0, up.stderr
    assert "nobody looked for the demo's accounts" in up.stderr


def test_looking_leaves_a_connection_as_it_was(db):
    checks.check_data(None)
    assert connection.connection is not None


# What mends it.


def test_retiring_takes_passwords_sessions_and_tokens_and_nothing_else(demo, production, api):
    own = factories.StaffFactory(username="own", password=STRONG)
    hq = User.objects.get(username="hq")
    session = browser_of(hq)
    AuthToken.objects.create(user=hq)
    AuthToken.objects.create(user=own)
    written = io.StringIO()
    call_command("demo", retire=True, stdout=written)
    assert "logged out everywhere: admin, hq, manager, clerk, other-hq" in written.getvalue()
    assert found() == []
    assert session.get("/admin/").status_code == 302
    assert list(AuthToken.objects.values_list("user__username", flat=True)) == ["own"]
    assert User.objects.get(username="own").check_password(STRONG)
    assert User.objects.filter(username__in=ACCOUNTS, is_active=True).count() == 5
    again = io.StringIO()
    call_command("demo", retire=True, stdout=again)
    assert again.getvalue() == "No account has the demo's password.\n"


def test_who_cannot_log_in_at_present_is_retired_too(demo, production):
    User.objects.filter(username="clerk").update(is_active=False)
    Tenant.objects.filter(code="other").update(in_use=False)
    people.retire()
    assert not any(user.check_password(people.PASSWORD) for user in User.objects.staff())


# Tenants whom nobody reaches.


def test_a_host_name_that_is_not_served_is_said(tenant, settings):
    settings.ALLOWED_HOSTS = ["shop.example.com"]
    Tenant.objects.filter(pk=tenant.pk).update(host_name="qinghe.example.cn")
    ((fault, said),) = found()
    assert (fault, "qinghe.example.cn" in said) == ("config.W001", True)
    for served in (["*"], [".example.cn"], ["qinghe.example.cn"]):
        settings.ALLOWED_HOSTS = served
        assert found() == []


@pytest.mark.parametrize(
    ("own", "environment", "has_own_secret", "silent"),
    [
        # The demo's tenants with an app id of one's own in the environment: each login was 503, and nothing said why.
        ("wx-demo", ("wx-mine", "secret"), False, True),
        ("wx-demo", ("wx-mine", "secret"), True, False),
        ("wx-demo", ("wx-demo", "secret"), False, False),
        ("wx-demo", ("", "secret"), False, False),
        (None, ("wx-mine", "secret"), False, False),
        (None, ("wx-mine", ""), False, True),
        (None, ("", "secret"), False, True),
    ],
)
def test_an_app_without_a_secret_is_said_where_its_logins_fail(tenant, api, settings, own, environment, has_own_secret, silent):
    settings.LOGIN_PROVIDER = "wechat"
    # Nobody answers there: whoever has a secret gets as far as asking.
    settings.WECHAT_API_BASE_URL = f"http://127.0.0.1:{free_port()}"
    settings.WECHAT_APP_ID, settings.WECHAT_APP_SECRET = environment
    settings.DEFAULT_TENANT = tenant.code
    Tenant.objects.filter(pk=tenant.pk).update(app_id=own)
    if has_own_secret:
        AppSecret.objects.create(tenant=tenant, value="own")
    assert [fault for fault, _ in found()] == ["config.W002"] * silent
    settings.LOGIN_PROVIDER = "sandbox"
    assert found() == []


def test_what_is_said_of_an_app_is_what_a_login_meets(tenant, api, settings, logged):
    settings.LOGIN_PROVIDER, settings.DEFAULT_TENANT = "wechat", tenant.code
    settings.WECHAT_APP_ID, settings.WECHAT_APP_SECRET = "wx-mine", "secret"
    assert api.anonymous.post("/api/auth/wechatlogin", {"code": "c", "appId": "wx-mine"}).status_code == 503
    assert f"tenant {tenant.code} (appId {tenant.app_id})" in found()[0][1]
