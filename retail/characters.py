"""What of a text people see."""

from unicodedata import category

# Letters and a symbol that nobody sees: Unicode's fillers for Hangul, and the empty pattern of Braille.
INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0\u2800")


def is_seen(character: str) -> bool:
    """Not a space, a control or format character (U+200B, U+FEFF), or a mark with nothing to stand on."""
    return category(character)[0] not in "ZCM" and character not in INVISIBLE
