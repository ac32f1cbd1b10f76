"""What stops the start of an installation that others can reach."""

import os
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet

from groupbuy.checks import check_money
from retail.checks import check_installation


@pytest.fixture
def production(settings):
    settings.DEBUG = settings.DEMO = False
    settings.PUBLIC_BASE_URL = "https://shop.example.com"
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    settings.SECRET_KEY = "a-long-one-of-the-installations-own-2026"
    settings.API_THROTTLES = True
    return settings


def found() -> list[str]:
    return [message.id for message in check_installation(None)]


@pytest.mark.parametrize(
    ("name", "value", "faults"),
    [
        ("DEMO", False, []),
        ("DEBUG", True, ["retail.E001"]),
        ("PUBLIC_BASE_URL", "http://shop.example.com", ["retail.E002"]),
        ("PUBLIC_BASE_URL", "http://127.0.0.1:8000", []),
        ("ENCRYPTION_KEYS", [], ["retail.E003"]),
        ("ENCRYPTION_KEYS", ["no-key"], ["retail.E005"]),
        ("SECRET_KEY", "short", ["retail.E004"]),
        ("SECRET_KEY", "insecure-only-for-debug", ["retail.E004"]),
        ("SECRET_KEY", "django-insecure-0123456789012345678901234567890123456789", ["retail.E004"]),
        ("API_THROTTLES", False, ["retail.W001"]),
    ],
)
def test_an_installation_starts_only_safely(production, name, value, faults):
    setattr(production, name, value)
    assert found() == faults


@pytest.mark.parametrize("mode", ["DEBUG", "DEMO"])
@pytest.mark.parametrize(
    ("url", "faults"),
    [
        *((f"http://{host}:8000", []) for host in ("127.0.0.1", "127.0.1.1", "localhost", "[::1]")),
        *((f"http://{host}:8000", []) for host in ("10.0.0.7", "172.16.0.7", "172.31.0.7", "192.168.1.7", "[fd00::7]")),
        ("https://192.168.1.7", []),
        *((f"{scheme}://shop.example.com", ["retail.E001"]) for scheme in ("http", "https")),
        *((f"http://{host}", ["retail.E001"]) for host in ("203.0.113.7", "172.32.0.7", "8.8.8.8", "[2001:4860::1]")),
        *((f"http://{host}", ["retail.E001"]) for host in ("localhost.example.com", "127.0.0.1.example.com", "100.64.0.1")),
        ("shop.example.com", ["retail.E001"]),
    ],
)
def test_who_pretends_is_reached_from_nearby_only(production, mode, url, faults):
    setattr(production, mode, True)
    production.PUBLIC_BASE_URL = url
    production.SECRET_KEY, production.ENCRYPTION_KEYS = "insecure-only-for-debug", []
    production.PAYMENT_GATEWAY = production.LOGIN_PROVIDER = "sandbox"
    assert found() == faults


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://192.168.1.7", "https://shop.example.com"])
def test_sandboxes_and_default_keys_need_demo_or_debug_everywhere(production, url):
    production.PUBLIC_BASE_URL = url
    production.SECRET_KEY, production.ENCRYPTION_KEYS = "insecure-only-for-debug", []
    production.PAYMENT_GATEWAY = production.LOGIN_PROVIDER = "sandbox"
    assert {"retail.E003", "retail.E004"} <= set(found())
    assert [message.id for message in check_money(None)] == ["groupbuy.E001"] * 2


@pytest.mark.parametrize("mode", ["DEBUG", "DEMO"])
def test_the_server_refuses_to_pretend_before_strangers(tmp_path, mode):
    assert_no_start(tmp_path, "retail.E001", **{mode: "on"})


def test_the_server_refuses_what_manage_py_refuses(tmp_path):
    assert_no_start(tmp_path, "retail.E002")


def assert_no_start(tmp_path, fault, **named):
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "ENV_FILE": os.devnull,
        "SECRET_KEY": "x" * 50,
        "DEBUG": "off",
        "DEMO": "off",
        "PUBLIC_BASE_URL": "http://shop.example.com",
        "DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite3",
        **named,
    }
    started = subprocess.run([sys.executable, "-c", "import config.wsgi"], env=environment, capture_output=True, text=True)
    assert started.returncode != 0
    assert fault in started.stderr
