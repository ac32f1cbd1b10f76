"""Small answers that the theme's settings ask for."""

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.utils.translation import gettext as _


def favicon(request: HttpRequest) -> str:
    return static("retail/favicon.svg")


def stylesheet(request: HttpRequest) -> str:
    return static("retail/backoffice.css")


def environment(request: HttpRequest) -> list[str] | None:
    """The badge beside the title: nobody should take the demo for the real thing."""
    return [_("演示环境"), "warning"] if settings.DEMO else None
