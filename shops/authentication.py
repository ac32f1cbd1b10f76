"""The credential of tills and scales: each request signed with its shop's appKey and appSecret (``docs/api.md``)."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from retail.principals import Principal


class DeviceAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[object, Principal] | None:
        return None

    def authenticate_header(self, request: Request) -> str:
        # The first class speaks for all: without a challenge DRF turns every 401 into a 403.
        return "Bearer"
