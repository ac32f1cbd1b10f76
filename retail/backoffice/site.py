"""The admin site: who gets in, for how long, and what browsers may run there."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import update_wrapper
from http import HTTPStatus
from pathlib import Path
from typing import Any

from csp.decorators import csp_replace
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.paginator import InvalidPage
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from retail.backoffice.bases import ScopedAdmin
from retail.backoffice.own_password import OwnPassword
from retail.backoffice.scope import caller
from retail.backoffice.theme import UnfoldAdminSite
from retail.login.lockouts import come_back
from retail.logs.client_ip import client_network
from retail.logs.request_log import note_refusal
from retail.rights import Right
from retail.throttles import LoginFailures

View = Callable[..., HttpResponse]
# Alpine, in which the theme is written, evaluates the attributes of its pages; the buyer pages keep the strict policy.
POLICY = {"script-src": ["'self'", "'unsafe-eval'"], "style-src": ["'self'", "'unsafe-inline'"]}
UNTIL = "staff_until"


class BackOffice(UnfoldAdminSite):  # type: ignore[misc]
    """Django's admin for people with a role. Takes scoped admins only; those that libraries bring know no tenants and stay outside."""

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.pages: list[tuple[str, View, str]] = []

    def register(self, model_or_iterable: Any, admin_class: type[Any] | None = None, **options: Any) -> None:
        """Raises ImproperlyConfigured for an admin of ours that isn't scoped: it would show every tenant's rows to everybody."""
        if admin_class is not None and issubclass(admin_class, ScopedAdmin):
            super().register(model_or_iterable, admin_class, **options)
            return
        models = [model_or_iterable] if isinstance(model_or_iterable, type) else list(model_or_iterable)
        ours = [one.__qualname__ for one in (*models, admin_class) if one is not None and is_ours(one)]
        if ours:
            raise ImproperlyConfigured(f"The back office takes admin classes that derive from ScopedAdmin: {', '.join(ours)}")

    def add_page(self, route: str, view: View, *, name: str) -> None:
        """Serve ``view(request)`` at ``/admin/<route>``, for people whom ``has_permission`` lets in."""
        self.pages.append((route, view, name))

    def extra_urls(self) -> list[URLPattern]:
        return [path(route, self.admin_view(view), name=name) for route, view, name in self.pages]

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(super().has_permission(request)) and caller(request).may(Right.USE_BACK_OFFICE)

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        inner = super().admin_view(view, cacheable)

        def within_session(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            keep_session(request, timezone.now())
            if request.user.is_authenticated and not self.has_permission(request):
                note_refusal(request, "not a member of staff with a role")
            response: HttpResponse = inner(request, *args, **kwargs)
            return response

        return with_policy(update_wrapper(within_session, inner))

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        try:
            response: HttpResponse = super().search(request, extra_context)
        except InvalidPage as error:
            raise Http404 from error
        return response

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        done = reverse("admin:password_change_done")
        context = self.each_context(request) | (extra_context or {})
        view: View = OwnPassword.as_view(success_url=done, extra_context=context)  # type: ignore[assignment]  # no page streams
        return view(request)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Wrong passwords of an address count together with those of the API."""
        counted = settings.API_THROTTLES and request.method == "POST"
        failures, network = LoginFailures(), client_network(request)
        if counted and not failures.has_room(network):
            note_refusal(request, "too many failures from an address")
            return come_back(request, seconds=max(failures.wait(), 1), failures=settings.THROTTLES_PER_MINUTE[failures.name])
        response = with_policy(super().login)(request, extra_context)
        if counted and response.status_code == HTTPStatus.OK:
            # The form again.
            failures.take(network)
        keep_session(request, timezone.now())
        return response


def is_ours(named: type[Any]) -> bool:
    """Whether a class is of an app that stands in the project's own folder, and not of a library."""
    package = named.__module__.partition(".")[0]
    return any(app.name == package and Path(app.path).parent == settings.BASE_DIR for app in apps.get_app_configs())


def with_policy(view: View) -> View:
    guarded: Any = csp_replace(POLICY)
    decorated: View = guarded(view)
    return decorated


def keep_session(request: HttpRequest, now: datetime) -> None:
    """Staff sessions end after some idle time and at the latest after a working day; stored with the session, so the API obeys too."""
    if not (request.user.is_authenticated and request.user.is_staff):
        return
    session = request.session
    if UNTIL not in session:
        session[UNTIL] = (now + settings.STAFF_SESSION_MAX).isoformat()
    ends = min(now + settings.STAFF_SESSION_IDLE, datetime.fromisoformat(session[UNTIL]))
    # Not written on every request: a minute more or less doesn't matter.
    if abs(ends - session.get_expiry_date()) >= timedelta(minutes=1):
        session.set_expiry(ends)
