"""Templates and stylesheets are read by people: one element or declaration a line, none out of the window."""

import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

TEMPLATE_LINE_MAX = 160
STYLESHEET_LINE_MAX = 120
BLOCK = re.compile(r"<(?:div|p|ul|ol|li|section|table|tr|td|th|form|article|header|footer|dl|dt|dd|h[1-6])\b")


def lines_of(folder: str, pattern: str) -> Iterator[tuple[str, str]]:
    """Every line with where it stands."""
    files: list[Path] = sorted((settings.BASE_DIR / folder).rglob(pattern))
    assert files
    for file in files:
        for number, line in enumerate(file.read_text().splitlines(), start=1):
            yield f"{file.relative_to(settings.BASE_DIR)}:{number}", line


def test_no_line_of_a_template_is_too_long_to_read():
    assert [place for place, line in lines_of("templates", "*.html") if len(line) > TEMPLATE_LINE_MAX] == []


def test_no_line_of_a_stylesheet_is_too_long_to_read():
    assert [place for place, line in lines_of("static", "*.css") if len(line) > STYLESHEET_LINE_MAX] == []


def test_no_line_of_a_template_opens_a_second_block():
    assert [place for place, line in lines_of("templates", "*.html") if len(BLOCK.findall(line)) > 1] == []
