"""What a case of a parametrized test is called: its values in words, where pytest would only number them."""

import linecache
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from types import CodeType, LambdaType

LENGTH_MAX = 60


def readable(value: object) -> str | None:
    """None for what pytest names well by itself, as it does short texts, numbers, classes and functions."""
    if isinstance(value, str) and not 0 < len(value) <= LENGTH_MAX:
        return plain(value) or "empty"
    if isinstance(value, str | bytes | bool | int | float | type(None)) or hasattr(value, "__name__") and not is_lambda(value):
        return None
    return plain(words(value))


def words(value: object) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{name}={words(one)}" for name, one in value.items()) or "{}"
    if isinstance(value, set | frozenset):
        return "+".join(sorted(map(words, value))) or "nothing"
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return "+".join(map(words, value)) or "nothing"
    if isinstance(value, date | timedelta | Decimal | str):
        return str(value)
    if isinstance(value, partial):
        return f"{words(value.func)}({','.join(map(words, [*value.args, *value.keywords.values()]))})"
    if is_lambda(value):
        return source_of(value)
    return getattr(value, "__name__", None) or repr(value)


def is_lambda(value: object) -> bool:
    return isinstance(value, LambdaType) and value.__name__ == "<lambda>"


def source_of(function: Callable[..., object]) -> str:
    """What a lambda does, as it is written: its first line, where it has several."""
    code: CodeType = function.__code__
    places = [place for place in code.co_positions() if place[2] is not None and place[3]]
    line, begin = min((line, begin) for line, _last, begin, _end in places)
    end = max(end for first, last, _begin, end in places if first == last == line)
    # The columns count bytes.
    return linecache.getline(code.co_filename, line).encode()[begin:end].decode(errors="ignore")


def plain(text: str) -> str:
    """Short, on one line, and without what a shell or pytest itself would read otherwise."""
    cleaned = " ".join(text.split()).replace("[", "(").replace("]", ")").replace("::", ":")
    return cleaned if len(cleaned) <= LENGTH_MAX else cleaned[: LENGTH_MAX - 1] + "…"
