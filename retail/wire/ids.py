"""The id of a row as somebody sent it: digits that fit into 64 bits. Whatever else stands there is no row's."""

import re

from django.urls.converters import IntConverter

DIGITS = "[0-9]{1,18}"
is_id = re.compile(DIGITS).fullmatch


class IdConverter(IntConverter):
    """``<id:pk>`` in an address. Django's own ``int`` takes numbers that no database knows."""

    regex = DIGITS
