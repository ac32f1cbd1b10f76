"""Passwords that nobody guesses: one rule for the admin, ``createsuperuser`` and ``changepassword`` (``AUTH_PASSWORD_VALIDATORS``)."""

import re
from itertools import chain, pairwise
from typing import Any
from unicodedata import normalize

from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from pypinyin import Style, lazy_pinyin

from retail.characters import is_seen

# The demo prints it, and so does its documentation.
PUBLISHED = "demo-pass-2026"
PRODUCT = ("xiantuan", "鲜团", PUBLISHED, "demo", "pass")
# Powers of ten of the guesses that a part costs: a character of its own, what is copied or known of the person, a run of neighbours,
# a year, a day, one of the twenty thousand commonest passwords.
CHARACTER, KNOWN, RUN, YEAR, DAY, COMMON = 1, 1, 2, 2, 4, 4
ENOUGH = 10
# Beyond this it is long enough, or nothing but repetition.
JUDGED_MAX = 72
PART_MIN = 3
# How letters are dressed up as figures and signs: ``xi@ntu@n``, ``x1antuan``.
DRESSED = str.maketrans("@4301!$5", "aaeoiiss")
SEPARATORS = re.compile(r"[-./年月日]")
IS_YEAR = re.compile(r"(?:19|20)\d\d").fullmatch
IS_DAY = re.compile(r"(?:(?:19|20)?\d\d)?(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])").fullmatch
ROWS = ("`1234567890-=", "~!@#$%^&*()_+", "qwertyuiop[]\\", "asdfghjkl;'", "zxcvbnm,./")
COLUMNS = ("1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "8ik,", "9ol.", "0p;/")
ALPHABETS = ("abcdefghijklmnopqrstuvwxyz", "0123456789")
NEIGHBOURS = {pair for row in (*ROWS, *COLUMNS, *ALPHABETS) for pair in chain(pairwise(row), pairwise(reversed(row)))}


def is_published(password: str | None) -> bool:
    """Whether everybody knows it: outside of a demo it opens nothing."""
    return password == PUBLISHED and not (settings.DEMO or settings.DEBUG)


class GuessablePasswordValidator(CommonPasswordValidator):
    """Refuses what a list, a keyboard, a calendar or acquaintance with the person guesses. Django's, which it stands for, knows whole
    passwords of the list alone. The password itself is kept as it was typed, blanks too; those count for nothing."""

    def validate(self, password: str, user: Any = None) -> None:
        if guesses(seen(password), known=names_of(user), common=self.passwords) < ENOUGH:
            raise ValidationError(self.get_error_message(), code="password_too_guessable")

    def get_error_message(self) -> str:
        return _("密码太容易猜到：请不要用键盘顺序、重复字符、日期、常用密码，或姓名、用户名和店名。")

    def get_help_text(self) -> str:
        return _("不能是键盘顺序、重复字符、日期、常用密码，或由姓名、用户名、店名组成。")


def guesses(text: str, *, known: set[str], common: set[str]) -> int:
    """How many guesses find ``text``, as a power of ten: the cheapest way of putting it together from parts."""
    cheapest = [0]
    for end in range(1, len(text) + 1):
        ways = (cheapest[start] + cost_of(text, start, end, known, common) for start in range(end))
        cheapest.append(min(ways))
    return cheapest[-1]


def cost_of(text: str, start: int, end: int, known: set[str], common: set[str]) -> int:
    part = text[start:end]
    if part in known or part.translate(DRESSED) in known:
        return KNOWN
    if len(part) < PART_MIN:
        return CHARACTER * len(part)
    if part in text[:start]:
        return KNOWN
    if all(before == after or (before, after) in NEIGHBOURS for before, after in pairwise(part)):
        return RUN
    if IS_YEAR(part):
        return YEAR
    return min(COMMON, len(part)) if part in common or is_day(part) else CHARACTER * len(part)


def is_day(part: str) -> bool:
    """Written in whatever order: 20260131, 2026-01-31, 31.01.2026, 01/31/2026."""
    figures = SEPARATORS.sub("", part)
    return any(map(IS_DAY, (figures, figures[-4:] + figures[:-4], figures[-4:] + figures[2:4] + figures[:2])))


def seen(password: str) -> str:
    """The password as a guesser sees it: one width, one case, and nothing that is invisible."""
    plain = normalize("NFKC", password[: 4 * JUDGED_MAX]).casefold()
    return "".join(filter(is_seen, plain))[:JUDGED_MAX]


def names_of(user: Any) -> set[str]:
    """What stands on the shop's door: the person's, the chain's and its shops' names, in Chinese characters and as they are typed."""
    names = [*PRODUCT, *(getattr(user, field, None) for field in ("username", "nickname", "phone"))]
    tenant = getattr(user, "tenant", None)
    if tenant is not None:
        names += chain((tenant.name, tenant.code), *tenant.shops.values_list("name", "code"))
    spelled = chain.from_iterable((name, *typed(name), *initials(name)) for name in names if name)
    return {one for one in map(seen, spelled) if len(one) > 1}


def typed(name: str) -> tuple[str, str]:
    """``王小明`` → ``wangxiaoming``, and as abroad, the family's name last."""
    syllables = lazy_pinyin(name)
    return "".join(syllables), "".join((*syllables[1:], *syllables[:1]))


def initials(name: str) -> list[str]:
    letters = "".join(lazy_pinyin(name, style=Style.FIRST_LETTER))
    return [letters] if len(letters) >= PART_MIN else []
