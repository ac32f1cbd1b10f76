"""The OpenAPI schema: what drf-spectacular can't read from the wire's own fields, serializers and credentials."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema

from retail.wire.fields import DATETIME_EXAMPLE, INT64, Moment
from retail.wire.views import Endpoint

MOMENT_PATTERN = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"


class WireSchema(AutoSchema):
    """Operations are named ``<folder>_<endpoint>``; lists of ids in a query are one text, ``1,2``."""

    @property
    def endpoint(self) -> Endpoint:
        described: Endpoint = getattr(self.view, self.view.action).endpoint
        return described

    def get_operation_id(self) -> str:
        return "_".join(self.path.split("/")[-2:])

    def get_tags(self) -> list[str]:
        return [self.path.rpartition("/")[0].removeprefix("/api/")]

    def get_description(self) -> str:
        return "、".join(str(role.label) for role in type(next(iter(self.endpoint.who))) if role in self.endpoint.who)

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:
        name: str = super().get_serializer_name(serializer, direction)
        return name.removesuffix("Gives")

    def get_operation(self, *args: Any) -> Any:
        operation = super().get_operation(*args)
        for parameter in (operation or {}).get("parameters", []):
            if parameter["schema"].get("type") == "array":
                parameter["schema"] = {"type": "string", "pattern": r"^[\d, ]*$"}
        return operation


class WholeNumberSchema(OpenApiSerializerFieldExtension):
    target_class = "retail.wire.fields.WholeNumber"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        field = self.target
        schema: dict[str, Any] = {"type": "integer", "format": "int64"}
        if direction == "response":
            return schema
        least = max(field.least, 1) if getattr(field, "must", False) else field.least
        return schema | {"minimum": least} if field.most >= INT64 - 1 else schema | {"minimum": least, "maximum": field.most}


class NumberSchema(OpenApiSerializerFieldExtension):
    target_class = "retail.wire.fields.Number"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "number", "format": "double"}
        return schema if direction == "response" else schema | {"minimum": float(self.target.least), "maximum": float(self.target.most)}


class MomentSchema(OpenApiSerializerFieldExtension):
    target_class = "retail.wire.fields.Moment"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return {"type": "string", "pattern": MOMENT_PATTERN, "example": DATETIME_EXAMPLE}


class IdListSchema(OpenApiSerializerFieldExtension):
    target_class = "retail.wire.fields.IdList"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "integer", "format": "int64"}}


class ImagesSchema(OpenApiSerializerFieldExtension):
    target_class = "pricing.serializers.Images"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string"}}


class GivesSchema(OpenApiSerializerExtension):
    """An answer has all of its keys, always; only a date may be null."""

    target_class = "retail.wire.serializers.GivesSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        schema: dict[str, Any] = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        for name, described in schema["properties"].items():
            described.pop("default", None)
            described.pop("maxLength", None)
            described.pop("nullable", None)
            if isinstance(self.target.fields[name], Moment):
                described["nullable"] = True
        return schema | {"required": list(schema["properties"]), "additionalProperties": False}


class IdItemSchema(OpenApiSerializerExtension):
    target_class = "pricing.serializers.IdTakes"

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return {"type": "integer", "format": "int64", "minimum": 1}


class DeviceCredential(OpenApiAuthenticationExtension):
    target_class = "shops.authentication.DeviceAuthentication"
    name = "device"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        description = "X-App-Key, X-Timestamp, X-Nonce, X-Signature: see docs/api.md"
        return {"type": "apiKey", "in": "header", "name": "X-Signature", "description": description}


class BearerCredential(OpenApiAuthenticationExtension):
    """Knox's own would be a header of free text."""

    target_class = "knox.auth.TokenAuthentication"
    name = "bearer"
    priority = 1

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer"}
