"""What an installation writes to its log at ``LOG_LEVEL=DEBUG``, through the settings' own formatter and levels."""

import json
import logging
import logging.config
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

from django.conf import settings


class Written:
    """The lines of a log, as text and as objects."""

    def __init__(self) -> None:
        self.stream = StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def of(self, name: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["name"] == name]

    @property
    def words(self) -> str:
        """What a reader of the log sees: its Chinese isn't escaped."""
        return "\n".join(json.dumps(line, ensure_ascii=False) for line in self.lines)

    @property
    def access(self) -> list[dict[str, Any]]:
        """One for each request."""
        return self.of("retail.logs.request_log")

    @property
    def refusals(self) -> list[str]:
        return [line["message"] for line in self.access if line["levelname"] == "WARNING"]


@contextmanager
def log_written() -> Iterator[Written]:
    written, root = Written(), logging.getLogger()
    handler = logging.StreamHandler(written.stream)
    configurator = logging.config.DictConfigurator(settings.LOGGING)
    # A copy: it takes out what it has used.
    handler.setFormatter(configurator.configure_formatter(dict(settings.LOGGING["formatters"]["json"])))
    # The tests' own library, which no installation has.
    handler.addFilter(lambda record: not record.name.startswith("factory"))
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield written
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
