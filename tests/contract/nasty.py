"""Values that break services: each stands once for every parameter of every endpoint (``test_nasty_values.py``)."""

import json
from itertools import islice
from typing import Any
from urllib.parse import quote

# name → the value in a JSON body; texts go into queries too.
FOR_ALL: dict[str, str] = {
    "empty": "",
    "blank": "  ",
    "commas": ",,1,,",
    "list of texts": "1,x",
    "401 digits": "1" + "0" * 400,
    "201 characters": "苹" * 201,
}
WORDS: dict[str, str] = {
    "markup": "<script>alert(1)</script>",
    "30 February": "2026-02-30",
    "wildcards": "%_\\",
    "quote": "' OR 1=1 --",
    "template": "{{7*7}}{% debug %}",
    "emoji": "🍊👨‍👩‍👧",
    "right to left": "\u202etxt.exe",
    "line breaks": "a\r\nX-Injected: 1",
    "zero date": "0000-00-00 00:00:00",
}
DIGITS: dict[str, str] = {
    "full-width digits": "１２",
    "2^63 as text": "9223372036854775808",
    "NaN": "NaN",
    "underscored digits": "1_0",
    "2^31 as text": "2147483648",
    "2^63-1 as text": "9223372036854775807",
    "fraction": "1.5",
    "hexadecimal": "0x10",
    "Infinity": "-Infinity",
    "exponent": "1E+20",
    "overflowing exponent": "1e400",
    "huge exponent": "1e999999999",
    "minus": "-1",
    "minus zero": "-0",
}
# What json.dumps can't write stands there as bytes.
NUMBERS: dict[str, Any] = {
    "zero": 0,
    "2^63": 2**63,
    "decimal": 0.005,
    "10^400": 10**400,
    "1e400": b"1e400",
    "-0.0": b"-0.0",
    "2^31": 2**31,
    "-2^31": -(2**31),
    "2^63-1": 2**63 - 1,
    "-2^63": -(2**63),
    "negative": -1,
    "1E+20": b"1E+20",
    "1e-400": b"1e-400",
    "59.699999999999996": b"59.699999999999996",
}
OTHERS: dict[str, Any] = {
    "null": None,
    "true": True,
    "false": False,
    "object": {"a": 1},
    "list": [1, "x"],
    "empty list": [],
    "list of lists": [[[[1]]]],
    "list of null": [None],
}
LONG: dict[str, Any] = {"1 MB": "x" * 1_000_000}


def first(number: int, values: dict[str, Any]) -> dict[str, Any]:
    return dict(islice(values.items(), number))


def texts_for(kind: str) -> dict[str, str]:
    """To a number one word is like another, to a text one number."""
    return FOR_ALL | (WORDS | first(3, DIGITS) if kind == "string" else DIGITS | first(2, WORDS))


def json_for(kind: str) -> dict[str, bytes]:
    return as_json(texts_for(kind) | (first(6, NUMBERS) if kind == "string" else NUMBERS) | OTHERS | LONG)


def as_json(values: dict[str, Any]) -> dict[str, bytes]:
    return {label: value if isinstance(value, bytes) else json.dumps(value).encode() for label, value in values.items()}


# Refused before anybody looks at the name that it stands under, so that one name is enough: one that nobody knows.
UNREADABLE_JSON: dict[str, bytes] = {
    "bare NaN": b"NaN",
    "bare Infinity": b"Infinity",
    "NUL": b'"a\\u0000b"',
    "lone surrogate": b'"\\ud800"',
    "invalid UTF-8": b'"\xff\xfe"',
    "nested 20 deep": b"[" * 20 + b"]" * 20,
    "nested 10^5 deep": b"[" * 100_000 + b"]" * 100_000,
    "300,000 ids": b"[" + b",".join(b"%d" % number for number in range(300_000)) + b"]",
    "20,001 ids": b"[" + b",".join(b"%d" % number for number in range(20_001)) + b"]",
}
UNREADABLE_QUERY: dict[str, str] = {
    "NUL": "a%00b",
    "invalid UTF-8": "%ff%fe",
    "overlong UTF-8": "%c0%af",
    "surrogate in UTF-8": "%ed%a0%80",
}
RAW_QUERY: dict[str, str] = {
    "broken escape": "%zz",
    "plus": "1+1",
    "100 kB": "x" * 100_000,
    "undefined": "undefined",
    "null": "null",
    "twice, the same": "1&{name}=1",
    "twice, different": "1&{name}=2",
}
# In place of the whole body.
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "null": b"null",
    "text": b'"x"',
    "number": b"1",
    "empty object": b"{}",
    "empty list": b"[]",
    "list of null": b"[null]",
    "list of lists": b"[[1]]",
    "list of objects": b'[{"id":"x"}]',
    "cut short": b'{"id": 1',
    "two objects": b"{}{}",
    "the same key twice": b'{"id": 1, "id": 2}',
    "the same key in another case": b'{"id": 1, "ID": 2}',
    "invalid UTF-8": b'{"id": "\xff"}',
    "UTF-16": '{"id": 1}'.encode("utf-16"),
    "byte-order mark": b"\xef\xbb\xbf{}",
    "NUL bytes": b"\x00\x00",
    "form": b"id=1&shopId=x",
    "nested 10^5 deep": b'{"id":' * 100_000 + b"1" + b"}" * 100_000,
    "300,000 ids": UNREADABLE_JSON["300,000 ids"],
    "2 MB": b'{"x":"' + b"x" * 2_000_000 + b'"}',
}


def in_query(value: str) -> str:
    return quote(value, safe="")
