"""The base of every API view: who may call, what was sent, one answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPMethod
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.viewsets import GenericViewSet

from retail.principals import Principal, principal_of
from retail.refusals import Forbidden
from retail.rights import Right, Role
from retail.wire import paging, parser
from retail.wire.parser import Arguments
from retail.wire.permissions import HasRight
from retail.wire.renderers import AlwaysJson
from retail.wire.serializers import ResultSerializer, TakesSerializer


class AnotherUser(Forbidden):
    """A buyer or device named somebody else as itself."""

    message = _("请重新登录")
    why = "another userId asserted"


@dataclass(frozen=True)
class Endpoint:
    """What the documents say of one path; the OpenAPI schema and the role matrix are read from it."""

    path: str
    right: Right
    takes: Any = None
    refused: dict[str, Any] = field(default_factory=dict)
    throttles: Sequence[type[BaseThrottle]] = ()

    @property
    def who(self) -> frozenset[Role]:
        """Those who may call."""
        return self.right.holders & Right.CALL_API.holders


# The HTTP codes of refusals that every endpoint may answer.
REFUSALS = (400, 401, 403, 404, 405, 413, 415, 429, 503)


def query_of(takes: Any, pages: type[paging.Pages] | None) -> list[Any]:
    """What a GET may carry: the serializer's or the filter set's arguments, and those of the page."""
    own = [takes.takes() if hasattr(takes, "takes") else takes] if takes else []
    return [*own, *([paging.PageTakes] if pages else [])]


def endpoint(
    method: str,
    path: str,
    *,
    right: Right,
    title: str,
    takes: Any = None,
    gives: Any = ResultSerializer,
    refused: dict[str, Any] | None = None,
    throttles: Sequence[type[BaseThrottle]] = (),
    many: bool = False,
    headers: Sequence[OpenApiParameter] = (),
    pages: type[paging.Pages] | None = None,
) -> Callable[[Callable[..., Any]], Any]:
    """Name a legacy path at its view.

    ``takes``: a serializer, or of a list its filter set; ``refused``: the extra keys of a refusal's body that has HTTP 200; ``many``: the
    body is a list of ``takes``; ``headers``: those that the endpoint reads, for the schema; ``pages``: it answers with a page of ``gives``.
    """
    described = Endpoint(path, right, takes, refused or {}, throttles)
    schema = extend_schema(
        summary=title,
        parameters=[*(query_of(takes, pages) if method == "GET" else []), *headers],
        request=None if method == "GET" else getattr(takes, "body_schema", takes(many=True) if many else takes),
        responses={200: gives(many=True) if pages else gives} | dict.fromkeys(REFUSALS, OpenApiResponse(ResultSerializer)),
    )

    def decorate(function: Callable[..., Any]) -> Any:
        function.endpoint = described  # type: ignore[attr-defined]
        # The schema goes on last: `action` replaces what it was given as the view's arguments.
        return schema(action(detail=False, methods=[HTTPMethod(method)], url_path=path, pagination_class=pages)(function))

    return decorate


class WireViewSet(GenericViewSet):  # type: ignore[type-arg]
    """A viewset whose actions are ``endpoint``s. An action validates, calls one service or queryset, and answers."""

    http_method_names = ["get", "head", "post"]
    content_negotiation_class = AlwaysJson
    permission_classes = [HasRight]
    pagination_class = None
    # For the schema alone: every endpoint names what it gives.
    serializer_class = ResultSerializer
    request: Request

    @property
    def endpoint(self) -> Endpoint:
        described: Endpoint = getattr(self, self.action or "").endpoint
        return described

    @property
    def refused_body(self) -> dict[str, Any]:
        return self.endpoint.refused if getattr(self, "action", None) else {}

    @cached_property
    def principal(self) -> Principal:
        return self.request.auth if isinstance(self.request.auth, Principal) else principal_of(self.request.user)

    @property
    def limits(self) -> str:
        return "trade" if self.principal.is_trade else "public"

    @cached_property
    def arguments(self) -> Arguments:
        return parser.read(self.request._request, body_max=settings.BODY_MAX[self.limits], list_max=settings.LIST_MAX[self.limits])

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # Before anything asks which endpoint this is: OPTIONS is an action of DRF's, and not of ours.
        if (request.method or "").lower() not in self.action_map:
            raise MethodNotAllowed(request.method or "")
        super().initial(request, *args, **kwargs)
        # Read before the action runs, so that no view sees a request that the wire rules refuse.
        self.arguments  # noqa: B018

    def get_throttles(self) -> list[BaseThrottle]:
        if not settings.API_THROTTLES:
            return []
        return [throttle() for throttle in self.endpoint.throttles]

    def check_throttles(self, request: Request) -> None:
        throttles = self.get_throttles()
        # All are asked, and all for their wait: one that has just counted this call may have no room for the next.
        allowed = [throttle.allow_request(request, self) for throttle in throttles]
        if not all(allowed):
            self.throttled(request, max(throttle.wait() or 0 for throttle in throttles))

    def valid(self) -> dict[str, Any]:
        """The named arguments of the action's ``takes``. Raises ValidationError (400)."""
        takes: Any = self.endpoint.takes or TakesSerializer
        serializer = takes(data=self.arguments, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        arguments: dict[str, Any] = serializer.validated_data
        return arguments

    def asked(self) -> Any:
        """The action's filter set with the arguments that were sent, its page's too. Raises ValidationError (400)."""
        pages: Any = self.paginator
        pages.read(self.arguments, is_trade=self.principal.is_trade)
        filters = self.endpoint.takes(self.arguments, principal=self.principal)
        if not filters.is_valid():
            raise serializers.ValidationError(filters.complaints)
        return filters

    def page(
        self,
        rows: QuerySet[Any],
        serializer: type[serializers.BaseSerializer[Any]],
        *,
        sums: dict[str, Any],
        details: Callable[[Sequence[int]], Sequence[Any]] = list,
    ) -> Response:
        """One page of ``rows`` as the caller may see it. ``sums``: the additive fields' totals by wire name; ``details``: loads the rows of
        a page that was picked by ids alone."""
        pages: Any = self.paginator
        shown = self.give(serializer, details(pages.paginate_queryset(rows, self.request, self)), many=True)
        answer: Response = pages.get_paginated_response(shown, sums=paging.empty_row(serializer()) | sums)
        return answer

    def valid_list(self) -> list[Any]:
        """The items of a body that is a JSON list, each valid for the action's ``takes`` (a ``many=True`` or list field)."""
        takes: Any = self.endpoint.takes
        if self.arguments.items is None:
            raise parser.BadArguments(gettext("请求内容应为 JSON 数组"))
        serializer = takes(data=self.arguments.items, context=self.get_serializer_context(), many=True)
        serializer.is_valid(raise_exception=True)
        items: list[Any] = serializer.validated_data
        return items

    def assert_user(self, user_id: int | None) -> None:
        """A ``userId`` of a buyer or device is an assertion of who they are. Raises AnotherUser."""
        own = self.principal.user.pk if self.principal.user else None
        if user_id and not self.principal.is_staff and user_id != own:
            raise AnotherUser

    def get_serializer_context(self) -> dict[str, Any]:
        return {"request": self.request, "view": self, "principal": self.principal, "list_max": settings.LIST_MAX[self.limits]}

    def give(self, serializer: type[serializers.BaseSerializer[Any]], value: Any, *, many: bool = False) -> Any:
        """``value`` as this caller may see it."""
        return serializer(value, many=many, context=self.get_serializer_context()).data
