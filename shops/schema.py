"""How the OpenAPI schema names the devices' signature."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class DeviceSignature(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "shops.authentication.DeviceAuthentication"
    name = "deviceSignature"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "X-Signature",
            "description": "X-App-Key, X-Timestamp, X-Nonce and X-Signature (HMAC-SHA256 with the shop's appSecret); see docs/api.md.",
        }
