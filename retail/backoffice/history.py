"""Who changed a field last, as the history of the admin has it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.utils import translation
from django.utils.functional import Promise

# Nobody leaves a page open for longer than this takes.
ENTRIES_MAX = 100


@dataclass(frozen=True)
class Edit:
    who: str
    at: datetime


def edit_of(told_of: Model, row: Model, label: "str | Promise", *, since: datetime) -> Edit | None:
    """The newest change of the field that the form calls ``label``; ``told_of``: in whose history those of ``row`` stand."""
    # As the admin writes it down: in no language.
    with translation.override(None):
        named = str(label)
    kind = ContentType.objects.get_for_model(told_of)
    entries = LogEntry.objects.filter(content_type=kind, object_id=str(told_of.pk), action_time__gte=since).select_related("user")
    for entry in entries.order_by("-action_time", "-pk")[:ENTRIES_MAX]:
        if any(named in change.get("fields", ()) for change in changes_in(entry, None if told_of is row else str(row))):
            return Edit(str(entry.user), entry.action_time)
    return None


def changes_in(entry: LogEntry, inline: str | None) -> Iterator[dict[str, Any]]:
    """What a form changed, of the row itself or of one of its inline rows; what an action wrote are words of its own."""
    if not entry.change_message.startswith("["):
        return
    for part in json.loads(entry.change_message):
        change = part.get("changed", {})
        if change.get("object") == inline:
            yield change
