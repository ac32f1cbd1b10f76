"""Templates are read by people: one element a line, and no line that runs out of the window."""

from django.conf import settings

LINE_MAX = 160


def test_no_line_of_a_template_is_too_long_to_read():
    templates = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
    assert templates
    too_long = [
        f"{template.relative_to(settings.BASE_DIR)}:{number}: {len(line)} characters"
        for template in templates
        for number, line in enumerate(template.read_text().splitlines(), start=1)
        if len(line) > LINE_MAX
    ]
    assert too_long == []
