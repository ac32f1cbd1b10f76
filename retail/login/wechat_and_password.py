"""Logging in: buyers by their WeChat identity or a browser session, staff by password."""

import re
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.auth import authenticate
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from knox.models import AuthToken

from retail import mini_program
from retail.models import Tenant, User, WeChatIdentity
from retail.refusals import Invalid, Refusal

TOKENS_MAX = 20
# Where WeChat keeps people's pictures. An address of elsewhere would make everybody who sees the buyer call there.
WECHAT_PICTURE = re.compile(r"\Ahttps://(?:[a-z0-9-]+\.)+qlogo\.cn/[0-9A-Za-z/._~%?=&+-]*\Z", re.ASCII)


class WrongCredentials(Refusal):
    """The code or password is not one of ours."""

    http_status = 401
    message = _("登录失败，请检查后重试")


class UnknownApp(Invalid):
    message = _("appId 不属于任何商家")


@dataclass(frozen=True)
class Login:
    """An opaque bearer token, shown once, and whose it is."""

    token: str
    expires_at: datetime
    user: User
    open_id: str = ""


def default_tenant() -> Tenant | None:
    """The tenant of ``DEFAULT_TENANT``; with a single tenant in the installation, that one."""
    tenants = Tenant.objects.filter(in_use=True)
    if settings.DEFAULT_TENANT:
        return tenants.filter(code=settings.DEFAULT_TENANT).first()
    found = list(tenants[:2])
    return found[0] if len(found) == 1 else None


def log_in_wechat(*, code: str, app_id: str, name: str, picture: str, phone_code: str) -> Login:
    """Exchange a mini-program's login code for a token; the first login makes the buyer, later ones update name and picture.

    A ``picture`` that is not WeChat's is not kept. Raises WrongCredentials, UnknownApp, and Unavailable when WeChat can't be reached.
    """
    tenant = tenant_of(app_id)
    if tenant is None:
        raise UnknownApp
    try:
        session = mini_program.code_to_session(code=code, tenant=tenant)
        phone = mini_program.phone_number(code=phone_code, tenant=tenant) if phone_code else ""
    except mini_program.Refused as error:
        raise WrongCredentials from error
    identity = identity_of(tenant=tenant, session=session)
    user = identity.user
    if not user.is_active:
        raise WrongCredentials
    update_person(user, nickname=name, picture=picture if WECHAT_PICTURE.match(picture) else "", phone=phone)
    return issue_token(user, open_id=identity.open_id)


def tenant_of(app_id: str) -> Tenant | None:
    """Whose mini-program it is; none named, or the environment's, is the default tenant's."""
    tenant = Tenant.objects.filter(in_use=True, app_id=app_id).first() if app_id else None
    return default_tenant() if tenant is None and app_id in ("", settings.WECHAT_APP_ID) else tenant


def identity_of(*, tenant: Tenant, session: mini_program.Session) -> WeChatIdentity:
    """The identity of this open id, made on the first login; ``union_id`` joins it to the person's other apps."""
    app_id = mini_program.app_id_of(tenant)
    known = WeChatIdentity.objects.select_related("user").filter(app_id=app_id, open_id=session.open_id, user__tenant=tenant)
    identity = known.first()
    if identity is not None:
        return identity
    try:
        with transaction.atomic():
            user = same_person(tenant, app_id, session.union_id) or User.objects.create_user(tenant=tenant)
            return WeChatIdentity.objects.create(user=user, app_id=app_id, open_id=session.open_id, union_id=session.union_id)
    except IntegrityError:
        # The same person logged in twice at once; the other login made the row.
        return known.get()


def same_person(tenant: Tenant, app_id: str, union_id: str) -> User | None:
    if not union_id:
        return None
    other = WeChatIdentity.objects.select_related("user").filter(union_id=union_id, user__tenant=tenant).exclude(app_id=app_id)
    identity = other.exclude(user__wechat_identities__app_id=app_id).first()
    return identity.user if identity else None


def update_person(user: User, **sent: str) -> None:
    changed = [name for name, value in sent.items() if value and getattr(user, name) != value]
    for name in changed:
        setattr(user, name, sent[name])
    if changed:
        user.save(update_fields=changed)


def log_in_staff(*, request: HttpRequest, username: str, password: str) -> Login:
    """A staff member's token. Superusers use the admin. Raises WrongCredentials; locked out people are answered by axes' 429."""
    user = authenticate(request, username=username, password=password)
    if not isinstance(user, User) or not user.is_staff or user.is_superuser:
        raise WrongCredentials
    return issue_token(user)


def issue_token(user: User, open_id: str = "") -> Login:
    """A new token; the person's ended ones and all but the newest few are cleared away, for a mini-program forgets the old ones."""
    living = AuthToken.objects.filter(user=user, expiry__gt=timezone.now()).order_by("-created")
    kept = list(living.values_list("pk", flat=True)[: TOKENS_MAX - 1])
    AuthToken.objects.filter(user=user).exclude(pk__in=kept).delete()
    instance, token = AuthToken.objects.create(user=user)
    return Login(token=token, expires_at=instance.expiry, user=user, open_id=open_id)


def make_visitor(*, tenant: Tenant) -> User:
    """A buyer of a browser session, who has no WeChat identity (yet)."""
    return User.objects.create_user(tenant=tenant)


def log_out(*, token: AuthToken | None) -> None:
    """Revoke the token that the request came with; a browser session ends on its own page."""
    if token is not None:
        token.delete()
