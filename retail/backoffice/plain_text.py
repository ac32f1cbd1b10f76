"""A field's value as one text, the same whether it comes from the row, from a browser, or from one database or the other."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.db.models import Model
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

# Longer texts are recognised by how they begin.
WORDS_MAX = 200
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def of_row(field: forms.Field, value: Any) -> str:
    """``value`` as the page shows it and the browser sends it back: a time that is shown in minutes has no seconds."""
    if isinstance(field, forms.FileField | forms.ModelChoiceField):
        return plain(value)
    sent = as_shown(field, value)
    try:
        return plain(read(field, sent))
    except ValidationError:
        # Of before a rule: it stays until somebody edits it.
        return plain(value)


def of_answer(field: forms.Field, sent: Any, *, held: str) -> str | None:
    """What a browser ``sent``. Of a file: None when there is a new one, ``held`` when it was left alone. Raises ValidationError."""
    if isinstance(field, forms.FileField):
        return held if sent is None else "" if sent is False else None
    return plain(read(field, sent))


def as_sent(field: forms.Field, value: Any) -> Any:
    """``value`` of a row as a field's ``clean`` takes it, nothing rounded."""
    return field.widget.decompress(value) if isinstance(field, forms.MultiValueField) else field.prepare_value(value)


def as_shown(field: forms.Field, value: Any) -> Any:
    widget: Any = field.widget
    if isinstance(field, forms.MultiValueField):
        return [part.format_value(one) for part, one in zip(widget.widgets, widget.decompress(value), strict=True)]
    shown = field.prepare_value(value)
    return widget.format_value(shown) if isinstance(widget, forms.DateInput | forms.DateTimeInput | forms.TimeInput) else shown


def read(field: forms.Field, sent: Any) -> Any:
    if isinstance(field, forms.ModelChoiceField):
        # The key is enough: the row behind it would be asked of the database.
        return sent
    return field.clean(sent) if isinstance(field, forms.MultiValueField) else field.to_python(sent)


def plain(value: Any) -> str:
    if value is None or value is False:
        return ""
    if isinstance(value, datetime):
        # Whole seconds, and no zone: the edges of the calendar overflow in some.
        return str((value - EPOCH) // timedelta(seconds=1))
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, Model):
        return str(value.pk)
    if hasattr(value, "__iter__") and not isinstance(value, str | File):
        return ",".join(sorted(set(map(plain, value))))
    return str(value).strip().replace("\r\n", "\n")


def in_words(field: forms.Field | None, value: Any) -> str:
    """For a person's eyes."""
    if value is None or value == "":
        return _("空")
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if isinstance(value, datetime):
        return date_format(timezone.localtime(value) if timezone.is_aware(value) else value, "Y-m-d H:i")
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "__iter__") and not isinstance(value, str | File):
        return "、".join(str(one) for one in value) or _("空")
    is_choice = isinstance(field, forms.ChoiceField) and not isinstance(field, forms.ModelChoiceField)
    chosen: Any = field.choices if is_choice else ()  # type: ignore[union-attr]
    return str(dict(chosen).get(value, value))[:WORDS_MAX]
