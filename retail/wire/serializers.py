"""Bases of the wire's serializers: arguments in by folded names, objects out with all their keys."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from retail.refusals import ANSWERED
from retail.wire.fields import Id, enumeration, is_none
from retail.wire.parser import Arguments

TWICE = _("出现多次且取值不同")


def pick(named: Mapping[str, list[Any]], fields: Mapping[str, Any], aliases: Mapping[str, tuple[str, ...]] | None = None) -> dict[str, Any]:
    """The value that was sent for each of ``fields``, by wire name. Raises ValidationError for one that came twice and differs."""
    picked = {}
    for name, field in fields.items():
        for key in (name, *(aliases or {}).get(name, ())):
            values = named.get(key.lower(), [])
            if values and not (isinstance(field, Id) and all(is_none(value) for value in values)):
                picked[name] = one_value(name, field, values)
                break
    return picked


def one_value(name: str, field: Any, values: list[Any]) -> Any:
    if getattr(field, "repeatable", False):
        return values if len(values) > 1 else values[0]
    if any(str(value) != str(values[0]) for value in values[1:]):
        raise serializers.ValidationError({name: [str(TWICE)]})
    return values[0]


class TakesSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """Input: names are matched without regard to case, unknown ones ignored, an alias is read when the first name is none."""

    aliases: ClassVar[dict[str, tuple[str, ...]]] = {}
    default_error_messages = {
        "object": _("应为 JSON 对象"),
    }

    def to_internal_value(self, data: Any) -> Any:
        return super().to_internal_value(pick(self.named(data), self.fields, self.aliases))

    def named(self, data: Any) -> dict[str, list[Any]]:
        if isinstance(data, Arguments):
            return data.named
        if not isinstance(data, Mapping):
            raise self.not_an_object()
        named: dict[str, list[Any]] = {}
        for name, value in data.items():
            named.setdefault(name.lower(), []).append(value)
        return named

    def not_an_object(self) -> serializers.ValidationError:
        return serializers.ValidationError({"non_field_errors": [str(self.error_messages["object"])]})

    def run_validation(self, data: Any = serializers.empty) -> Any:
        # DRF checks for a Mapping first; Arguments is our own.
        if isinstance(data, Arguments):
            if data.items is not None:
                raise self.not_an_object()
            return self.run_validators_on(self.to_internal_value(data))
        return super().run_validation(data)

    def run_validators_on(self, value: Any) -> Any:
        self.run_validators(value)
        return self.validate(value)


class GivesSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """Output: exactly the documented keys. ``self.principal`` decides what is masked."""

    @property
    def principal(self) -> Any:
        return self.context["principal"]

    def to_representation(self, row: Any) -> dict[str, Any]:
        """What is None, or behind a None, reads as unset (wire rule 6). Not DRF's own loop: that takes twice as long."""
        return {name: write(row) for name, write in self.writers}

    @cached_property
    def writers(self) -> list[tuple[str, Callable[[Any], Any]]]:
        return [(field.field_name or "", writer(field)) for field in self.fields.values() if not field.write_only]


def writer(field: Any) -> Callable[[Any], Any]:
    """From a row to the field's value on the wire. Only a list may be missing: nobody has prefetched it."""
    show = field.to_representation
    if field.source == "*":
        return show  # type: ignore[no-any-return]
    steps, unset = field.source_attrs, unset_of(field)
    missing = ((),) if isinstance(field, serializers.ListSerializer) else ()

    def write(row: Any) -> Any:
        value = row
        for step in steps:
            value = value[step] if isinstance(value, dict) else getattr(value, step, *missing)
            if value is None:
                return unset
        return show(value() if callable(value) else value)

    return write


def unset_of(field: Any) -> Any:
    """``""``, 0, ``null``, ``[]``: a field in which nothing is set (wire rule 6)."""
    if isinstance(field, serializers.ListSerializer | serializers.ListField):
        return []
    if isinstance(field, serializers.BooleanField):
        return False
    return getattr(field, "unset", "")


class ResultSerializer(GivesSerializer):
    """The envelope of a command."""

    status = serializers.IntegerField(help_text=enumeration(ANSWERED))
    message = serializers.CharField(allow_blank=True, help_text=_("附加信息"))
