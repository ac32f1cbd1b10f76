"""What stops the start of an installation that others can reach."""

import os
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet

from groupbuy.checks import check_money
from retail.checks import check_installation, public_host


@pytest.fixture
def production(settings):
    settings.DEBUG = settings.DEMO = False
    settings.PUBLIC_BASE_URL, settings.ALLOWED_HOSTS = "https://shop.example.com", ["shop.example.com"]
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
        ("PUBLIC_BASE_URL", "https:/shop.example.com", ["retail.E002", "retail.W002"]),
        ("PUBLIC_BASE_URL", "https:", ["retail.E002", "retail.W002"]),
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
    production.ALLOWED_HOSTS = [public_host()]
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
    production.ALLOWED_HOSTS = [public_host()]
    production.SECRET_KEY, production.ENCRYPTION_KEYS = "insecure-only-for-debug", []
    production.PAYMENT_GATEWAY = production.LOGIN_PROVIDER = "sandbox"
    assert [fault for fault in found() if fault != "retail.W002"] == faults


NEARBY_HOSTS = ["127.0.0.1", "localhost", "[::1]", "192.168.1.7", "[fd00::7]", "demo.localhost", "shop.lan", "till.local", ".local"]
STRANGERS = [
    "*",
    ".example.com",
    "shop.example.com",
    "8.8.8.8",
    "[2001:4860::1]",
    ".com",
    "134744072",
    "0x08080808",
    "shop.lan.example.com",
]


@pytest.mark.parametrize("mode", ["DEBUG", "DEMO"])
@pytest.mark.parametrize("host", STRANGERS)
def test_who_pretends_serves_no_strangers_at_the_default_address_either(production, mode, host):
    setattr(production, mode, True)
    production.PUBLIC_BASE_URL, production.ALLOWED_HOSTS = "http://127.0.0.1:8000", ["127.0.0.1", "localhost", host]
    (fault,) = check_installation(None)
    assert (fault.id, f"ALLOWED_HOSTS names {host}" in fault.msg) == ("retail.E001", True)


@pytest.mark.parametrize("mode", ["DEBUG", "DEMO"])
@pytest.mark.parametrize("host", [*NEARBY_HOSTS, "web", "xiantuan.internal", "shop.home.arpa", "TILL.LOCAL"])
def test_a_phone_in_the_same_network_may_try_the_demo(production, mode, host):
    setattr(production, mode, True)
    production.PUBLIC_BASE_URL, production.ALLOWED_HOSTS = "http://127.0.0.1:8000", ["127.0.0.1", host]
    assert found() == []


@pytest.mark.parametrize(
    ("url", "host"),
    [
        *(("http://127.0.0.1:8000", host) for host in ["192.168.1.7", "till.local", *STRANGERS]),
        *(("https://192.168.1.7", host) for host in STRANGERS),
        ("https://127.0.0.1", "shop.example.com"),
    ],
)
def test_a_forgotten_address_is_seen_by_the_hosts_that_are_served(production, url, host):
    """Without it there are no https rules, and WeChat is told to call 127.0.0.1."""
    production.PUBLIC_BASE_URL = url
    production.ALLOWED_HOSTS = [public_host(), host]
    (fault,) = check_installation(None)
    assert (fault.id, host in fault.msg, "PUBLIC_BASE_URL=https://" in fault.msg) == ("retail.E006", True, True)


@pytest.mark.parametrize(
    "hosts", [["*"], ["shop.example.com"], [".example.com"], ["shop.example.com", "qinghe.example.cn", "127.0.0.1", "web"]]
)
def test_a_public_address_may_serve_the_tenants_own_hosts_too(production, hosts):
    production.ALLOWED_HOSTS = hosts
    assert found() == []


@pytest.mark.parametrize(
    "hosts", [[], ["127.0.0.1"], ["example.com"], ["other.example.com"], ["https://shop.example.com"], ["shop.example.com:443"]]
)
def test_an_address_that_is_not_served_is_said(production, hosts):
    production.ALLOWED_HOSTS = hosts
    assert found() == ["retail.W002"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://192.168.1.7", "https://shop.example.com"])
def test_sandboxes_and_default_keys_need_demo_or_debug_everywhere(production, url):
    production.PUBLIC_BASE_URL = url
    production.SECRET_KEY, production.ENCRYPTION_KEYS = "insecure-only-for-debug", []
    production.PAYMENT_GATEWAY = production.LOGIN_PROVIDER = "sandbox"
    assert {"retail.E003", "retail.E004"} <= set(found())
    assert [message.id for message in check_money(None)] == ["groupbuy.E001"] * 2


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["DEBUG", "DEMO"])
def test_the_server_refuses_to_pretend_before_strangers(tmp_path, mode):
    assert_no_start(tmp_path, "retail.E001", **{mode: "on"})


@pytest.mark.slow
@pytest.mark.parametrize("hosts", ["*", "shop.example.com"])
def test_the_server_refuses_a_demo_for_strangers_at_its_default_address(tmp_path, hosts):
    assert_no_start(tmp_path, "retail.E001", DEMO="on", ALLOWED_HOSTS=hosts, PUBLIC_BASE_URL="http://127.0.0.1:8000")


@pytest.mark.slow
def test_the_server_refuses_production_with_a_forgotten_address(tmp_path):
    keys = {"ENCRYPTION_KEYS": Fernet.generate_key().decode(), "ALLOWED_HOSTS": "shop.example.com"}
    assert_no_start(tmp_path, "retail.E006", PUBLIC_BASE_URL="http://127.0.0.1:8000", **keys)


@pytest.mark.slow
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
