"""Telephone numbers as people type them, and the one form in which each is kept."""

import re
import unicodedata

import phonenumbers
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType

HOME, HOME_CODE = "CN", 86
DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−", "-"))
# Letters would be read as keys of a telephone, and a number be found in the middle of a sentence.
TYPED = re.compile(r"\+?[0-9(][0-9 ().-]*(?:(?:转|分机|ext\.?|x|#) *[0-9]{1,6})?", re.I)
# With the extension as it is kept.
LANDLINE = re.compile(r"(0[1-9][0-9]{1,2}-?[0-9]{7,8})-([0-9]{1,6})")
# Of shops, in the library's list of no country: 95588, 96110.
SHORT = re.compile(r"9[56][0-9]{3,6}")
SERVICES = (PhoneNumberType.SHARED_COST, PhoneNumberType.TOLL_FREE)


class BadPhone(ValidationError):
    """Nobody is reached by it; forms say so beside their field."""

    def __init__(self) -> None:
        super().__init__(_("请填写正确的电话号码，座机带区号，境外号码以 + 开头"))


def normalised(text: str, *, services: bool = False) -> str:
    """``+86 138-0000 8000`` → ``13800008000``, ``（021）64080000 转 801`` → ``021-64080000-801``, from abroad ``+85291234567``.

    ``services``: also those that only take calls, as a shop's 400-800-1234 and 95588. Raises BadPhone.
    """
    typed = unicodedata.normalize("NFKC", text).translate(DASHES).strip()
    if services and SHORT.fullmatch(typed):
        return typed
    if not TYPED.fullmatch(typed):
        raise BadPhone
    try:
        number = phonenumbers.parse(re.sub("转|分机", "x", LANDLINE.sub(r"\1x\2", typed)), HOME)
    except NumberParseException as error:
        raise BadPhone from error
    if not phonenumbers.is_valid_number(number):
        raise BadPhone
    return at_home(number, services=services) if number.country_code == HOME_CODE else abroad(number)


def at_home(number: PhoneNumber, *, services: bool) -> str:
    """As the mainland writes it. Raises BadPhone."""
    kind, digits = phonenumbers.number_type(number), phonenumbers.national_significant_number(number)
    if kind == PhoneNumberType.FIXED_LINE:
        area = phonenumbers.length_of_geographical_area_code(number)
        return "-".join(part for part in (f"0{digits[:area]}", digits[area:], number.extension) if part)
    if number.extension or (kind != PhoneNumberType.MOBILE and not (services and kind in SERVICES)):
        raise BadPhone
    return digits if kind == PhoneNumberType.MOBILE else f"{digits[:3]}-{digits[3:6]}-{digits[6:]}"


def abroad(number: PhoneNumber) -> str:
    if number.extension:
        raise BadPhone
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
