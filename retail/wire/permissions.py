"""Who may call an endpoint: whoever has its right."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from retail.principals import Principal
from retail.rights import Right


class HasRight(BasePermission):
    """The right is named at the view: ``endpoint(right=…)``."""

    # For the log; callers are answered in words of ours.
    message = "Forbidden"

    def has_permission(self, request: Request, view: Any) -> bool:
        principal: Principal = view.principal
        return principal.may(Right.CALL_API) and principal.may(view.endpoint.right)
