"""Values that break services: each stands once for every parameter of every endpoint (``test_nasty_values.py``)."""

from typing import Any
from urllib.parse import quote

# name → the value in a JSON body; texts go into queries too.
TEXTS: dict[str, str] = {
    "empty": "",
    "blank": "  ",
    "underscored digits": "1_0",
    "full-width digits": "１２",
    "2^31 as text": "2147483648",
    "2^63-1 as text": "9223372036854775807",
    "2^63 as text": "9223372036854775808",
    "401 digits": "1" + "0" * 400,
    "fraction": "1.5",
    "hexadecimal": "0x10",
    "NaN": "NaN",
    "Infinity": "-Infinity",
    "exponent": "1E+20",
    "overflowing exponent": "1e400",
    "huge exponent": "1e999999999",
    "minus": "-1",
    "minus zero": "-0",
    "wildcards": "%_\\",
    "quote": "' OR 1=1 --",
    "markup": "<script>alert(1)</script>",
    "template": "{{7*7}}{% debug %}",
    "emoji": "🍊👨‍👩‍👧",
    "right to left": "\u202etxt.exe",
    "line breaks": "a\r\nX-Injected: 1",
    "zero date": "0000-00-00 00:00:00",
    "30 February": "2026-02-30",
    "commas": ",,1,,",
    "list of texts": "1,x",
    "201 characters": "苹" * 201,
}
VALUES: dict[str, Any] = TEXTS | {
    "null": None,
    "zero": 0,
    "2^31": 2**31,
    "-2^31": -(2**31),
    "2^63-1": 2**63 - 1,
    "2^63": 2**63,
    "-2^63": -(2**63),
    "10^400": 10**400,
    "negative": -1,
    "decimal": 0.005,
    "true": True,
    "object": {"a": 1},
    "list": [1, "x"],
    "empty list": [],
    "list of lists": [[[[1]]]],
    "list of null": [None],
}
# What json.dumps can't write, as it stands in a body or, quoted, in a query.
RAW_JSON: dict[str, bytes] = {
    "1E+20": b"1E+20",
    "1e400": b"1e400",
    "1e-400": b"1e-400",
    "-0.0": b"-0.0",
    "bare NaN": b"NaN",
    "bare Infinity": b"Infinity",
    "59.699999999999996": b"59.699999999999996",
    "NUL": b'"a\\u0000b"',
    "lone surrogate": b'"\\ud800"',
    "invalid UTF-8": b'"\xff\xfe"',
    "nested 20 deep": b"[" * 20 + b"]" * 20,
}
# Slow to read: on the first parameter only.
BULKY_JSON: dict[str, bytes] = {
    "1 MB": b'"' + b"x" * 1_000_000 + b'"',
    "nested 10^5 deep": b"[" * 100_000 + b"]" * 100_000,
    "300,000 ids": b"[" + b",".join(b"%d" % number for number in range(300_000)) + b"]",
    "20,001 ids": b"[" + b",".join(b"%d" % number for number in range(20_001)) + b"]",
}
RAW_QUERY: dict[str, str] = {
    "NUL": "a%00b",
    "invalid UTF-8": "%ff%fe",
    "overlong UTF-8": "%c0%af",
    "surrogate in UTF-8": "%ed%a0%80",
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
    "300,000 ids": BULKY_JSON["300,000 ids"],
    "2 MB": b'{"x":"' + b"x" * 2_000_000 + b'"}',
}


def in_query(value: str) -> str:
    return quote(value, safe="")
