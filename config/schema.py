"""The OpenAPI schema: what drf-spectacular can't read from the wire's serializers and the library's credentials."""

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework.serializers import BaseSerializer

from retail.rights import ANYBODY, DEVICE, Role
from retail.wire.fields import INT64, Id, Moment, Number, OneOf, WholeNumber
from retail.wire.views import Endpoint

SAID_OF_INPUT = ("default", "minLength", "maxLength", "minimum", "maximum", "readOnly")
PEOPLE_SHOW = {"bearer", "cookieAuth"}


class WireSchema(AutoSchema):
    """Operations are named ``<folder>_<endpoint>``, and say who may call; a list of ids in a query is one text, ``1,2``."""

    @property
    def endpoint(self) -> Endpoint:
        described: Endpoint = getattr(self.view, self.view.action).endpoint  # type: ignore[attr-defined]
        return described

    def get_operation_id(self) -> str:
        return "_".join(self.path.split("/")[-2:])

    def get_tags(self) -> list[str]:
        return [self.path.split("/")[-2]]

    def get_description(self) -> str:  # type: ignore[override]
        return "调用者：" + "、".join(str(role.label) for role in Role if role in self.endpoint.who)

    def get_auth(self) -> list[dict[str, list[Any]]]:
        """Of all credentials those that a caller of this endpoint may have; ``{}``, none, where anonymous may call."""
        who = self.endpoint.who
        people, devices = bool(who - DEVICE - ANYBODY), bool(DEVICE & who)
        shown = [one for one in super().get_auth() if one and (people if PEOPLE_SHOW & set(one) else devices)]
        return [*shown, {}] if ANYBODY & who else shown

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:
        name: str = super().get_serializer_name(serializer, direction)
        return name.removesuffix("Gives").replace("Takes", "Request")

    def get_operation(self, *args: Any) -> Any:
        operation = super().get_operation(*args)
        for parameter in (operation or {}).get("parameters", []):
            schema = parameter["schema"]
            if schema.get("type") == "array":
                parameter["schema"] = {"type": "string", "pattern": r"^\d+(,\d+)*$", "example": "1,2"}
            # In a query nothing is null: it is absent. Nor is "" one of the words that may be chosen.
            schema.pop("nullable", None)
            if "enum" in schema:
                schema.pop("default", None)
        return operation

    def get_paginated_name(self, serializer_name: str) -> str:
        return f"{serializer_name}Page"

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Any:
        """Without the class's docstring, which tells programmers of ours what integrators need not know."""
        schema = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        schema.pop("description", None)
        return schema


class WholeNumberSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "retail.wire.fields.WholeNumber"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return whole_number(self.target)


class NumberSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "retail.wire.fields.Number"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        number: Number = self.target
        return {"type": "number", "format": "double", "minimum": float(number.least), "maximum": float(number.most)}


class IdListSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "retail.wire.fields.IdList"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return {"type": "array", "items": whole_number(Id()), "maxItems": settings.LIST_MAX["trade"], "example": [24, 25]}


class OneOfSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "retail.wire.fields.OneOf"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        words: OneOf = self.target
        return {"type": "string", "enum": list(words.choices)}


def whole_number(field: WholeNumber) -> dict[str, Any]:
    least = max(field.least, 1) if isinstance(field, Id) and field.must else field.least
    bounds = {"minimum": least, "maximum": field.most}
    return {"type": "integer", "format": "int64"} | {name: bound for name, bound in bounds.items() if abs(bound) < INT64 - 1}


class GivesSchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """An answer has all of its keys, always, and no others; only a date or a refusal's object may be null."""

    target_class = "retail.wire.serializers.GivesSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        schema: dict[str, Any] = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        for name, described in schema["properties"].items():
            field = self.target.fields[name]
            for surplus in SAID_OF_INPUT:
                described.pop(surplus, None)
            if isinstance(field, Moment):
                described["nullable"] = True
            elif not isinstance(field, BaseSerializer):
                described.pop("nullable", None)
        return schema | {"required": list(schema["properties"]), "additionalProperties": False}


class BearerCredential(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Knox's own would be a header of free text."""

    target_class = "retail.login.tokens.BearerAuthentication"
    name = "bearer"
    priority = 1

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer"}
