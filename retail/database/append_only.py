"""Rows that are written once: price logs and the timelines of orders, which must tell what was."""

from typing import Any, NoReturn, TypeVar

from django.db import models

Row = TypeVar("Row", bound=models.Model)


class WrittenOnce(TypeError):
    """A row that only ever is added was to be changed or deleted: a mistake in the code, nobody's input."""


class AppendOnlyQuerySet(models.QuerySet[Row]):
    def refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise WrittenOnce(self.model._meta.label)

    update = delete = bulk_update = update_or_create = refuse


class AppendOnlyModel(models.Model):
    """A model names an ``AppendOnlyQuerySet`` as its ``objects``. Foreign keys to what it is about are PROTECT."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise WrittenOnce(self._meta.label)
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise WrittenOnce(self._meta.label)
