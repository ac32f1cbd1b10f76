"""Who may call an endpoint: whoever has its right."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from retail.rights import PLATFORM


class HasRight(BasePermission):
    """The right is named at the view (``endpoint(right=…)``); the platform works in the back office alone."""

    # For the log; callers are answered in words of ours.
    message = "Forbidden"

    def has_permission(self, request: Request, view: Any) -> bool:
        return view.principal.role not in PLATFORM and view.principal.may(view.endpoint.right)
