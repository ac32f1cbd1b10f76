"""Where something is: ``lng,lat`` as our records hold it, and the map that opens there."""

import re
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

POINT = re.compile(r"(?P<lng>-?[0-9]{1,3}(?:\.[0-9]{1,10})?),(?P<lat>-?[0-9]{1,2}(?:\.[0-9]{1,10})?)", re.ASCII)
# https://lbs.qq.com/webApi/uriV1/uriGuide/uriWebMarker
MAP = "https://apis.map.qq.com/uri/v1/marker"


def read(text: str) -> tuple[float, float] | None:
    """Longitude and latitude, or None where no place on earth is meant."""
    found = POINT.fullmatch(text.replace("，", ",").replace(" ", ""))
    if found is None:
        return None
    lng, lat = float(found["lng"]), float(found["lat"])
    return (lng, lat) if abs(lng) <= 180 and abs(lat) <= 90 else None


def check(text: str) -> None:
    """A validator for forms. Raises ValidationError."""
    if text and read(text) is None:
        raise ValidationError(_("坐标须为「经度,纬度」，如 121.4307,31.1734"))


def map_link(text: str, *, title: str, address: str) -> str:
    """Tencent's map with a mark there; "" where ``text`` is no position."""
    point = read(text)
    if point is None:
        return ""
    lng, lat = point
    # Its fields are told apart by these.
    named, where = (words.translate(str.maketrans(";:", "  ")) for words in (title, address))
    marker = f"coord:{lat},{lng};title:{named};addr:{where}"
    return f"{MAP}?{urlencode({'marker': marker, 'referer': 'xiantuan'})}"
