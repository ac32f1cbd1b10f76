"""What the environment sets, and what `.env.example` says of it."""

import os
import re
import runpy

import environ
import pytest
from django.conf import settings

EXAMPLE = settings.BASE_DIR / ".env.example"
LINE = re.compile(r"^(#?)([A-Z0-9_]+)=(.*)$", re.MULTILINE)
KEYS = {"SECRET_KEY": "k" * 48, "ENCRYPTION_KEYS": "e" * 43 + "="}
# Names the file that holds the others.
ELSEWHERE = {"ENV_FILE"}


@pytest.fixture
def load(monkeypatch):
    """The settings as a process with this environment and nothing else reads them; ``asked`` collects the names that it looks up."""
    asked = set()
    real = environ.Env.get_value

    def noted(self, var, *arguments, **options):
        asked.add(var)
        return real(self, var, *arguments, **options)

    def settings_with(**environment):
        monkeypatch.setattr(environ.Env, "ENVIRON", {"ENV_FILE": os.devnull} | KEYS | environment)
        module = runpy.run_path(str(settings.BASE_DIR / "config" / "settings.py"))
        return {name: value for name, value in module.items() if name.isupper()}

    monkeypatch.setattr(environ.Env, "get_value", noted)
    settings_with.asked = asked
    return settings_with


def test_every_setting_stands_in_the_example_and_nothing_else(load):
    load()
    assert {name for _, name, _ in LINE.findall(EXAMPLE.read_text())} == load.asked - ELSEWHERE


@pytest.mark.parametrize(
    "environment",
    [{}, {"DEMO": "on"}, {"DEBUG": "on"}, {"PUBLIC_BASE_URL": "https://xiantuan.example.com"}],
    ids=lambda environment: " ".join(environment) or "nothing",
)
def test_a_copy_of_the_example_changes_nothing(load, environment):
    assert load(ENV_FILE=str(EXAMPLE), **environment) == load(**environment)


def test_what_is_commented_out_is_the_default(load, tmp_path):
    defaults = {name: value for comment, name, value in LINE.findall(EXAMPLE.read_text()) if comment and value}
    assert load(**defaults) == load()


@pytest.mark.parametrize("typed", ["HTTPS://xiantuan.example.com", " https://xiantuan.example.com/ "])
def test_https_is_https_however_it_is_typed(load, typed):
    """The start took it for https, and cookies, redirects and HSTS did not."""
    assert load(PUBLIC_BASE_URL=typed) == load(PUBLIC_BASE_URL="https://xiantuan.example.com")


def test_a_public_address_is_served_without_naming_it_twice(load):
    read = load(ENV_FILE=str(EXAMPLE), PUBLIC_BASE_URL="https://xiantuan.example.com")
    assert "xiantuan.example.com" in read["ALLOWED_HOSTS"]
