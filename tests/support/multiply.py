"""Many rows like one, in one statement a model: what must differ differs, all else points where the first one does."""

import copy
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.db import models

# Where copies begin to count, above what a row has by itself.
FIRST = 1000


class Multiplier:
    """``sources``: one row of each model, those first that others point at."""

    def __init__(self, sources: Iterable[models.Model]) -> None:
        self.sources = list(sources)
        self.copies: dict[type, list[models.Model]] = {type(source): [source] for source in self.sources}

    def grow_to(self, size: int) -> None:
        for source in self.sources:
            have = self.copies[type(source)]
            new = [self.copy_of(source, number) for number in range(len(have), size)]
            have += type(source)._default_manager.bulk_create(new)  # type: ignore[attr-defined]

    def copy_of(self, source: models.Model, number: int) -> models.Model:
        made = copy.copy(source)
        made._state = models.base.ModelState()
        if not isinstance(made._meta.pk, models.OneToOneField):
            made.pk = None
        for name in varied(type(source)):
            setattr(made, name, self.another(made._meta.get_field(name), getattr(source, name), number))
        return made

    def another(self, field: Any, value: Any, number: int) -> Any:
        if value in (None, ""):
            return value
        if isinstance(field, models.ForeignKey):
            return self.copies[field.related_model][number]
        if isinstance(field, models.DateField):
            return date.fromisoformat(str(value)) - timedelta(days=number)
        return FIRST + number if isinstance(field, models.IntegerField) else f"{FIRST + number}{value}"[: field.max_length]


def varied(model: type[models.Model]) -> list[str]:
    """For each rule that something stands once, one of the fields that it is about."""
    meta = model._meta
    rules = [[field.name] for field in meta.concrete_fields if field.unique and not isinstance(field, models.AutoField)]
    rules += [list(rule.fields) for rule in meta.constraints if isinstance(rule, models.UniqueConstraint)]
    found: list[str] = []
    for rule in rules:
        if not set(rule) & set(found):
            found.append(max(rule, key=lambda name: (readiness(meta.get_field(name)), rule.index(name))))
    return found


def readiness(field: Any) -> int:
    """Free texts are the easiest to make another of, then numbers and days, then rows."""
    if isinstance(field, models.ForeignKey):
        return 0
    return -1 if field.choices else 2 if isinstance(field, models.CharField | models.TextField) else 1
