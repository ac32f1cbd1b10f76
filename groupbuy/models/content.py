"""How much is in one unit of a group buy (份), in the unit of its product (斤): read from the spec, and counted in boxes."""

import re
import unicodedata
from decimal import Decimal

from retail.money import GRAM

# Of each measure, in grams or millilitres.
WEIGHTS = {"斤": 500, "500g": 500, "500克": 500, "市斤": 500, "公斤": 1000, "千克": 1000, "kg": 1000, "克": 1, "g": 1, "两": 50}
VOLUMES = {"升": 1000, "l": 1000, "毫升": 1, "ml": 1}
# 2袋x 500g 装 x4, of a plain text: a number, the other end of its range, its unit, and how many such there are.
SAID = r"""
    (?<![0-9.])
    (?:(?P<before>[0-9]{{1,4}})[^0-9.]?[x*])?
    (?P<amount>[0-9]{{1,7}}(?:\.[0-9]{{1,3}})?)
    (?:(?:{names})?[-~至到][0-9]{{1,7}}(?:\.[0-9]{{1,3}})?)?
    (?P<name>{names})(?![a-wyz])
    [^0-9x*]?(?:[x*](?P<after>[0-9]{{1,4}})(?![0-9]))?
"""


def told_by(spec: str, unit: str) -> Decimal | None:
    """How much of ``unit`` a spec such as ``3 斤装``, ``500g``, ``250ml×12`` or ``约 8-10 斤`` says there is; None when it doesn't say.

    Of a range the lower end, which is what the buyer is promised at least. A spec that says two things says nothing.
    """
    wanted = plain(unit)
    if not wanted:
        return None
    measures = next((known for known in (WEIGHTS, VOLUMES) if wanted in known), {wanted: 1})
    names = "|".join(map(re.escape, measures))
    found = re.finditer(SAID.format(names=names), plain(spec), re.VERBOSE)
    said = {(amount_of(one) * measures[one["name"]] / measures[wanted]).quantize(GRAM) for one in found}
    amount = said.pop() if len(said) == 1 else None
    return amount or None


def amount_of(said: re.Match[str]) -> Decimal:
    return Decimal(said["amount"]) * int(said["before"] or 1) * int(said["after"] or 1)


def plain(text: str) -> str:
    """In one width and letter case, without spaces, with one sign for times and one for to."""
    narrow = unicodedata.normalize("NFKC", text).lower()
    return re.sub(r"\s", "", narrow).translate(str.maketrans("×✕–—−", "xx---"))


def boxes(amount: Decimal, pack_size: Decimal) -> tuple[int, Decimal]:
    """Whole boxes of ``pack_size`` in ``amount``, and what is left over."""
    whole, rest = divmod(amount, pack_size)
    return int(whole), rest


def shown(amount: Decimal) -> str:
    """``3.000`` → ``3``, ``0.250`` → ``0.25``."""
    return f"{amount.normalize():f}"
