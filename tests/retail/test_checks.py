"""What stops the start of an installation that others can reach."""

import os
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet

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


def test_the_server_refuses_what_manage_py_refuses(tmp_path):
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "ENV_FILE": os.devnull,
        "SECRET_KEY": "x" * 50,
        "DEBUG": "off",
        "DEMO": "off",
        "PUBLIC_BASE_URL": "http://shop.example.com",
        "DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite3",
    }
    started = subprocess.run([sys.executable, "-c", "import config.wsgi"], env=environment, capture_output=True, text=True)
    assert started.returncode != 0
    assert "retail.E002" in started.stderr
