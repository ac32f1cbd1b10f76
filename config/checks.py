"""What only the database and its library can tell of an installation.

Asked at every start (``config.start``), by ``check --deploy`` and by ``doctor``.
"""

import logging
from collections.abc import Iterator, Sequence
from typing import Any, cast

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connection
from django.http.request import validate_host

from config.demo import people
from retail import mini_program
from retail.database import faults
from retail.database.sqlite import library
from retail.models import Tenant, User

log = logging.getLogger(__name__)


def check_data(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[checks.CheckMessage]:
    """No account of the demo where it isn't one any more, and no tenant whom nobody can reach.

    A database that doesn't answer, or isn't made yet, hides nothing worse than a site that doesn't work: the start goes on, unless
    something was found before.
    """
    found = list(corrupting_library())
    try:
        # Closed afterwards, unless it was open: Celery's workers are forks and must not inherit it.
        with connection.temporary_connection():
            for look in (published_accounts, unserved_hosts, silent_apps):
                found += look()
    except DatabaseError as error:
        log.warning("the database doesn't answer, so nobody looked for the demo's accounts, or no further: %s", faults.cause_of(error))
    return found


def corrupting_library() -> Iterator[checks.CheckMessage]:
    """SQLite's, as Django uses it; asks for no connection."""
    driver = cast(Any, connection).Database
    if connection.vendor != "sqlite" or library.is_fixed(driver.sqlite_version_info):
        return
    why = f"SQLite {driver.sqlite_version} can corrupt the database when the server writes while the worker does."
    mend = "Install requirements.txt anew, which brings a fixed one for most machines, or a Python with SQLite 3.51.3, or use PostgreSQL."
    yield checks.Warning(f"{why} {mend}", id="config.W003")


def published_accounts() -> Iterator[checks.CheckMessage]:
    """Of those who could log in. A renamed account is found by its hash, which the demo gave all of them; its password opens nothing."""
    if settings.DEMO or settings.DEBUG:
        return
    found = people.with_published_password(User.objects.staff().counting().filter(is_active=True))
    if found:
        names = ", ".join(str(user.username) for user in found)
        mend = "manage.py demo --retire takes it from them; manage.py changepassword NAME gives one who stays a new one."
        yield checks.Error(f"Everybody knows the password of {names}: it is the demo's, and DEMO is off. {mend}", id="config.E001")


def unserved_hosts() -> Iterator[checks.CheckMessage]:
    for tenant in Tenant.objects.filter(in_use=True).exclude(host_name=None).exclude(host_name=""):
        if not validate_host(str(tenant.host_name), settings.ALLOWED_HOSTS):
            why = f"ALLOWED_HOSTS lacks {tenant.host_name}, the host name of tenant {tenant.code}: every page there is refused. Add it."
            yield checks.Warning(why, id="config.W001")


def silent_apps() -> Iterator[checks.CheckMessage]:
    for tenant in mini_program.without_secret():
        app = f"appId {tenant.app_id}" if tenant.app_id else "no appId"
        mend = "Enter it in the back office (小程序密钥), or take the appId from the tenant, so that the environment's app counts."
        yield checks.Warning(
            f"LOGIN_PROVIDER=wechat, but there is no secret for tenant {tenant.code} ({app}): each login is 503. {mend}", id="config.W002"
        )
