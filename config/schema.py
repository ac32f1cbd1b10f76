"""The OpenAPI schema: what drf-spectacular can't read from the wire's serializers and the library's credentials."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema

from retail.principals import Role
from retail.wire.fields import Moment
from retail.wire.views import Endpoint


class WireSchema(AutoSchema):
    """Operations are named ``<folder>_<endpoint>``, and say who may call; a list of ids in a query is one text, ``1,2``."""

    @property
    def endpoint(self) -> Endpoint:
        described: Endpoint = getattr(self.view, self.view.action).endpoint  # type: ignore[attr-defined]
        return described

    def get_operation_id(self) -> str:
        return "_".join(self.path.split("/")[-2:])

    def get_tags(self) -> list[str]:
        return [self.path.rpartition("/")[0].removeprefix("/api/")]

    def get_description(self) -> str:  # type: ignore[override]
        return "、".join(str(role.label) for role in Role if role in self.endpoint.who)

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:
        name: str = super().get_serializer_name(serializer, direction)
        return name.removesuffix("Gives")

    def get_operation(self, *args: Any) -> Any:
        operation = super().get_operation(*args)
        for parameter in (operation or {}).get("parameters", []):
            if parameter["schema"].get("type") == "array":
                parameter["schema"] = {"type": "string", "example": "1,2", "nullable": True}
        return operation


class IdListSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "retail.wire.fields.IdList"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "integer", "format": "int64"}, "example": [24, 25]}


class GivesSchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """An answer has all of its keys, always; only a date may be null."""

    target_class = "retail.wire.serializers.GivesSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        schema: dict[str, Any] = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        for name, described in schema["properties"].items():
            for surplus in ("default", "maxLength", "nullable", "readOnly"):
                described.pop(surplus, None)
            if isinstance(self.target.fields[name], Moment):
                described["nullable"] = True
        return schema | {"required": list(schema["properties"]), "additionalProperties": False}


class BearerCredential(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Knox's own would be a header of free text."""

    target_class = "knox.auth.TokenAuthentication"
    name = "bearer"
    priority = 1

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer"}
