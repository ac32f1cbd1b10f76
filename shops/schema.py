"""How the OpenAPI schema names the credentials of devices, and what a row of shops doesn't carry."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerFieldExtension

HEADERS = {
    "deviceKey": ("X-App-Key", "门店的 appKey"),
    "deviceTimestamp": ("X-Timestamp", "unix 秒，与服务器相差不超过 300"),
    "deviceNonce": ("X-Nonce", "16–64 位，600 秒内不可重复"),
    "deviceSignature": ("X-Signature", "以 appSecret 计算的 HMAC-SHA256，见 docs/api.md"),
}


class DeviceCredentials(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The four headers of a signature together; or Basic, where headquarters lets a shop's tills use it."""

    target_class = "shops.authentication.DeviceAuthentication"
    name = [*HEADERS, "deviceBasic"]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        return [{name: [] for name in HEADERS}, {"deviceBasic": []}]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        signed = [{"type": "apiKey", "in": "header", "name": name, "description": text} for name, text in HEADERS.values()]
        return [*signed, {"type": "http", "scheme": "basic", "description": "appKey:appSecret，须由总部为门店开启，仅限 TLS"}]


class NotCarriedSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "shops.serializers.NotCarried"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return {"type": "array", "items": {"$ref": f"#/components/schemas/{self.target.component}"}}
