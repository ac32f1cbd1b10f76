"""Which passwords are refused, wherever one is set: the admin, ``createsuperuser``, ``changepassword``."""

import getpass
import io
from time import perf_counter

import pytest
from django.contrib.auth.management.commands import createsuperuser
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from retail.models import User
from tests.support import factories
from tests.support.back_office import answered, page
from tests.support.pages import browser_of

pytestmark = pytest.mark.django_db
STRONG = "xiguan-2026-tuan"
OWN = "/admin/password_change/"
GUESSABLE = [
    # Keyboards, forwards, backwards, up and down, of any width and case.
    "qwertyuiopas",
    "poiuytrewqlk",
    "ＱＷＥＲＴＹＵＩＯＰＡＳ",
    "1qaz2wsx3edc",
    "!@#$%^&*()_+",
    "zxcvbnmasdfg",
    # Nothing to see, or next to nothing.
    " " * 12,
    "\u3000" * 12,
    "\u200b" * 12,
    "qwerty" + "\u200b" * 8,
    "a b c d e f g h",
    # Repetitions and alphabets.
    "aaaaaaaaaaaa",
    "K7mK7mK7mK7m",
    "鲜团鲜团鲜团鲜团鲜团鲜团",
    "abcdefghijkl",
    "zyxwvutsrqpo",
    # Words of the list, and what is hung on them.
    "Password1234!",
    "iloveyou520520",
    "woaini5201314",
    "P@ssw0rdP@ssw0rd",
    "admin2026admin",
    # Days.
    "19900101zhang",
    "2026-01-01-2026",
    "2026-11-29!!",
    "29.11.2026ab",
    "11/29/2026ab",
    # The product's, and what everybody has read.
    "xiantuan2026",
    "demo-pass-2026",
    "Demo-Pass-2026!",
    "demo-pass-2025",
    "x1antuan2026",
    "xi@ntu@n-2026",
]
GOOD = [STRONG, "correct horse battery staple", "鲜果每天都新鲜配送到家呀", "kT9vbn2xWq4z", "mei-li-de-tu-dou", " K7mX tuan Q4vb "]


@pytest.fixture
def person():
    tenant = factories.TenantFactory(name="青禾鲜铺", code="qinghe")
    factories.ShopFactory(tenant=tenant, name="田林店", code="SH01")
    return factories.StaffFactory(tenant=tenant, username="wangxm", nickname="王小明", phone="13912348765")


@pytest.mark.parametrize("password", GUESSABLE)
def test_what_is_guessed_is_refused(person, password):
    with pytest.raises(ValidationError):
        validate_password(password, person)


@pytest.mark.parametrize(
    "password",
    [
        "wangxm-2026!!!",
        "wangxiaoming2026",
        "xiaomingwang88",
        "WXM13912348765",
        "王小明王小明王小明王小明",
        "qinghexianpu2026",
        "青禾鲜铺田林店2026年",
        "tianlindian2026",
        "tianlindian-SH01",
    ],
)
def test_what_an_acquaintance_guesses_is_refused(person, password):
    with pytest.raises(ValidationError, match="太容易猜到"):
        validate_password(password, person)


@pytest.mark.parametrize("password", GOOD)
def test_what_nobody_guesses_is_taken(person, password):
    validate_password(password, person)


def test_the_names_of_another_chain_are_no_secret_of_this_one(person):
    factories.TenantFactory(name="海棠果园", code="haitang")
    validate_password("haitang-guoyuan", person)
    validate_password("tianlindian-7k", None)


def test_the_longest_password_is_judged_at_once(person):
    began = perf_counter()
    validate_password("4@8({[</369&#!1|05$7+2%Z" * 100_000, person)
    assert perf_counter() - began < 2


@pytest.mark.parametrize("password", ["qwertyuiopas", " " * 12])
def test_the_admin_refuses_it_for_others_and_for_oneself(headquarters, clerk, password):
    answer = browser_of(headquarters).post(page(clerk, "new_password"), answered(password=password, again=password))
    assert "太容易猜到" in str(answer.context["form"].errors)
    typed = {"old_password": "demo-pass-2026", "new_password1": password, "new_password2": password}
    assert "太容易猜到" in str(browser_of(clerk).post(OWN, typed).context["form"].errors)
    assert User.objects.get(pk=clerk.pk).check_password("demo-pass-2026")


def test_blanks_of_a_password_are_kept(headquarters, clerk):
    password = " K7mX tuan Q4vb "
    browser_of(headquarters).post(page(clerk, "new_password"), answered(password=password, again=password))
    kept = User.objects.get(pk=clerk.pk)
    assert kept.check_password(password)
    assert not kept.check_password(password.strip())


@pytest.fixture
def typing(monkeypatch):
    """Somebody at a terminal who types these passwords, each twice, and says no to every question."""

    def types(*passwords):
        left = [password for password in passwords for _ in range(2)]
        monkeypatch.setattr(getpass, "getpass", lambda *_, **__: left.pop(0))
        monkeypatch.setattr(createsuperuser, "input", lambda *_: "n", raising=False)

    return types


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_createsuperuser_refuses_it(typing):
    typing("qwertyuiopas", " " * 12, STRONG)
    said = io.StringIO()
    call_command("createsuperuser", username="root", stdin=Terminal(), stdout=said, stderr=said)
    # The second is Django's own word on blanks.
    assert ["太容易猜到" in said.getvalue(), "Blank passwords" in said.getvalue()] == [True, True]
    assert User.objects.get(username="root").check_password(STRONG)


def test_changepassword_refuses_it(typing, clerk):
    typing("qwertyuiopas", "demo-pass-2026", " " * 12)
    with pytest.raises(CommandError, match="Aborting"):
        call_command("changepassword", clerk.username, stdout=io.StringIO(), stderr=io.StringIO())
    assert User.objects.get(pk=clerk.pk).check_password("demo-pass-2026")
    typing(STRONG)
    call_command("changepassword", clerk.username, stdout=io.StringIO())
    assert User.objects.get(pk=clerk.pk).check_password(STRONG)


def test_changepassword_ends_tokens(typing, api, clerk):
    """Whoever logged in with the demo's password was in for twelve hours more."""
    token = api.as_user(clerk)
    assert token.get("/api/shop/getlist").status_code == 200
    typing(STRONG)
    call_command("changepassword", clerk.username, stdout=io.StringIO())
    assert token.get("/api/shop/getlist").status_code == 401


# The demo's password, which everybody has read.


@pytest.mark.parametrize(("mode", "opens"), [({"DEMO": True}, True), ({"DEBUG": True}, True), ({}, False)])
def test_the_published_password_opens_nothing_outside_of_a_demo(settings, api, client, clerk, mode, opens):
    """Also not of an account that was renamed, or of one that nobody has looked at yet."""
    settings.DEMO, settings.DEBUG = mode.get("DEMO", False), mode.get("DEBUG", False)
    User.objects.filter(pk=clerk.pk).update(username="renamed")
    credentials = {"username": "renamed", "password": "demo-pass-2026"}
    assert (api.anonymous.post("/api/auth/login", credentials).status_code == 200) == opens
    client.post("/admin/login/", credentials)
    assert ("_auth_user_id" in client.session) == opens


def test_another_password_does(settings, api, clerk):
    settings.DEMO = settings.DEBUG = False
    clerk.set_password(STRONG)
    clerk.save()
    assert api.anonymous.post("/api/auth/login", {"username": clerk.username, "password": STRONG}).status_code == 200
